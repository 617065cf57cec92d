using Microsoft.Extensions.Logging;

namespace SinGateway.Operations;

/// <summary>Makes the loggers, all of which write to one <see cref="LineWriter"/>, which it owns.</summary>
/// <param name="writer">Takes the entries.</param>
/// <param name="minimum">The least level that is written, at first.</param>
/// <param name="keepsValues">Entries carry their named values, because the format writes them.</param>
/// <param name="time">Of the entries.</param>
/// <param name="faults">Gets every warning and error, written or not; null: nobody asks for them.</param>
internal sealed class LineLoggerFactory(LineWriter writer, LogLevel minimum, bool keepsValues, TimeProvider time, FaultLog? faults = null) : ILoggerFactory
{
    private volatile LogLevel _minimum = minimum;

    /// <summary>The least level that is written, by loggers made before and after. Any thread.</summary>
    public LogLevel Minimum
    {
        get => _minimum;
        set => _minimum = value;
    }

    public bool KeepsValues => keepsValues;

    public ILogger CreateLogger(string categoryName) => new LineLogger(writer, this, categoryName, time, faults);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("the log has one place to go: stderr");

    public void Dispose() => writer.Dispose();
}

/// <summary>Writes entries of one category. Any thread may call it; it never blocks.</summary>
internal sealed class LineLogger(LineWriter writer, LineLoggerFactory factory, string category, TimeProvider time, FaultLog? faults) : ILogger
{
    public bool IsEnabled(LogLevel logLevel) => IsWritten(logLevel) || IsFault(logLevel);

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        string text = IsEnabled(logLevel) ? formatter(state, exception) : "";
        if (IsFault(logLevel))
        {
            faults!.Add(category, exception is null ? text : $"{text}: {exception.Message}");
        }

        if (IsWritten(logLevel))
        {
            writer.Write(new LogEntry(time.GetLocalNow(), logLevel, category, eventId, text)
            {
                Values = factory.KeepsValues ? ValuesOf(state) : [],
                Exception = exception,
                WithStack = factory.Minimum <= LogLevel.Debug,
            });
        }
    }

    /// <summary>Messages carry their values beside their text, the last being the text without them.</summary>
    private static KeyValuePair<string, object?>[] ValuesOf<TState>(TState state) => state is IEnumerable<KeyValuePair<string, object?>> values
        ? [.. values.Where(value => value.Key != "{OriginalFormat}")]
        : [];

    private bool IsWritten(LogLevel level) => level >= factory.Minimum && level != LogLevel.None;

    private bool IsFault(LogLevel level) => faults is not null && level is >= LogLevel.Warning and < LogLevel.None;
}
