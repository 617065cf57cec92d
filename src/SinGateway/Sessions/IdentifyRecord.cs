using System.Text.Json.Serialization;

namespace SinGateway.Sessions;

/// <summary>
/// What is kept of the IDENTIFYs that were sent, so that the next process keeps Discord's pace and the day's limit too (G15, G16). Times
/// are milliseconds since the epoch. A snapshot: never changed once it is made.
/// </summary>
internal sealed class IdentifyRecord
{
    private const int MostShards = 1 << 16;

    /// <summary>The number of buckets that <see cref="Buckets"/> speaks of; 0 when none was known.</summary>
    public int MaxConcurrency { get; set; }

    /// <summary>The last IDENTIFY of the buckets from 0 on; 0 where there was none.</summary>
    public long[] Buckets { get; set; } = [];

    /// <summary>The last IDENTIFY whose bucket is not known, which then holds for each of them; 0 for none.</summary>
    public long AnyBucket { get; set; }

    /// <summary>Shards that have identified within a day.</summary>
    public int[] Shards { get; set; } = [];

    /// <summary>When each of <see cref="Shards"/> had its first IDENTIFY of the day.</summary>
    public long[] Firsts { get; set; } = [];

    /// <summary>The IDENTIFYs of the day beyond each shard's first, oldest first.</summary>
    public long[] Extras { get; set; } = [];

    /// <summary>What was stored could not be read: an IDENTIFY may have been sent a moment ago.</summary>
    [JsonIgnore]
    public bool IsLost { get; set; }

    /// <summary>Whether the parts fit together; what was stored need not.</summary>
    [JsonIgnore]
    public bool IsConsistent =>
        MaxConcurrency >= 0
        && Buckets is { Length: <= MostShards }
        && Buckets.Length <= MaxConcurrency
        && Shards is not null
        && Firsts is not null
        && Shards.Length == Firsts.Length
        && Array.TrueForAll(Shards, shard => shard is >= 0 and < MostShards)
        && Extras is not null;
}
