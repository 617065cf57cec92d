using SinGateway.Discord;

namespace SinGateway;

/// <summary>What a run comes to, for its last lines. Copies of events, where nothing else is said. Handed from owner to owner.</summary>
internal sealed class FleetTotals
{
    /// <summary>Events that came.</summary>
    public long Events { get; private set; }

    public long Forwarded { get; private set; }

    public long Unrouted { get; private set; }

    public long Expired { get; private set; }

    public long Poisonous { get; private set; }

    public long Oversized { get; private set; }

    public long Unencodable { get; private set; }

    public long LostToFullOutbox { get; private set; }

    public long Outdated { get; private set; }

    /// <summary>Sessions.</summary>
    public long Identified { get; private set; }

    /// <summary>Sessions.</summary>
    public long Resumed { get; private set; }

    /// <summary>Adds a 신경 connection and its shards; on their loop.</summary>
    public void Add(ShardGroup group)
    {
        Events += group.Forwarder.Events;
        Forwarded += group.Forwarder.Forwarded;
        Unrouted += group.Client.Delivery.Unrouted;
        Expired += group.Client.Delivery.Expired;
        Poisonous += group.Client.Delivery.Poisonous;
        Oversized += group.Forwarder.Oversized;
        Unencodable += group.Forwarder.Unencodable;
        LostToFullOutbox += group.Forwarder.LostToFullOutbox;
        Outdated += group.Forwarder.Outdated;
        foreach (Shard shard in group.Shards)
        {
            Identified += shard.Identified;
            Resumed += shard.Resumed;
        }
    }

    /// <summary>Adds those of another loop.</summary>
    public void Add(FleetTotals other)
    {
        Events += other.Events;
        Forwarded += other.Forwarded;
        Unrouted += other.Unrouted;
        Expired += other.Expired;
        Poisonous += other.Poisonous;
        Oversized += other.Oversized;
        Unencodable += other.Unencodable;
        LostToFullOutbox += other.LostToFullOutbox;
        Outdated += other.Outdated;
        Identified += other.Identified;
        Resumed += other.Resumed;
    }
}
