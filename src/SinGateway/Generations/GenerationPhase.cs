namespace SinGateway.Generations;

/// <summary>What a process of a generation does with the events of its shards (G23).</summary>
internal enum GenerationPhase
{
    /// <summary>Takes them and forwards nothing: another generation does.</summary>
    Muted,

    Forwarding,

    /// <summary>Another generation forwards, and so does this one, for the last seconds.</summary>
    Leaving,

    /// <summary>Forwards what it has, and ends.</summary>
    Retired,
}
