using Microsoft.Extensions.Logging;
using SinGateway.Discord;
using SinGateway.Loop;

namespace SinGateway;

/// <summary>
/// Says how far the start is, every ten seconds until all shards were ready once: a thousand shards take minutes, and an operator wants to
/// know that it goes on and for how long. Belongs to the loop's thread.
/// </summary>
internal sealed partial class StartProgress
{
    /// <summary>Between two looks at the shards, in ms.</summary>
    private const int Period = 1_000;

    private const int PeriodsPerLine = 10;

    private readonly EventLoop _loop;
    private readonly Action<Action<GatewayFigures>> _ask;
    private readonly IIdentifyQueue _identifies;
    private readonly ILogger _logger;
    private readonly LoopTimer _timer;
    private long _startedAt;
    private int _periods;
    private bool _isOver;

    /// <param name="loop">The loop.</param>
    /// <param name="ask">Calls what it is given with the figures, on the loop.</param>
    /// <param name="identifies">Of all shards.</param>
    /// <param name="logger">Gets the lines.</param>
    public StartProgress(EventLoop loop, Action<Action<GatewayFigures>> ask, IIdentifyQueue identifies, ILogger logger)
    {
        _loop = loop;
        _ask = ask;
        _identifies = identifies;
        _logger = logger;
        _timer = new LoopTimer(loop, () => _ask(Look));
    }

    /// <summary>Raised on the loop, when there is something new to say of the start, with one line.</summary>
    public event Action<string>? Said;

    public void Start()
    {
        _startedAt = _loop.Now;
        _timer.Start(Period);
    }

    public void Stop()
    {
        _isOver = true;
        _timer.Stop();
    }

    private void Look(GatewayFigures now)
    {
        if (_isOver)
        {
            return;
        }

        double seconds = (_loop.Now - _startedAt) / 1000.0;
        if (now.Ready == now.Shards)
        {
            LogAllReady(now.Ready, seconds);
            Said?.Invoke($"All {now.Ready} shards were ready after {seconds:F0} s");
            return;
        }

        _timer.Start(Period);
        if (++_periods % PeriodsPerLine == 0)
        {
            string left = Left(_identifies.Waiting + now.Resuming, _identifies.EstimatedWait);
            Said?.Invoke($"Starting: {now.Ready} of {now.Shards} shards are ready, {left}");
            LogStarting(now.Ready, now.Shards, _identifies.Waiting, now.Resuming, left);
        }
    }

    /// <summary>What can be said of the rest of a start. Nobody knows when a connection succeeds, so that has no time.</summary>
    /// <param name="waiting">Shards that wait for a permit or for their turn.</param>
    /// <param name="estimate">Until the last permit, in ms.</param>
    public static string Left(int waiting, long estimate) => estimate switch
    {
        0 when waiting == 0 => "the others are connecting",
        0 => "seconds left",
        < 120_000 => $"about {(estimate + 999) / 1000} s left",
        < 7_200_000 => $"about {(estimate + 59_999) / 60_000} min left",
        _ => $"about {(estimate + 3_599_999) / 3_600_000} h left",
    };

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Starting: {Ready} of {Total} shards ready, {Identifying} wait for a permit to identify, {Resuming} for their turn to resume; {Left}")]
    private partial void LogStarting(int ready, int total, int identifying, int resuming, string left);

    [LoggerMessage(Level = LogLevel.Information, Message = "All {Total} shards are ready after {Seconds:F1} s")]
    private partial void LogAllReady(int total, double seconds);
}
