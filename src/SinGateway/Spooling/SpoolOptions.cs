namespace SinGateway.Spooling;

/// <summary>Where a spool lies and how large it may be. Sizes are in bytes.</summary>
internal sealed record SpoolOptions
{
    public const int LargestSegment = 8 * 1024 * 1024;

    private const int SmallestSegment = 64 * 1024;
    private const int SegmentsOfAFullSpool = 8;

    /// <summary>An existing directory that this user may write.</summary>
    public required string Directory { get; init; }

    public int Cluster { get; init; }

    /// <summary>Put before the subdirectory's name: processes of two shard counts run side by side for a while.</summary>
    public string Generation { get; init; } = "";

    /// <summary>
    /// All segments with their headers, the position and broken segments. <see cref="Spool.MaximumPayload"/> follows from it. Files in
    /// <c>poison/</c> have limits of their own.
    /// </summary>
    public long MaxSize { get; init; } = 1024L * 1024 * 1024;

    /// <summary>
    /// Memory for what is not yet on the disk; one record may be larger, when nothing else waits. Two blocks for reading ahead come on top.
    /// </summary>
    public long MemoryLimit { get; init; } = 8 * 1024 * 1024;

    /// <summary>Memory of a block for reading ahead; one record may be larger.</summary>
    public int BlockSize { get; init; } = 512 * 1024;

    /// <summary>Size at which a new segment begins. A drained segment gives its space back, so a small spool has small ones.</summary>
    public long SegmentSize => Math.Clamp(MaxSize / SegmentsOfAFullSpool, SmallestSegment, LargestSegment);

    /// <summary>Events kept in <c>poison/</c>; beyond it the oldest goes.</summary>
    public int MaxPoisonFiles { get; init; } = 1_000;

    public long MaxPoisonSize { get; init; } = 128 * 1024 * 1024;
}
