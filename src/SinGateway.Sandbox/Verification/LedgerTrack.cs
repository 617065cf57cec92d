namespace SinGateway.Sandbox.Verification;

/// <summary>What has arrived of one stream's messages by one forwarding rule.</summary>
internal sealed class LedgerTrack(long baseline)
{
    private readonly NumberSet _numbers = new();
    private long _highest;

    /// <summary>Messages up to this number belong to the time before the last reset.</summary>
    public long Baseline { get; } = baseline;

    public long Received { get; private set; }

    public long Duplicates { get; private set; }

    /// <summary>First arrivals with a number below one that has already arrived.</summary>
    public long OutOfOrder { get; private set; }

    public long Distinct => _numbers.Count;

    public bool Contains(long number) => number <= Baseline || _numbers.Contains(number - Baseline - 1);

    /// <summary>Counts an arrival; true for the first one of its number.</summary>
    public bool Add(long number)
    {
        if (number <= Baseline)
        {
            return false;
        }
        Received++;
        if (!_numbers.Add(number - Baseline - 1))
        {
            Duplicates++;
            return false;
        }
        if (number < _highest)
        {
            OutOfOrder++;
        }
        _highest = Math.Max(_highest, number);
        return true;
    }
}
