using Microsoft.Extensions.Logging;

namespace SinGateway.Operations;

/// <summary>An entry of the log before it is written. Immutable; borrows nothing from who logged it.</summary>
/// <param name="Time">With the offset in which it is shown.</param>
/// <param name="Level">From Debug to Critical.</param>
/// <param name="Category">Of the logger.</param>
/// <param name="Event">Of the message; 0 for one that has none.</param>
/// <param name="Text">The message with its values filled in; may hold line breaks.</param>
internal sealed record LogEntry(DateTimeOffset Time, LogLevel Level, string Category, EventId Event, string Text)
{
    /// <summary>The message's named values; empty where nobody writes them.</summary>
    public IReadOnlyList<KeyValuePair<string, object?>> Values { get; init; } = [];

    public Exception? Exception { get; init; }

    /// <summary>The exception is written in full, not as its message alone.</summary>
    public bool WithStack { get; init; }

    /// <summary>How many entries this one stands for, itself included, that were not written when they came; 0 when it was.</summary>
    public int Repeated { get; init; }
}
