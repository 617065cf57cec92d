namespace SinGateway.Sessions;

/// <summary>What is kept of one shard's session, and is enough to RESUME it in another process. Written and read as a whole.</summary>
internal struct SessionRecord
{
    public int ShardId;

    /// <summary>The shard count that the session was identified with; 0 when unknown (the Python program did not store it).</summary>
    public int ShardCount;

    /// <summary>Null when the shard has no session (then the stored one is deleted). A secret: never logged.</summary>
    public string? SessionId;

    /// <summary>Null when READY carried none: resume at the base URL.</summary>
    public string? ResumeUrl;

    /// <summary>The committed seq (G2).</summary>
    public long Seq;

    /// <summary>Milliseconds since the epoch; 0 before the first heartbeat.</summary>
    public long LastHeartbeat;

    /// <summary>Milliseconds since the epoch; 0 before the first ack.</summary>
    public long LastHeartbeatAck;

    /// <summary>Milliseconds from the last heartbeat to its ack.</summary>
    public long Latency;
}
