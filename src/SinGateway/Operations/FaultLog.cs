namespace SinGateway.Operations;

/// <summary>
/// The last faults of the process: every warning and error of the log, and every connection to Discord that a shard lost. What happens again
/// and again is kept a few times and counted, so that what happened once before it can still be seen. Any thread may add and read; nobody waits.
/// </summary>
internal sealed class FaultLog(TimeProvider time)
{
    public const int Capacity = 50;

    /// <summary>So many of a kind are kept.</summary>
    public const int OfAKind = 10;

    /// <summary>Characters that are kept of a cause.</summary>
    private const int MaximumCause = 500;

    private readonly Entry?[] _entries = new Entry?[Capacity];
    private long _count;

    public void Add(string source, string cause)
    {
        cause = cause.Length <= MaximumCause ? cause : cause[..MaximumCause] + "…";
        long number = Interlocked.Increment(ref _count);
        long now = time.GetUtcNow().ToUnixTimeMilliseconds();
        int kind = KindOf(source, cause);
        while (true)
        {
            int place = PlaceFor(kind, out Entry? former);
            Fault? counted = former?.Kind == kind ? former.Fault : null;
            Fault fault = new(now, source, cause, (counted?.Times ?? 0) + 1, counted?.Since ?? now);
            if (Interlocked.CompareExchange(ref _entries[place], new Entry(number, kind, fault), former) == former)
            {
                return;
            }

            // Another thread was faster there.
        }
    }

    /// <summary>The newest first.</summary>
    public Fault[] Newest()
    {
        List<Entry> entries = new(Capacity);
        for (int i = 0; i < Capacity; i++)
        {
            if (Volatile.Read(ref _entries[i]) is { } entry)
            {
                entries.Add(entry);
            }
        }

        return [.. entries.OrderByDescending(entry => entry.Number).Select(entry => entry.Fault)];
    }

    /// <summary>The oldest of a kind of which there are enough, else where nothing is yet, else the oldest of all.</summary>
    private int PlaceFor(int kind, out Entry? former)
    {
        (int Place, Entry? Entry) oldest = (0, null), oldestOfKind = (0, null);
        long least = long.MaxValue;
        int ofKind = 0;
        for (int i = 0; i < Capacity; i++)
        {
            Entry? entry = Volatile.Read(ref _entries[i]);
            if ((entry?.Number ?? 0) < least)
            {
                least = entry?.Number ?? 0;
                oldest = (i, entry);
            }

            if (entry?.Kind == kind)
            {
                ofKind++;
                oldestOfKind = oldestOfKind.Entry is { } other && other.Number < entry.Number ? oldestOfKind : (i, entry);
            }
        }

        (int place, former) = ofKind >= OfAKind ? oldestOfKind : oldest;
        return place;
    }

    /// <summary>The same for what differs in numbers only: of a shard, of a connection, of an attempt.</summary>
    private static int KindOf(string source, string cause)
    {
        HashCode hash = default;
        foreach (char c in source.AsSpan().TrimEnd("-0123456789"))
        {
            hash.Add(c);
        }

        foreach (char c in cause)
        {
            if (!char.IsAsciiDigit(c))
            {
                hash.Add(c);
            }
        }

        return hash.ToHashCode();
    }

    /// <param name="Number">Of all that were added, from 1.</param>
    /// <param name="Kind">By <see cref="KindOf"/>.</param>
    /// <param name="Fault">What is told.</param>
    private sealed record Entry(long Number, int Kind, Fault Fault);
}
