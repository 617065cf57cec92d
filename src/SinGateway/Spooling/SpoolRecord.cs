namespace SinGateway.Spooling;

/// <summary>
/// One event in the spool. Its spans point into memory of whoever made it; from <see cref="Spool.TryRead"/> they hold until the next call
/// into the spool, and no longer than the current turn of the loop.
/// </summary>
internal readonly ref struct SpoolRecord
{
    /// <summary>Its place in the spool, from 1, increasing across restarts; given by the spool. One that is damaged leaves a gap.</summary>
    public long Number { get; init; }

    public int ShardId { get; init; }

    /// <summary>Eight bytes that name the session (<see cref="Sessions.Session.Tag"/>).</summary>
    public ReadOnlySpan<byte> SessionTag { get; init; }

    public long Seq { get; init; }

    /// <summary>The index of its rule in the configuration (G7).</summary>
    public int RuleIndex { get; init; }

    /// <summary>When the event came from Discord, in Unix milliseconds.</summary>
    public long ReceivedAt { get; init; }

    public ReadOnlySpan<byte> Payload { get; init; }
}
