using SinGateway.Sessions;

namespace SinGateway.Tests.Fixtures;

/// <summary>A ledger that ends with its test.</summary>
internal sealed class MemoryLedger : IIdentifyLedger
{
    private volatile IdentifyRecord _record = new();

    public IdentifyRecord Load() => _record;

    public void Save(IdentifyRecord record) => _record = record;
}
