namespace SinGateway.Sessions;

/// <summary>A ledger that ends with its process: for a bot whose sessions are in Redis, where permits are not kept yet.</summary>
internal sealed class MemoryIdentifyLedger : IIdentifyLedger
{
    private volatile IdentifyRecord _record = new();

    public IdentifyRecord Load() => _record;

    public void Save(IdentifyRecord record) => _record = record;
}
