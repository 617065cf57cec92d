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
    private readonly Shard[] _shards;
    private readonly IIdentifyQueue _identifies;
    private readonly ResumeTurns _turns;
    private readonly ILogger _logger;
    private readonly LoopTimer _timer;
    private long _startedAt;
    private int _periods;

    public StartProgress(EventLoop loop, Shard[] shards, IIdentifyQueue identifies, ResumeTurns turns, ILogger logger)
    {
        _loop = loop;
        _shards = shards;
        _identifies = identifies;
        _turns = turns;
        _logger = logger;
        _timer = new LoopTimer(loop, Look);
    }

    /// <summary>Raised on the loop, when there is something new to say of the start, with one line.</summary>
    public event Action<string>? Said;

    public void Start()
    {
        _startedAt = _loop.Now;
        _timer.Start(Period);
    }

    public void Stop() => _timer.Stop();

    private void Look()
    {
        int ready = 0;
        foreach (Shard shard in _shards)
        {
            ready += shard.Phase == ShardPhase.Ready ? 1 : 0;
        }

        double seconds = (_loop.Now - _startedAt) / 1000.0;
        if (ready == _shards.Length)
        {
            LogAllReady(ready, seconds);
            Said?.Invoke($"All {ready} shards were ready after {seconds:F0} s");
            return;
        }

        _timer.Start(Period);
        if (++_periods % PeriodsPerLine == 0)
        {
            string left = Left(_identifies.Waiting + _turns.Waiting, _identifies.EstimatedWait);
            Said?.Invoke($"Starting: {ready} of {_shards.Length} shards are ready, {left}");
            LogStarting(ready, _shards.Length, _identifies.Waiting, _turns.Waiting, left);
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
