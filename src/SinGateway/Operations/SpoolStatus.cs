namespace SinGateway.Operations;

/// <summary>The spool, as a snapshot has it. Sizes are bytes.</summary>
internal struct SpoolStatus
{
    public long Bytes { get; set; }

    public long Limit { get; set; }

    /// <summary>Events that wait in it for room in an outbox.</summary>
    public long Waiting { get; set; }

    /// <summary>Its disk does not take what is written.</summary>
    public bool Failing { get; set; }
}
