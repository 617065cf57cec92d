namespace SinGateway.Operations;

/// <summary>Remembers the totals of the last ten snapshots, and tells what happened a second since the oldest of them.</summary>
internal sealed class RateHistory
{
    private const int Snapshots = 10;

    private readonly (long At, long Events, long Forwarded, long WireBytes)[] _totals = new (long, long, long, long)[Snapshots];
    private int _count;

    /// <summary>The totals of a new snapshot, taken at <paramref name="now"/> ms. Zeros for the first.</summary>
    public StatusRates Next(long now, in StatusTotals totals)
    {
        ref (long At, long Events, long Forwarded, long WireBytes) newest = ref _totals[_count % Snapshots];
        (long at, long events, long forwarded, long wireBytes) = _count < Snapshots ? _totals[0] : newest;
        newest = (now, totals.Events, totals.Forwarded, totals.WireBytes);
        double seconds = (now - at) / 1000.0;
        return _count++ == 0 || seconds <= 0 ? default : new StatusRates
        {
            Events = Rate(totals.Events - events, seconds),
            Forwarded = Rate(totals.Forwarded - forwarded, seconds),
            WireBytes = Rate(totals.WireBytes - wireBytes, seconds),
        };
    }

    private static double Rate(long difference, double seconds) => Math.Round(difference / seconds, 1);
}
