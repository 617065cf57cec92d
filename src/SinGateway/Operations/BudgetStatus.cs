namespace SinGateway.Operations;

/// <summary>The session starts that Discord grants, as far as this process knows them.</summary>
internal struct BudgetStatus
{
    /// <summary>Discord has said so; before, the numbers are 0.</summary>
    public bool Known { get; set; }

    public int Total { get; set; }

    public int Remaining { get; set; }

    /// <summary>Of them, never spent.</summary>
    public int Reserve { get; set; }

    /// <summary>Until all are back, in ms.</summary>
    public long ResetIn { get; set; }

    /// <summary>Shards that wait for a permit.</summary>
    public int Waiting { get; set; }

    /// <summary>Until the last of them has it, in ms, if all goes well.</summary>
    public long LastPermitIn { get; set; }
}
