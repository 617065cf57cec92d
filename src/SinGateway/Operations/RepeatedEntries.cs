using Microsoft.Extensions.Logging;

namespace SinGateway.Operations;

/// <summary>
/// Folds entries that repeat: of a kind (category, event and level), <see cref="Burst"/> within <see cref="Window"/> are written as they
/// come; the others are counted, and the last of them is written with the count when the window ends. An entry without an event, and one
/// that is critical, is always written. Pure: time is an argument, in ms. One thread at a time.
/// </summary>
internal sealed class RepeatedEntries
{
    /// <summary>Entries of a kind that are written whole in a window.</summary>
    public const int Burst = 10;

    /// <summary>In ms, from the first entry of a kind.</summary>
    public const long Window = 60_000;

    /// <summary>Kinds that are watched at once: more than the program has. Entries beyond them are all written.</summary>
    public const int MaximumKinds = 256;

    private readonly Dictionary<Kind, Count> _counts = [];

    /// <summary>When the next window with something kept back ends; null when nothing is.</summary>
    public long? NextEnd
    {
        get
        {
            long end = long.MaxValue;
            foreach (Count count in _counts.Values)
            {
                end = count.Latest is null ? end : Math.Min(end, count.End);
            }

            return end == long.MaxValue ? null : end;
        }
    }

    /// <summary>False when the entry is kept back. Ask <see cref="TakeEnded"/> first.</summary>
    public bool MayBeWritten(LogEntry entry, long now)
    {
        if (entry.Event.Id == 0 || entry.Level == LogLevel.Critical)
        {
            return true;
        }

        var kind = new Kind(entry.Category, entry.Event.Id, entry.Level);
        if (!_counts.TryGetValue(kind, out Count? count))
        {
            if (_counts.Count == MaximumKinds)
            {
                return true;
            }

            _counts.Add(kind, count = new Count(now + Window));
        }

        if (count.Written < Burst)
        {
            count.Written++;
            return true;
        }

        count.Latest = entry;
        count.KeptBack++;
        return false;
    }

    /// <summary>Ends the windows that are over: the last entry of each that kept some back, with their number.</summary>
    /// <param name="now">long.MaxValue ends all of them.</param>
    public IReadOnlyList<LogEntry> TakeEnded(long now)
    {
        List<LogEntry>? ended = null;
        foreach ((Kind kind, Count count) in _counts)
        {
            if (count.End > now)
            {
                continue;
            }

            _counts.Remove(kind);
            if (count.Latest is { } latest)
            {
                (ended ??= []).Add(latest with { Repeated = count.KeptBack });
            }
        }

        return ended ?? (IReadOnlyList<LogEntry>)[];
    }

    private readonly record struct Kind(string Category, int Event, LogLevel Level);

    private sealed class Count(long end)
    {
        public long End { get; } = end;

        public int Written { get; set; }

        public int KeptBack { get; set; }

        public LogEntry? Latest { get; set; }
    }
}
