using System.Numerics;

namespace SinGateway.Sandbox.Verification;

/// <summary>
/// Times from the making of a message to its arrival, in µs, in buckets of 1/8 of a power of two (so each is exact to 12 %). Of messages
/// that were prepared in a burst they include the waiting for their turn, so read them at a steady rate only.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int StepsPerOctave = 8;

    private readonly long[] _buckets = new long[64 * StepsPerOctave];
    private long _max;

    public long Max => Volatile.Read(ref _max);

    public long Count => _buckets.Sum();

    public void Add(long microseconds)
    {
        long value = Math.Max(microseconds, 0);
        Interlocked.Increment(ref _buckets[Bucket(value)]);
        if (value > _max)
        {
            _max = value;
        }
    }

    /// <summary>The upper edge of the bucket below which <paramref name="share"/> (0 to 1) of the times lie.</summary>
    public long Quantile(double share)
    {
        long left = (long)(Count * share);
        for (int i = 0; i < _buckets.Length; i++)
        {
            left -= _buckets[i];
            if (left < 0)
            {
                return Math.Min(UpperEdge(i), Max);
            }
        }
        return Max;
    }

    private static int Bucket(long value)
    {
        if (value < StepsPerOctave)
        {
            return (int)value;
        }
        int octave = BitOperations.Log2((ulong)value);
        return (octave - 2) * StepsPerOctave + (int)(value >> (octave - 3)) - StepsPerOctave;
    }

    private static long UpperEdge(int bucket)
    {
        if (bucket < StepsPerOctave)
        {
            return bucket;
        }
        int octave = bucket / StepsPerOctave + 2;
        return ((long)(bucket % StepsPerOctave + StepsPerOctave + 1) << (octave - 3)) - 1;
    }
}
