using SinGateway.Sessions;

namespace SinGateway.Tests.Fixtures;

/// <summary>A ledger that ends with its test.</summary>
internal sealed class MemoryLedger : IIdentifyLedger
{
    private volatile IdentifyRecord _record = new();

    /// <summary>Why it cannot be written; null when it can.</summary>
    public string? Problem { get; init; }

    public IdentifyRecord Load() => _record;

    public void Save(IdentifyRecord record) => _record = Problem is null ? record : throw new IOException(Problem);
}
