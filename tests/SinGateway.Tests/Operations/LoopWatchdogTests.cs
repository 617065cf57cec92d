using System.Globalization;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using SinGateway.Operations;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests.Operations;

/// <summary>The service manager hears of a loop that turns, and of no other. The loop is a list of what was posted to it.</summary>
internal sealed class LoopWatchdogTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TemporaryDirectory _directory = new();
    private readonly Socket _manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
    private readonly ServiceNotifier _notifier;
    private readonly FakeTimeProvider _time = new();
    private readonly Queue<Action> _posted = [];
    private readonly LoopWatchdog _watchdog;
    private readonly IDisposable _watched;

    public LoopWatchdogTests()
    {
        string path = _directory.File("notify");
        _manager.Bind(new UnixDomainSocketEndPoint(path));
        _notifier = new ServiceNotifier(variable => variable switch
        {
            ServiceNotifier.SocketVariable => path,
            ServiceNotifier.WatchdogVariable => Patience.TotalMicroseconds.ToString("F0", CultureInfo.InvariantCulture),
            _ => null,
        });
        _watchdog = new LoopWatchdog(_notifier, _time);
        _watched = _watchdog.Watch(_posted.Enqueue);
    }

    [Test]
    public async Task A_loop_that_turns_is_told_of_three_times_in_the_patience()
    {
        for (int beat = 0; beat < 6; beat++)
        {
            Turn();
            _time.Advance(Patience / 3);
        }

        await Assert.That(Told()).IsEqualTo(6);
    }

    [Test]
    public async Task A_loop_that_hangs_is_not_told_of()
    {
        Turn();
        _time.Advance(Patience / 3);
        await Assert.That(Told()).IsEqualTo(1);

        _time.Advance(Patience * 2);

        await Assert.That(Told()).IsEqualTo(0);
        await Assert.That(_posted.Count).IsEqualTo(1);
    }

    [Test]
    public async Task A_loop_that_goes_on_is_told_of_again()
    {
        _time.Advance(Patience);
        await Assert.That(Told()).IsEqualTo(0);

        Turn();
        _time.Advance(Patience / 3);

        await Assert.That(Told()).IsEqualTo(1);
    }

    [Test]
    public async Task Between_two_loops_it_tells_without_one()
    {
        _watched.Dispose();
        _posted.Clear();

        _time.Advance(Patience / 3);
        _time.Advance(Patience / 3);

        await Assert.That(Told()).IsEqualTo(2);
    }

    [Test]
    public async Task After_its_end_nothing_is_told()
    {
        Turn();
        _watchdog.Dispose();

        _time.Advance(Patience * 2);

        await Assert.That(Told()).IsEqualTo(0);
    }

    public void Dispose()
    {
        _watchdog.Dispose();
        _notifier.Dispose();
        _manager.Dispose();
        _directory.Dispose();
    }

    private void Turn()
    {
        while (_posted.TryDequeue(out Action? action))
        {
            action();
        }
    }

    private int Told()
    {
        int told = 0;
        byte[] datagram = new byte[64];
        while (_manager.Poll(0, SelectMode.SelectRead))
        {
            _manager.Receive(datagram);
            told++;
        }

        return told;
    }
}
