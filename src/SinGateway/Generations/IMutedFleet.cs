namespace SinGateway.Generations;

/// <summary>The shards of a process, as far as its generation needs to know. Any thread.</summary>
internal interface IMutedFleet
{
    /// <summary>Every shard is connected and has got what it missed, and 신경 is connected.</summary>
    bool IsReady { get; }

    /// <summary>Completes when events are forwarded: those that arrive from then on.</summary>
    Task UnmuteAsync();
}
