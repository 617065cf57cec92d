using System.Diagnostics;
using Microsoft.Extensions.Logging;
using SinGateway.Discord;
using SinGateway.Loop;
using SinGateway.Sessions;

namespace SinGateway;

/// <summary>
/// All shards of this process with their 신경 connections, on one loop: starts the groups together, keeps what they share going, and ends
/// them together. Belongs to the loop's thread.
/// </summary>
internal sealed partial class ShardFleet
{
    /// <summary>
    /// How often malloc's free pages go back to the kernel, in ms. zlib and OpenSSL take their buffers from it, and after a burst it keeps
    /// some 17 KB a shard.
    /// </summary>
    private const int TrimPeriod = 30_000;

    private readonly EventLoop _loop;
    private readonly ShardGroup[] _groups;
    private readonly StartProgress _progress;
    private readonly SessionSaver _saver;
    private readonly ILogger _logger;
    private readonly LoopTimer _trimTimer;
    private readonly long _startedAt;
    private int _running;

    public ShardFleet(EventLoop loop, ShardGroup[] groups, StartProgress progress, SessionSaver saver, ILogger logger)
    {
        _loop = loop;
        _groups = groups;
        _progress = progress;
        _saver = saver;
        _logger = logger;
        _trimTimer = new LoopTimer(loop, Trim);
        _startedAt = loop.Now;
    }

    public void Start()
    {
        foreach (ShardGroup group in _groups)
        {
            group.Start();
        }

        _progress.Start();
        _saver.Start();
        _trimTimer.Start(TrimPeriod);
    }

    /// <summary>
    /// Once: ends every group (<see cref="ShardGroup.Stop"/>), and calls <paramref name="stopped"/> with the last state of every session,
    /// which is the caller's to save.
    /// </summary>
    public void Stop(Action<SessionRecord[]> stopped)
    {
        _progress.Stop();
        _saver.Stop();
        _trimTimer.Stop();
        _running = _groups.Length;
        foreach (ShardGroup group in _groups)
        {
            group.Stop(() =>
            {
                if (--_running == 0)
                {
                    SayTotals();
                    stopped(_saver.FinalRecords());
                }
            });
        }
    }

    private long Sum(Func<ShardGroup, long> count) => _groups.Sum(count);

    private void SayTotals()
    {
        CommandCounts commands = CommandCounts.Sum(_groups.Select(group => group.Commands));
        if (commands.Total > 0)
        {
            LogCommands(commands.ToString());
        }

        LogStopped(
            Sum(group => group.Forwarder.Events),
            Sum(group => group.Forwarder.Forwarded),
            Sum(group => group.Client.Delivery.Unrouted),
            Sum(group => group.Client.Delivery.Expired),
            Sum(group => group.Client.Delivery.Poisonous),
            Sum(group => group.Forwarder.Oversized),
            Sum(group => group.Forwarder.Unencodable),
            Sum(group => group.Forwarder.LostToFullOutbox),
            Sum(group => group.Shards.Sum(shard => shard.Identified)),
            Sum(group => group.Shards.Sum(shard => shard.Resumed)),
            (_loop.Now - _startedAt) / 1000,
            GC.GetTotalAllocatedBytes());
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

    [LoggerMessage(Level = LogLevel.Information, Message = "Commands of workers: {Counts}")]
    private partial void LogCommands(string counts);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Stopped: events={Events} forwarded={Forwarded} unrouted={Unrouted} expired={Expired} poisonous={Poisonous} oversized={Oversized} unencodable={Unencodable} outbox_full={LostToFullOutbox} identified={Identified} resumed={Resumed} seconds={Seconds} allocated={Allocated}")]
    private partial void LogStopped(
        long events, long forwarded, long unrouted, long expired, long poisonous, long oversized, long unencodable, long lostToFullOutbox,
        long identified, long resumed, long seconds, long allocated);
}
