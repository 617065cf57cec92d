namespace SinGateway.Operations;

/// <summary>One connection to 신경, as a snapshot has it. Sizes are bytes.</summary>
internal struct BrokerStatus
{
    public int Connection { get; set; }

    public bool Connected { get; set; }

    /// <summary>What outbox and lanes take of their limit.</summary>
    public long OutboxBytes { get; set; }

    public long OutboxLimit { get; set; }

    /// <summary>What is done about a full outbox: flowing, full, closed or dropping.</summary>
    public string Pressure { get; set; }

    /// <summary>Sent or to be sent, and not confirmed.</summary>
    public long UnconfirmedBytes { get; set; }

    /// <summary>Events that wait for a receiver.</summary>
    public int HeldMessages { get; set; }

    /// <summary>Targets that hold.</summary>
    public int HeldLanes { get; set; }

    /// <summary>Some of them, the first <see cref="StatusSnapshot.MaximumLanes"/>.</summary>
    public ReadOnlyMemory<LaneStatus> Lanes { get; set; }
}

/// <summary>A target that holds.</summary>
internal struct LaneStatus
{
    public string Application { get; set; }

    /// <summary>Events that wait.</summary>
    public int Messages { get; set; }

    /// <summary>Since the first of them was received, in ms.</summary>
    public long Age { get; set; }
}
