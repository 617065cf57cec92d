using SinGateway.Discord;
using SinGateway.Forwarding;
using SinGateway.Loop;
using SinGateway.Operations;
using SinGateway.Singyeong;
using SinGateway.Spooling;

namespace SinGateway;

/// <summary>
/// Tells the status board once a second that the loop turns, and how everything on it stands. Nothing else of the gateway knows that it is
/// watched. Allocates next to nothing. Belongs to the loop's thread.
/// </summary>
internal sealed class StatusPublisher
{
    private const int Period = 1_000;

    private readonly EventLoop _loop;
    private readonly StatusBoard _board;
    private readonly int _cluster;
    private readonly ShardGroup[] _groups;
    private readonly ShardSettings _settings;
    private readonly Histogram _saveTime;
    private readonly Spool? _spool;
    private readonly bool _takesCommands;
    private readonly LoopTimer _timer;
    private readonly RateHistory _history = new();

    /// <param name="board">Where snapshots go.</param>
    /// <param name="cluster">Which it is.</param>
    /// <param name="groups">All of this process.</param>
    /// <param name="settings">Of all shards.</param>
    /// <param name="saveTime">Of the session writer.</param>
    /// <param name="spool">Of all groups; null without one.</param>
    /// <param name="takesCommands">Workers may send to Discord.</param>
    public StatusPublisher(StatusBoard board, int cluster, ShardGroup[] groups, ShardSettings settings, Histogram saveTime, Spool? spool, bool takesCommands)
    {
        _loop = settings.Loop;
        _board = board;
        _cluster = cluster;
        _groups = groups;
        _settings = settings;
        _saveTime = saveTime;
        _spool = spool;
        _takesCommands = takesCommands;
        _timer = new LoopTimer(_loop, Publish);
        Begin();
    }

    /// <summary>The same for all groups.</summary>
    private RouteTable Routes => _groups[0].Forwarder.Routes;

    public void Start() => Publish();

    private void Begin() =>
        _board.Begin(() => new StatusSnapshot(_board.Process, _groups.Sum(group => group.Shards.Length), _groups.Length, Routes.Rules));

    private void Publish()
    {
        _timer.Start(Period);
        if (_board.Write().Rules.Length != Routes.Rules)
        {
            // The rules were reloaded.
            Begin();
        }

        StatusSnapshot snapshot = _board.Write();
        snapshot.Cluster = _cluster;
        snapshot.ShardCount = _settings.ShardCount;
        snapshot.EventLatency.Clear();
        snapshot.BarrierTime.Clear();
        snapshot.IdentifyWait.Clear();
        snapshot.SaveTime.Clear();
        snapshot.Rules.AsSpan().Clear();
        snapshot.Totals = default;
        snapshot.ReadyShards = 0;
        for (int i = 0; i < _groups.Length; i++)
        {
            Add(_groups[i], i, snapshot);
        }

        snapshot.Shards.AsSpan().Sort(static (one, other) => one.Id - other.Id);
        Routes.Taken.CopyTo(snapshot.EventCounts);
        _settings.Counts.Closes.All.CopyTo(snapshot.Closes);
        _settings.Counts.IdentifyWait.AddTo(snapshot.IdentifyWait);
        _saveTime.AddTo(snapshot.SaveTime);
        snapshot.SessionStarts = SessionStarts();
        TellSpool(snapshot);
        snapshot.Totals = snapshot.Totals with { WireBytes = _settings.Counts.WireBytes, InflatedBytes = _settings.Counts.InflatedBytes };
        snapshot.Rates = _history.Next(_loop.Now, snapshot.Totals);
        snapshot.Commands = _takesCommands ? CommandCounts.Sum(_groups.Select(group => group.Commands)) : null;
        _board.Publish();
    }

