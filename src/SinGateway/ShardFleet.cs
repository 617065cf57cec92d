using System.Diagnostics;
using Microsoft.Extensions.Logging;
using SinGateway.Discord;
using SinGateway.Forwarding;
using SinGateway.Generations;
using SinGateway.Loop;
using SinGateway.Sessions;
using SinGateway.Singyeong;

namespace SinGateway;

/// <summary>
/// All shards of this process with their 신경 connections, on one loop: starts the groups together, keeps what they share going, and ends
/// them together. Belongs to the loop's thread.
/// </summary>
internal sealed partial class ShardFleet : IMutedFleet
{
    /// <summary>
    /// How often malloc's free pages go back to the kernel, in ms. zlib and OpenSSL take their buffers from it, and after a burst it keeps
    /// some 17 KB a shard.
    /// </summary>
    private const int TrimPeriod = 30_000;

    /// <summary>Between two looks at whether all shards are ready, or everything is confirmed, in ms.</summary>
    private const int LookPeriod = 250;

    private readonly EventLoop _loop;
    private readonly ShardGroup[] _groups;
    private readonly StartProgress _progress;
    private readonly SessionSaver _saver;
    private readonly SpoolFeed? _spool;
    private readonly ILogger _logger;
    private readonly LoopTimer _trimTimer;
    private readonly MinuteSummary _summary;
    private readonly LoopTimer _readyTimer;
    private readonly LoopTimer _retireTimer;
    private readonly long _startedAt;
    private int _running;
    private bool _isAbandoned;
    private volatile bool _isReady;
    private Action<SessionRecord[]>? _retired;

    /// <param name="loop">Of all of it.</param>
    /// <param name="groups">The 신경 connections with their shards.</param>
    /// <param name="progress">Of the start.</param>
    /// <param name="saver">Of the shards' sessions.</param>
    /// <param name="spool">Of all groups; null without one.</param>
    /// <param name="logger">Told the totals.</param>
    public ShardFleet(EventLoop loop, ShardGroup[] groups, StartProgress progress, SessionSaver saver, SpoolFeed? spool, ILogger logger)
    {
        _loop = loop;
        _groups = groups;
        _progress = progress;
        _saver = saver;
        _spool = spool;
        _logger = logger;
        _trimTimer = new LoopTimer(loop, Trim);
        _summary = new MinuteSummary(loop, () => GatewayFigures.Of(groups), logger);
        _readyTimer = new LoopTimer(loop, LookWhetherReady);
        _retireTimer = new LoopTimer(loop, LookWhetherConfirmed);
        _startedAt = loop.Now;
    }

    /// <summary>Any thread; a quarter of a second old at most. False unless <see cref="TellWhetherReady"/> was called.</summary>
    public bool IsReady => _isReady;

    public void Start()
    {
        _spool?.Start();
        if (_isAbandoned)
        {
            return;
        }

        foreach (ShardGroup group in _groups)
        {
            group.Start();
        }

        _progress.Start();
        _saver.Start();
        _trimTimer.Start(TrimPeriod);
        _summary.Start();
    }

    /// <summary>Keeps <see cref="IsReady"/> up to date from now on.</summary>
    public void TellWhetherReady() => LookWhetherReady();

    /// <summary>Any thread.</summary>
    public Task UnmuteAsync()
    {
        var unmuted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _loop.Post(() =>
        {
            foreach (ShardGroup group in _groups)
            {
                group.Unmute();
            }

            unmuted.SetResult();
        });
        return unmuted.Task;
    }

    /// <summary>
    /// Once, in place of <see cref="Stop"/>: ends the shards with their sessions, which another generation has replaced, and stops when
    /// 신경 has confirmed all that is left, in the spool too, however long that takes, or at <see cref="HurryUp"/>.
    /// </summary>
    public void Retire(Action<SessionRecord[]> stopped)
    {
        _progress.Stop();
        _retired = stopped;
        foreach (ShardGroup group in _groups)
        {
            group.Retire();
        }

        LookWhetherConfirmed();
    }

