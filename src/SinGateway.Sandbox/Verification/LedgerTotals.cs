namespace SinGateway.Sandbox.Verification;

/// <summary>
/// Arrivals in numbers. <c>Missing</c> is what Discord has made and what has not arrived, yet or for good; <c>Undeliverable</c> is the part of
/// it that no client could have delivered (<see cref="Ledger.Missing"/> says which). The rest is lost, once nothing is under way any more.
/// </summary>
internal readonly record struct LedgerTotals(long Received, long Distinct, long Duplicates, long Missing, long OutOfOrder, long Undeliverable)
{
    public static LedgerTotals operator +(LedgerTotals a, LedgerTotals b) =>
        new(a.Received + b.Received, a.Distinct + b.Distinct, a.Duplicates + b.Duplicates, a.Missing + b.Missing, a.OutOfOrder + b.OutOfOrder,
            a.Undeliverable + b.Undeliverable);
}