    private void Add(ShardGroup group, int index, StatusSnapshot snapshot)
    {
        StatusTotals totals = snapshot.Totals;
        LostTotals lost = totals.Lost;
        int first = 0;
        for (int i = 0; i < index; i++)
        {
            first += _groups[i].Shards.Length;
        }

        for (int i = 0; i < group.Shards.Length; i++)
        {
            Shard shard = group.Shards[i];
            Write(shard, index, ref snapshot.Shards[first + i]);
            snapshot.ReadyShards += shard.Phase == ShardPhase.Ready ? 1 : 0;
            totals.Replayed += shard.Replayed;
            totals.Identified += shard.Identified;
            totals.Resumed += shard.Resumed;
            totals.ResumesFailed += shard.ResumesFailed;
            lost.ResumeRefused += shard.SessionsLost;
        }

        Delivery delivery = group.Client.Delivery;
        totals.Events += group.Forwarder.Events;
        totals.Forwarded += group.Forwarder.Forwarded;
        lost.HoldExpired += delivery.Expired;
        lost.Poison += delivery.Poisonous + group.Forwarder.Oversized + group.Forwarder.Unencodable;
        lost.Unrouted += delivery.Unrouted + group.Forwarder.Outdated;
        lost.OutboxFull += group.Forwarder.LostToFullOutbox;
        totals.Lost = lost;
        snapshot.Totals = totals;
        for (int rule = 0; rule < snapshot.Rules.Length; rule++)
        {
            ref RuleStatus status = ref snapshot.Rules[rule];
            status.Rule = rule;
            status.Forwarded += group.Forwarder.ForwardedByRule[rule];
            status.Unrouted += delivery.UnroutedByRule[rule];
        }

        group.Client.Times.EventLatency.AddTo(snapshot.EventLatency);
        group.Client.Times.BarrierTime.AddTo(snapshot.BarrierTime);
        Write(group, index, snapshot.LaneRoom(index), ref snapshot.Connections[index]);
    }

    private void Write(Shard shard, int connection, ref ShardStatus status)
    {
        status = new ShardStatus
        {
            Id = shard.Id,
            State = ShardPhaseNames.Of(shard.Phase),
            Since = Unix(shard.PhaseSince),
            Deaf = shard.IsDeaf && shard.Phase == ShardPhase.Ready,
            SessionSince = shard.Session is null ? null : Unix(shard.SessionSince),
            Latency = shard.LastHeartbeatAck > 0 ? shard.Latency : null,
            LastEvent = shard.LastEventAt is { } at ? Unix(at) : null,
            Received = shard.Session is { Received: >= 0 and var received } ? received : null,
            Committed = shard.Session is { Committed: >= 0 and var committed } ? committed : null,
            Events = shard.Events,
            Connection = connection,
        };
    }

    private void Write(ShardGroup group, int index, Memory<LaneStatus> room, ref BrokerStatus status)
    {
        SingyeongClient client = group.Client;
        int count = 0;
        if (client.Delivery.Lanes.Count > 0)
        {
            foreach (Lane lane in client.Delivery.Lanes.All.Take(room.Length))
            {
                room.Span[count++] = new LaneStatus { Application = lane.Application, Messages = lane.Count, Age = _loop.Now - lane.First!.Note.ReceivedAt };
            }
        }

        status = new BrokerStatus
        {
            Connection = index,
            Connected = client.IsReady,
            OutboxBytes = client.Delivery.UsedBytes,
            OutboxLimit = client.Delivery.Limit,
            Pressure = group.Pressure switch
            {
                PressurePhase.Full => "full",
                PressurePhase.Closed => "closed",
                PressurePhase.Dropping => "dropping",
                _ => "flowing",
            },
            UnconfirmedBytes = client.Delivery.UnconfirmedBytes,
            HeldMessages = client.Delivery.Lanes.Messages,
            HeldLanes = client.Delivery.Lanes.Count,
            Lanes = room[..count],
        };
    }

    private void TellSpool(StatusSnapshot snapshot)
    {
        if (_spool is not null)
        {
            snapshot.Spool = new SpoolStatus { Bytes = _spool.Bytes, Limit = _spool.MaximumBytes, Waiting = _spool.Unread, Failing = _spool.IsFailing };
            StatusTotals totals = snapshot.Totals;
            totals.Lost = totals.Lost with { Poison = totals.Lost.Poison + _spool.Lost };
            snapshot.Totals = totals;
        }
    }

    private BudgetStatus SessionStarts()
    {
        IIdentifyQueue identifies = _settings.Identifies;
        SessionStarts? starts = identifies.Starts;
        return new BudgetStatus
        {
            Known = starts is not null,
            Total = starts?.Total ?? 0,
            Remaining = starts?.Remaining ?? 0,
            Reserve = starts?.Reserve ?? 0,
            ResetIn = starts?.ResetIn ?? 0,
            Waiting = identifies.Waiting,
            LastPermitIn = identifies.EstimatedWait,
        };
    }

    private long Unix(long at) => _loop.UnixNow - (_loop.Now - at);
}
