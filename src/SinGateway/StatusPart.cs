using SinGateway.Discord;
using SinGateway.Forwarding;
using SinGateway.Loop;
using SinGateway.Operations;
using SinGateway.Singyeong;

namespace SinGateway;

/// <summary>How everything on one loop stands, as its part of a snapshot of all. Belongs to the loop's thread.</summary>
/// <param name="shards">Of the loop.</param>
/// <param name="firstShard">Where theirs begin in the snapshot.</param>
/// <param name="takesCommands">Workers may send to Discord.</param>
internal sealed class StatusPart(LoopShards shards, int firstShard, bool takesCommands)
{
    private EventLoop Loop => shards.Loop;

    /// <summary>Adds to what other loops have written.</summary>
    public void AddTo(StatusSnapshot snapshot)
    {
        int first = firstShard;
        foreach (ShardGroup group in shards.Groups)
        {
            Add(group, first, snapshot);
            first += group.Shards.Length;
        }

        ShardCounts counts = shards.Settings.Counts;
        Add(shards.Groups[0].Forwarder.Routes.Taken, snapshot.EventCounts);
        Add(counts.Closes.All, snapshot.Closes);
        counts.IdentifyWait.AddTo(snapshot.IdentifyWait);
        shards.Writer.SaveTime.AddTo(snapshot.SaveTime);
        StatusTotals totals = snapshot.Totals;
        totals.WireBytes += counts.WireBytes;
        totals.InflatedBytes += counts.InflatedBytes;
        snapshot.Totals = totals;
        if (takesCommands)
        {
            snapshot.Commands ??= new CommandCounts();
            foreach (ShardGroup group in shards.Groups)
            {
                snapshot.Commands.Add(group.Commands);
            }
        }
    }

    private static void Add(ReadOnlySpan<long> counts, Span<long> sums)
    {
        for (int i = 0; i < counts.Length; i++)
        {
            sums[i] += counts[i];
        }
    }

    private void Add(ShardGroup group, int first, StatusSnapshot snapshot)
    {
        StatusTotals totals = snapshot.Totals;
        LostTotals lost = totals.Lost;
        for (int i = 0; i < group.Shards.Length; i++)
        {
            Shard shard = group.Shards[i];
            Write(shard, group.Connection, ref snapshot.Shards[first + i]);
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
        Write(group, snapshot.LaneRoom(group.Connection), ref snapshot.Connections[group.Connection]);
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

    private void Write(ShardGroup group, Memory<LaneStatus> room, ref BrokerStatus status)
    {
        SingyeongClient client = group.Client;
        int count = 0;
        if (client.Delivery.Lanes.Count > 0)
        {
            foreach (Lane lane in client.Delivery.Lanes.All.Take(room.Length))
            {
                room.Span[count++] = new LaneStatus { Application = lane.Application, Messages = lane.Count, Age = Loop.Now - lane.First!.Note.ReceivedAt };
            }
        }

        status = new BrokerStatus
        {
            Connection = group.Connection,
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

    private long Unix(long at) => Loop.UnixNow - (Loop.Now - at);
}
