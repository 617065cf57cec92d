namespace SinGateway.Sessions;

/// <summary>Where the record of sent IDENTIFYs outlives the process (G15).</summary>
internal interface IIdentifyLedger
{
    /// <summary>What the process before this one left, as it was when the ledger was opened. Does not block; any thread.</summary>
    IdentifyRecord Load();

    /// <summary>
    /// Returns when <paramref name="record"/> is durable, in the place of the one before. Blocks: never called on a loop thread, and one
    /// call at a time. Throws <see cref="IOException"/> with a message for the operator.
    /// </summary>
    void Save(IdentifyRecord record);
}