    /// <summary>What a <see cref="Retire"/> has not forwarded yet gets ten more seconds.</summary>
    public void HurryUp()
    {
        if (_retired is { } stopped)
        {
            _retired = null;
            _retireTimer.Stop();
            Stop(stopped);
        }
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
        _summary.Stop();
        _readyTimer.Stop();
        _isReady = false;
        _spool?.Stop();
        _running = _groups.Length;
        foreach (ShardGroup group in _groups)
        {
            group.Stop(() =>
            {
                if (--_running == 0)
                {
                    End(stopped);
                }
            });
        }
    }

    /// <summary>
    /// Another process has the shards: ends all of them with their sessions alive, and the connections to 신경, without sending anything
    /// more (G19). What is in the spool stays there. <see cref="Stop"/> then, or before, ends at once.
    /// </summary>
    public void Abandon()
    {
        _isAbandoned = true;
        _progress.Stop();
        _summary.Stop();
        _saver.Stop();
        _trimTimer.Stop();
        _readyTimer.Stop();
        _isReady = false;
        _spool?.Stop();
        foreach (ShardGroup group in _groups)
        {
            group.Abandon();
        }
    }

    /// <summary>Between two events: what comes from now on goes by these rules; what is on its way or waits keeps its own.</summary>
    /// <param name="routes">The rules.</param>
    /// <param name="policies">By rule.</param>
    public void Use(RouteTable routes, UnroutedPolicy[] policies)
    {
        routes.Continue(_groups[0].Forwarder.Routes);
        foreach (ShardGroup group in _groups)
        {
            if (group.Client.Delivery.TryUse(policies))
            {
                group.Forwarder.Routes = routes;
            }
            else
            {
                LogTooManyRules(RulePolicies.MaximumSets);
            }
        }
    }

    /// <summary>Lets every session show the presence of the settings, which has changed.</summary>
    public void ShowPresence()
    {
        foreach (Shard shard in _groups.SelectMany(group => group.Shards))
        {
            shard.ShowPresence();
        }
    }

    private void LookWhetherReady()
    {
        _isReady = !_isAbandoned && Array.TrueForAll(_groups, group => group.IsReady);
        _readyTimer.Start(LookPeriod);
    }

    private void LookWhetherConfirmed()
    {
        if (_isAbandoned || (Array.TrueForAll(_groups, group => group.IsConfirmed) && _spool is not { IsDrained: false }))
        {
            HurryUp();
        }
        else
        {
            _retireTimer.Start(LookPeriod);
        }
    }

    /// <summary>What sessions may be committed to can rest on what is on the disk, so the spool is closed before.</summary>
    private void End(Action<SessionRecord[]> stopped)
    {
        if (_spool is null)
        {
            Finish();
        }
        else
        {
            _spool.Close(Finish);
        }

        void Finish()
        {
            SayTotals();
            stopped(_saver.FinalRecords());
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
            _spool?.Spooled ?? 0,
            Sum(group => group.Forwarder.Outdated),
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

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "The new forwarding rules are not used: events of {Count} former sets of rules still wait for 신경 or for workers. Reload again when they are gone")]
    private partial void LogTooManyRules(int count);

    [LoggerMessage(Level = LogLevel.Information, Message = "Commands of workers: {Counts}")]
    private partial void LogCommands(string counts);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Stopped: events={Events} forwarded={Forwarded} unrouted={Unrouted} expired={Expired} poisonous={Poisonous} oversized={Oversized} unencodable={Unencodable} outbox_full={LostToFullOutbox} spooled={Spooled} outdated={Outdated} identified={Identified} resumed={Resumed} seconds={Seconds} allocated={Allocated}")]
    private partial void LogStopped(
        long events, long forwarded, long unrouted, long expired, long poisonous, long oversized, long unencodable, long lostToFullOutbox, long spooled, long outdated,
        long identified, long resumed, long seconds, long allocated);
}
