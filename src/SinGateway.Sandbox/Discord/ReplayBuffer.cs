namespace SinGateway.Sandbox.Discord;

/// <summary>What an event was, in so few bytes that it can be rendered again.</summary>
internal enum EventKind : byte
{
    Ready,
    Resumed,
    GuildCreate,

    /// <summary>A numbered MESSAGE_CREATE.</summary>
    Message,

    /// <summary>An event whose bytes a test gave; they are kept beside the buffer.</summary>
    Given,
}

/// <summary>One event: its kind, the stream it belongs to, and its number there (an index of a guild, the n of a message).</summary>
internal readonly record struct ReplayEntry(EventKind Kind, int Stream, long Number);

/// <summary>
/// The last events of a session, for RESUME: a ring of 8 bytes an event, grown on demand up to its limit. Discord bounds the real one too
/// (a statement of 2016: at most 3,500).
/// </summary>
internal sealed class ReplayBuffer(int limit)
{
    private long[] _entries = new long[Math.Min(limit, 64)];

    /// <summary>The seq of the oldest event that can still be replayed.</summary>
    public long First { get; private set; } = 1;

    /// <summary>The seq that the next event gets.</summary>
    public long Next { get; private set; } = 1;

    public void Add(ReplayEntry entry)
    {
        if (Next - First == _entries.Length)
        {
            if (_entries.Length < limit)
            {
                Grow();
            }
            else
            {
                First++;
            }
        }
        _entries[Next % _entries.Length] = ((long)entry.Kind << 60) | ((long)entry.Stream << 40) | entry.Number;
        Next++;
    }

    public ReplayEntry this[long seq]
    {
        get
        {
            long packed = _entries[seq % _entries.Length];
            return new ReplayEntry((EventKind)(packed >> 60), (int)(packed >> 40) & 0xfffff, packed & 0xff_ffff_ffff);
        }
    }

    /// <summary>Forgets everything up to and including <paramref name="seq"/>.</summary>
    public void TrimTo(long seq) => First = Math.Clamp(seq + 1, First, Next);

    private void Grow()
    {
        long[] larger = new long[Math.Min(limit, _entries.Length * 2)];
        for (long seq = First; seq < Next; seq++)
        {
            larger[seq % larger.Length] = _entries[seq % _entries.Length];
        }
        _entries = larger;
    }
}
