using System.Text;
using Microsoft.Extensions.Logging;
using SinGateway.Loop;

namespace SinGateway.Singyeong;

/// <summary>
/// What 신경 says of dispatches that nobody takes, brought to the <see cref="Delivery"/>: those that come back, workers that connect, and the
/// time at which waiting ends. Tells it in few lines, however many dispatches there are. Belongs to the loop's thread.
/// </summary>
internal sealed partial class UnroutedDispatches
{
    /// <summary>The least time between two lines about dropped dispatches, in ms.</summary>
    private const int LinePeriod = 10_000;

    /// <summary>
    /// How long lanes are left alone at least, in ms: while a retry that is due waits for answers, there is an ack to come that asks again.
    /// </summary>
    private const int LanePeriod = 100;

    private readonly EventLoop _loop;
    private readonly Delivery _delivery;
    private readonly Action _changed;
    private readonly ILogger _logger;
    private readonly LoopTimer _timer;
    private long _said;
    private long _saidAt = long.MinValue / 2;

    /// <param name="loop">The loop.</param>
    /// <param name="delivery">Holds what came back, or drops it.</param>
    /// <param name="changed">Something may be sent now that could not be before, or there is room again.</param>
    /// <param name="logger">Of the connection.</param>
    public UnroutedDispatches(EventLoop loop, Delivery delivery, Action changed, ILogger logger)
    {
        _loop = loop;
        _delivery = delivery;
        _changed = changed;
        _logger = logger;
        _timer = new LoopTimer(loop, OnDue);
    }

    /// <summary>A no_route: a dispatch comes back.</summary>
    public void ComeBack(in SingyeongPacket packet)
    {
        string text = packet.UnroutedNonce();
        Span<byte> nonce = stackalloc byte[DispatchWriter.MaximumNonce];
        if (!Encoding.UTF8.TryGetBytes(text, nonce, out int length) || !DispatchNonce.TryParse(nonce[..length], out DispatchNonce parsed))
        {
            return;
        }

        _delivery.ComeBack(parsed);
        if (_delivery.Unrouted > _said && _loop.Now - _saidAt >= LinePeriod)
        {
            LogUnrouted(_delivery.Unrouted - _said, text);
            _said = _delivery.Unrouted;
            _saidAt = _loop.Now;
        }

        Watch();
    }

    /// <summary>CLIENT_CONNECTED: a worker may take what waits.</summary>
    public void Connected(in SingyeongPacket packet)
    {
        if (packet.ConnectedApplication() is { Length: > 0 } application)
        {
            _delivery.ReceiverConnected(application);
            Watch();
            _changed();
        }
    }

    /// <summary>
    /// Looks again when the next retry or the next end of waiting is due. A look that is under way is never put off: what comes back all the
    /// time would keep lanes from ever being looked at.
    /// </summary>
    public void Watch()
    {
        if (_delivery.NextDue is { } due)
        {
            long at = Math.Max(due, _loop.Now + LanePeriod);
            if (!_timer.IsRunning || at < _timer.Due)
            {
                _timer.Start(at - _loop.Now);
            }
        }
    }

    public void Stop() => _timer.Stop();

    private void OnDue()
    {
        if (_delivery.Expire() is > 0 and int expired)
        {
            LogExpired(expired, _delivery.Expired);
        }

        _delivery.SpoolAged();
        Watch();
        _changed();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "신경 found no receiver for {Count} dispatches since the last such line (the latest: {Nonce}); they are dropped and counted: is a worker connected?")]
    private partial void LogUnrouted(long count, string nonce);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Count} events waited for a receiver for longer than holdFor and are lost ({Total} since the start): is a worker connected?")]
    private partial void LogExpired(int count, long total);
}
