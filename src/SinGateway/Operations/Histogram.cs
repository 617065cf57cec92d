namespace SinGateway.Operations;

/// <summary>
/// Counts lengths of time in fixed buckets. Written by one thread at a time and without a lock; any thread may read, and then sees every count
/// as it was at some moment.
/// </summary>
/// <param name="bounds">Upper bounds of the buckets in µs, included, ascending; what is longer counts in a last one without a bound.</param>
internal sealed class Histogram(long[] bounds)
{
    /// <summary>From what a loop's turn takes to a minute.</summary>
    public static readonly long[] Seconds =
    [
        100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
    ];

    /// <summary>From at once to a day.</summary>
    public static readonly long[] Hours =
    [
        100_000, 1_000_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000, 300_000_000, 900_000_000, 3_600_000_000, 14_400_000_000, 86_400_000_000,
    ];

    private readonly long[] _counts = new long[bounds.Length + 1];
    private long _sum;

    public ReadOnlySpan<long> Bounds => bounds;

    /// <summary>Of all that was observed, in µs.</summary>
    public long Sum => Volatile.Read(ref _sum);

    /// <summary>What fell into a bucket alone; the last index is that of the bucket without a bound.</summary>
    public long Count(int bucket) => Volatile.Read(ref _counts[bucket]);

    /// <summary>Counts <paramref name="times"/> occurrences of one length of time, which is 0 at least.</summary>
    public void Observe(long microseconds, long times = 1)
    {
        int bucket = 0;
        while (bucket < bounds.Length && microseconds > bounds[bucket])
        {
            bucket++;
        }

        Volatile.Write(ref _counts[bucket], _counts[bucket] + times);
        Volatile.Write(ref _sum, _sum + (Math.Max(microseconds, 0) * times));
    }

    public void Clear()
    {
        Array.Clear(_counts);
        _sum = 0;
    }

    /// <summary>Adds everything to <paramref name="total"/>, which has the same bounds.</summary>
    public void AddTo(Histogram total)
    {
        for (int i = 0; i < _counts.Length; i++)
        {
            total._counts[i] += Count(i);
        }

        total._sum += Sum;
    }
}
