namespace SinGateway.Discord;

/// <summary>
/// The times of the latest sends, oldest first, each with one bit: a ring that begins with four places and doubles when it is full, because
/// most shards send two heartbeats a minute and nothing else. Mutable: to be kept in a field, never copied.
/// </summary>
internal struct SendLog
{
    private const int FirstCapacity = 4;

    /// <summary>The time in ms, shifted by one bit for the mark.</summary>
    private long[]? _entries;

    private int _first;

    public int Count { get; private set; }

    /// <param name="time">ms, not below the one before.</param>
    /// <param name="isMarked">Means what the owner wants.</param>
    public void Add(long time, bool isMarked)
    {
        if (Count == (_entries?.Length ?? 0))
        {
            Grow();
        }

        _entries![(_first + Count++) % _entries.Length] = (time << 1) | (isMarked ? 1L : 0);
    }

    /// <summary>The time and the mark of one send, 0 being the oldest.</summary>
    public readonly (long Time, bool IsMarked) At(int index)
    {
        long entry = _entries![(_first + index) % _entries.Length];
        return (entry >> 1, (entry & 1) != 0);
    }

    public void RemoveFirst()
    {
        _first = (_first + 1) % _entries!.Length;
        Count--;
    }

    private void Grow()
    {
        long[] larger = new long[Math.Max(FirstCapacity, Count * 2)];
        for (int i = 0; i < Count; i++)
        {
            larger[i] = _entries![(_first + i) % _entries.Length];
        }

        _entries = larger;
        _first = 0;
    }
}
