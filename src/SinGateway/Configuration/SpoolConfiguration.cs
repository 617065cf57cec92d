namespace SinGateway.Configuration;

/// <summary>The spool of the outbox, as the file has it.</summary>
internal sealed record SpoolConfiguration
{
    /// <summary>Exists, or the start fails.</summary>
    public required string Directory { get; init; }

    /// <summary>In bytes; at least 1 MiB.</summary>
    public long MaxSize { get; init; } = 1L << 30;

    /// <summary>What is on the disk counts as delivered: with a state file always, with Redis if the operator says so (G14).</summary>
    public bool Commits { get; init; }
}
