using System.Globalization;
using System.Net.Sockets;
using System.Text;
using SinGateway.Operations;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests.Operations;

/// <summary>sd_notify's protocol, read from a real unix datagram socket.</summary>
internal sealed class ServiceNotifierTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly Socket _manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 60_000 };
    private readonly Dictionary<string, string> _environment = [];

    [Test]
    public async Task Each_state_is_one_datagram()
    {
        using ServiceNotifier notifier = Listening(_directory.File("notify"));

        notifier.Ready();
        notifier.Alive();
        notifier.Status("3 of 4\nshards");
        notifier.Stopping();

        await Assert.That((string[])[Receive(), Receive(), Receive(), Receive()])
            .IsEquivalentTo((string[])["READY=1", "WATCHDOG=1", "STATUS=3 of 4 shards", "STOPPING=1"], TUnit.Assertions.Enums.CollectionOrdering.Matching);
    }

    [Test]
    public async Task A_socket_in_the_abstract_namespace_is_told_too()
    {
        using ServiceNotifier notifier = Listening($"@singateway-{Guid.NewGuid()}");

        notifier.Ready();

        await Assert.That(Receive()).IsEqualTo("READY=1");
    }

    [Test]
    [Arguments(null)]
    [Arguments("")]
    [Arguments("@")]
    [Arguments("vsock:2:1234")]
    [Arguments("/nowhere/at/all")]
    public async Task Without_a_socket_that_listens_nothing_happens(string? address)
    {
        using ServiceNotifier notifier = Notifier(address);

        await Assert.That(notifier.Ready).ThrowsNothing();
    }

    [Test]
    public async Task A_service_manager_that_is_gone_is_no_fault()
    {
        using ServiceNotifier notifier = Listening(_directory.File("notify"));
        _manager.Dispose();

        await Assert.That(notifier.Alive).ThrowsNothing();
    }

    [Test]
    public async Task A_service_manager_that_does_not_read_is_not_waited_for()
    {
        using ServiceNotifier notifier = Listening(_directory.File("notify"));

        for (int i = 0; i < 10_000; i++)
        {
            notifier.Alive();
        }

        await Assert.That(Receive()).IsEqualTo("WATCHDOG=1");
    }

    [Test]
    [Arguments("30000000", null, 30)]
    [Arguments("30000000", "", 30)]
    [Arguments("30000000", "OWN", 30)]
    [Arguments("30000000", "1", null)]
    [Arguments("0", null, null)]
    [Arguments("soon", null, null)]
    [Arguments(null, null, null)]
    public async Task The_watchdog_is_read_when_it_is_meant_for_this_process(string? microseconds, string? process, int? seconds)
    {
        Set(ServiceNotifier.WatchdogVariable, microseconds);
        Set(ServiceNotifier.WatchdogProcessVariable, process == "OWN" ? Environment.ProcessId.ToString(CultureInfo.InvariantCulture) : process);
        using ServiceNotifier notifier = Listening(_directory.File("notify"));

        await Assert.That(notifier.WatchdogPatience).IsEqualTo(seconds is { } expected ? TimeSpan.FromSeconds(expected) : null);
    }

    public void Dispose()
    {
        _manager.Dispose();
        _directory.Dispose();
    }

    private ServiceNotifier Listening(string address)
    {
        _manager.Bind(new UnixDomainSocketEndPoint(address.Replace('@', '\0')));
        return Notifier(address);
    }

    private ServiceNotifier Notifier(string? address)
    {
        Set(ServiceNotifier.SocketVariable, address);
        return new ServiceNotifier(_environment.GetValueOrDefault);
    }

    private void Set(string variable, string? value)
    {
        if (value is not null)
        {
            _environment[variable] = value;
        }
    }

    private string Receive()
    {
        byte[] datagram = new byte[4096];
        return Encoding.UTF8.GetString(datagram, 0, _manager.Receive(datagram));
    }
}
