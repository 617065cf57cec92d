namespace SinGateway.Operations;

/// <summary>One shard, as a snapshot has it. Times are ms since the epoch; null is "not yet".</summary>
internal struct ShardStatus
{
    public int Id { get; set; }

    /// <summary>One of <see cref="ShardPhaseNames.All"/>.</summary>
    public string State { get; set; }

    /// <summary>When it came into this state.</summary>
    public long Since { get; set; }

    /// <summary>It is ready, and hears nothing though it should.</summary>
    public bool Deaf { get; set; }

    /// <summary>When its session began, or was taken over from an earlier process.</summary>
    public long? SessionSince { get; set; }

    /// <summary>From the last heartbeat to its ack, in ms.</summary>
    public long? Latency { get; set; }

    public long? LastEvent { get; set; }

    public long? Received { get; set; }

    public long? Committed { get; set; }

    /// <summary>That it got since the start, READY and RESUMED excepted.</summary>
    public long Events { get; set; }

    /// <summary>The connection to 신경 that carries its events.</summary>
    public int Connection { get; set; }
}
