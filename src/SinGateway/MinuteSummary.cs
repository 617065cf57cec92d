using Microsoft.Extensions.Logging;
using SinGateway.Loop;

namespace SinGateway;

/// <summary>
/// Says in a line a minute what the gateway did. A minute in which nothing came and nothing was wrong has none: an idle bot's log does not
/// grow. Belongs to the loop's thread.
/// </summary>
internal sealed partial class MinuteSummary
{
    /// <summary>In ms.</summary>
    public const int Period = 60_000;

    private readonly EventLoop _loop;
    private readonly Action<Action<GatewayFigures>> _ask;
    private readonly ILogger _logger;
    private readonly LoopTimer _timer;
    private GatewayFigures _before;
    private long _beganAt;

    /// <param name="loop">The loop.</param>
    /// <param name="ask">Once a minute, and at the start: calls what it is given with the figures, on the loop.</param>
    /// <param name="logger">Gets the line.</param>
    public MinuteSummary(EventLoop loop, Action<Action<GatewayFigures>> ask, ILogger logger)
    {
        _loop = loop;
        _ask = ask;
        _logger = logger;
        _timer = new LoopTimer(loop, () => _ask(Say));
    }

    public void Start() => _ask(Begin);

    public void Stop() => _timer.Stop();

    private void Begin(GatewayFigures now)
    {
        _before = now;
        _beganAt = _loop.Now;
        _timer.Start(Period);
    }

    private void Say(GatewayFigures now)
    {
        if (now.Events > _before.Events || now.Lost > _before.Lost || !now.IsWhole)
        {
            double seconds = (_loop.Now - _beganAt) / 1000.0;
            LogSummary(
                now.Ready,
                now.Shards,
                now.Connected,
                now.Connections,
                (now.Events - _before.Events) / seconds,
                (now.Forwarded - _before.Forwarded) / seconds,
                now.OutboxBytes,
                now.Lost,
                now.Latency,
                now.SlowestLatency);
        }

        Begin(now);
    }

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "{Ready} of {Shards} shards ready, {Connected} of {Connections} connections to 신경; {EventsPerSecond:F1} events/s, {ForwardedPerSecond:F1} forwarded/s; {OutboxBytes} bytes in the outbox, {Lost} lost so far; heartbeats take {LatencyMs} ms ({SlowestLatencyMs} at most)")]
    private partial void LogSummary(
        int ready, int shards, int connected, int connections, double eventsPerSecond, double forwardedPerSecond, long outboxBytes, long lost,
        long latencyMs, long slowestLatencyMs);
}
