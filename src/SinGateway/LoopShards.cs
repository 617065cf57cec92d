using Microsoft.Extensions.Logging;
using SinGateway.Discord;
using SinGateway.Forwarding;
using SinGateway.Loop;
using SinGateway.Sessions;
using SinGateway.Singyeong;

namespace SinGateway;

/// <summary>
/// The shards of one loop with their 신경 connections: starts the groups together, keeps what they share going, and ends them together. It
/// knows of no other loop. Belongs to the loop's thread.
/// </summary>
internal sealed partial class LoopShards
{
    /// <summary>Between two looks at whether all shards are ready, or everything is confirmed, in ms.</summary>
    private const int LookPeriod = 250;

    private readonly SessionSaver _saver;
    private readonly SpoolFeed? _spool;
    private readonly ILogger _logger;
    private readonly LoopTimer _readyTimer;
    private readonly LoopTimer _retireTimer;
    private int _running;
    private bool _isAbandoned;
    private volatile bool _isReady;
    private Action<FleetEnd>? _retired;

    /// <param name="settings">Of the shards, with their loop.</param>
    /// <param name="groups">The 신경 connections with their shards.</param>
    /// <param name="saver">Of the shards' sessions.</param>
    /// <param name="spool">Of all groups; null without one.</param>
    /// <param name="logger">Told what goes wrong.</param>
    public LoopShards(ShardSettings settings, ShardGroup[] groups, SessionSaver saver, SpoolFeed? spool, ILogger logger)
    {
        Settings = settings;
        Groups = groups;
        _saver = saver;
        _spool = spool;
        _logger = logger;
        _readyTimer = new LoopTimer(Loop, LookWhetherReady);
        _retireTimer = new LoopTimer(Loop, LookWhetherConfirmed);
    }

    public EventLoop Loop => Settings.Loop;

    public ShardSettings Settings { get; }

    public ShardGroup[] Groups { get; }

    /// <summary>Saves their sessions; any thread may tell it what its members allow.</summary>
    public SessionWriter Writer => _saver.Writer;

    /// <summary>Any thread; a quarter of a second old at most. False unless <see cref="TellWhetherReady"/> was called.</summary>
    public bool IsReady => _isReady;

    public void Start()
    {
        Loop.AssertOnThread();
        _spool?.Start();
        if (_isAbandoned)
        {
            return;
        }

        foreach (ShardGroup group in Groups)
        {
            group.Start();
        }

        _saver.Start();
    }

    /// <summary>Keeps <see cref="IsReady"/> up to date from now on.</summary>
    public void TellWhetherReady() => LookWhetherReady();

    /// <summary>Events are forwarded from now on.</summary>
    public void Unmute()
    {
        foreach (ShardGroup group in Groups)
        {
            group.Unmute();
        }
    }

    /// <summary>
    /// Once, in place of <see cref="Stop"/>: ends the shards with their sessions, which another generation has replaced, and stops when
    /// 신경 has confirmed all that is left, in the spool too, however long that takes, or at <see cref="HurryUp"/>.
    /// </summary>
    public void Retire(Action<FleetEnd> stopped)
    {
        _retired = stopped;
        foreach (ShardGroup group in Groups)
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
    public void Stop(Action<FleetEnd> stopped)
    {
        Loop.AssertOnThread();
        _saver.Stop();
        _readyTimer.Stop();
        _isReady = false;
        _spool?.Stop();
        _running = Groups.Length;
        foreach (ShardGroup group in Groups)
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
        _saver.Stop();
        _readyTimer.Stop();
        _isReady = false;
        _spool?.Stop();
        foreach (ShardGroup group in Groups)
        {
            group.Abandon();
        }
    }

    /// <summary>Between two events: what comes from now on goes by these rules; what is on its way or waits keeps its own.</summary>
    /// <param name="routes">The rules, of this loop alone.</param>
    /// <param name="policies">By rule.</param>
    public void Use(RouteTable routes, UnroutedPolicy[] policies)
    {
        routes.Continue(Groups[0].Forwarder.Routes);
        foreach (ShardGroup group in Groups)
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

    /// <summary>Lets every session show this presence.</summary>
    public void Show(ReadOnlyMemory<byte> presence)
    {
        Settings.Presence = presence;
        foreach (Shard shard in Groups.SelectMany(group => group.Shards))
        {
            shard.ShowPresence();
        }
    }

    private void LookWhetherReady()
    {
        _isReady = !_isAbandoned && Array.TrueForAll(Groups, group => group.IsReady);
        _readyTimer.Start(LookPeriod);
    }

    private void LookWhetherConfirmed()
    {
        if (_isAbandoned || (Array.TrueForAll(Groups, group => group.IsConfirmed) && _spool is not { IsDrained: false }))
        {
            HurryUp();
        }
        else
        {
            _retireTimer.Start(LookPeriod);
        }
    }

    /// <summary>What sessions may be committed to can rest on what is on the disk, so the spool is closed before.</summary>
    private void End(Action<FleetEnd> stopped)
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
            var totals = new FleetTotals();
            Array.ForEach(Groups, totals.Add);
            stopped(new FleetEnd(_saver.FinalRecords(), totals, CommandCounts.Sum(Groups.Select(group => group.Commands))));
        }
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "The new forwarding rules are not used: events of {Count} former sets of rules still wait for 신경 or for workers. Restart to use them")]
    private partial void LogTooManyRules(int count);
}
