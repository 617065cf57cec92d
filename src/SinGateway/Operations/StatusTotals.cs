namespace SinGateway.Operations;

/// <summary>What this process has done since its start.</summary>
internal struct StatusTotals
{
    /// <summary>Dispatches from Discord, READY and RESUMED included.</summary>
    public long Events { get; set; }

    /// <summary>Of them, sent again by Discord after a RESUME.</summary>
    public long Replayed { get; set; }

    /// <summary>Copies of events that were written for 신경, one for each rule that matched.</summary>
    public long Forwarded { get; set; }

    public long Identified { get; set; }

    public long Resumed { get; set; }

    /// <summary>RESUMEs that were sent in vain.</summary>
    public long ResumesFailed { get; set; }

    /// <summary>Bytes of messages from Discord, as they came.</summary>
    public long WireBytes { get; set; }

    /// <summary>The same, inflated.</summary>
    public long InflatedBytes { get; set; }

    public LostTotals Lost { get; set; }
}

/// <summary>What was lost, by reason (G4).</summary>
internal struct LostTotals
{
    /// <summary>Copies that waited for a receiver for longer than holdFor.</summary>
    public long HoldExpired { get; set; }

    /// <summary>Events that found no room in the outbox.</summary>
    public long OutboxFull { get; set; }

    /// <summary>What 신경 cannot be given: it fails on it, it is too large, cannot be encoded, or was damaged on the spool's disk.</summary>
    public long Poison { get; set; }

    /// <summary>Sessions that Discord would not go on with; what they had not sent is gone.</summary>
    public long ResumeRefused { get; set; }

    /// <summary>Copies that found no receiver and whose rule drops them, or whose rule was gone when they came out of the spool.</summary>
    public long Unrouted { get; set; }
}

/// <summary>What happened a second, over the last ten.</summary>
internal struct StatusRates
{
    public double Events { get; set; }

    public double Forwarded { get; set; }

    public double WireBytes { get; set; }
}

/// <summary>What one forwarding rule did.</summary>
internal struct RuleStatus
{
    /// <summary>Its index in the file, from 0.</summary>
    public int Rule { get; set; }

    public long Forwarded { get; set; }

    /// <summary>Copies that came back since nobody takes them, whether they then waited or were dropped.</summary>
    public long Unrouted { get; set; }
}
