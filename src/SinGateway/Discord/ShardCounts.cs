using SinGateway.Operations;

namespace SinGateway.Discord;

/// <summary>What is counted over all shards of a loop. Belongs to the loop's thread.</summary>
internal sealed class ShardCounts
{
    /// <summary>Bytes of messages from Discord, as they came over the wire and without the websocket's framing.</summary>
    public long WireBytes { get; set; }

    /// <summary>The same messages, inflated.</summary>
    public long InflatedBytes { get; set; }

    public CloseCounts Closes { get; } = new();

    /// <summary>From a shard's wish to identify to its permit.</summary>
    public Histogram IdentifyWait { get; } = new(Histogram.Hours);
}
