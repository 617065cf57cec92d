namespace SinGateway.Discord;

/// <summary>
/// A bucket's permit to IDENTIFY: nobody's; held by a shard that connects; or spent, and the bucket waits until op 2 is written or given up.
/// </summary>
internal struct IdentifyPermit
{
    /// <summary>
    /// How long a permit may be held unspent (ms): longer than connecting (10 s) and waiting for HELLO (30 s) take together (G15).
    /// </summary>
    public const long Lifetime = 45_000;

    /// <summary>How long counting may take (ms): after that op 2 is not sent.</summary>
    public const long MaximumCounting = 30_000;

    public bool IsHeld;
    public bool IsSpent;

    /// <summary>It was granted for a shard's second IDENTIFY of the day, or a later one.</summary>
    public bool IsExtra;

    public int ShardId;
    public long ExpiresAt;

    /// <summary>How it was counted, when it is spent.</summary>
    public DailyIdentifies.Counted Counted;

    public readonly bool IsOf(int shardId) => IsHeld && ShardId == shardId;
}
