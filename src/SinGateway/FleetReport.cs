using System.Diagnostics;
using Microsoft.Extensions.Logging;
using SinGateway.Discord;
using SinGateway.Loop;

namespace SinGateway;

/// <summary>
/// What is said of all shards of the process together: how far the start is, and a summary a minute. And what is done for all loops at once:
/// malloc's free pages go back to the kernel. Belongs to the first loop's thread.
/// </summary>
internal sealed partial class FleetReport
{
    /// <summary>
    /// How often malloc's free pages go back to the kernel, in ms. zlib and OpenSSL take their buffers from it, and after a burst it keeps
    /// some 17 KB a shard.
    /// </summary>
    private const int TrimPeriod = 30_000;

    private readonly LoopShards[] _loops;
    private readonly ILogger _logger;
    private readonly MinuteSummary _summary;
    private readonly LoopTimer _trimTimer;
    private readonly LoopTour _tour;
    private readonly List<Action<GatewayFigures>> _asking = [];
    private GatewayFigures _figures;
    private bool _isStopped;

    /// <param name="loops">All of them.</param>
    /// <param name="identifies">Of all shards.</param>
    /// <param name="logger">Gets the lines.</param>
    public FleetReport(LoopShards[] loops, IIdentifyQueue identifies, ILogger logger)
    {
        EventLoop loop = loops[0].Loop;
        _loops = loops;
        _logger = logger;
        Progress = new StartProgress(loop, Ask, identifies, logger);
        _summary = new MinuteSummary(loop, Ask, logger);
        _trimTimer = new LoopTimer(loop, Trim);
        _tour = new LoopTour(loops.Select(each => each.Loop), index => _figures = _figures.With(_loops[index]), Tell);
    }

    /// <summary>Of the start.</summary>
    public StartProgress Progress { get; }

    public void Start()
    {
        if (_isStopped)
        {
            return;
        }

        Progress.Start();
        _summary.Start();
        _trimTimer.Start(TrimPeriod);
    }

    /// <summary>For good, also before <see cref="Start"/>.</summary>
    public void Stop()
    {
        _isStopped = true;
        Progress.Stop();
        _summary.Stop();
        _trimTimer.Stop();
        _asking.Clear();
    }

    /// <summary>Calls <paramref name="told"/> with the figures of all loops: with one loop within the call, else when they are known.</summary>
    private void Ask(Action<GatewayFigures> told)
    {
        _asking.Add(told);
        if (!_tour.IsUnderWay)
        {
            _figures = default;
            _tour.Start();
        }
    }

    private void Tell()
    {
        // None of them asks again at once.
        foreach (Action<GatewayFigures> told in _asking)
        {
            told(_figures);
        }

        _asking.Clear();
    }

    private void Trim()
    {
        _trimTimer.Start(TrimPeriod);
        long start = Stopwatch.GetTimestamp();
        SystemCalls.TrimMalloc();
        LogTrimmed((long)Stopwatch.GetElapsedTime(start).TotalMicroseconds);
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Gave free memory back to the kernel in {Microseconds} µs")]
    private partial void LogTrimmed(long microseconds);
}
