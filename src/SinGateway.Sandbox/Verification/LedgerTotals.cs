namespace SinGateway.Sandbox.Verification;

/// <summary>Arrivals in numbers. <c>Missing</c> is what Discord has sent and what has not arrived, yet or for good.</summary>
internal readonly record struct LedgerTotals(long Received, long Distinct, long Duplicates, long Missing, long OutOfOrder)
{
    public static LedgerTotals operator +(LedgerTotals a, LedgerTotals b) =>
        new(a.Received + b.Received, a.Distinct + b.Distinct, a.Duplicates + b.Duplicates, a.Missing + b.Missing, a.OutOfOrder + b.OutOfOrder);
}
