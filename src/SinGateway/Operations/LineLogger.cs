using Microsoft.Extensions.Logging;

namespace SinGateway.Operations;

/// <summary>Makes the loggers, all of which write to one <see cref="LineWriter"/>, which it owns.</summary>
internal sealed class LineLoggerFactory(LineWriter writer, LogLevel minimum, bool colour, TimeProvider time, FaultLog? faults = null) : ILoggerFactory
{
    public ILogger CreateLogger(string categoryName) => new LineLogger(writer, categoryName, minimum, colour, time, faults);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("the log has one place to go: stderr");

    public void Dispose() => writer.Dispose();
}

/// <summary>Writes entries of one category. Any thread may call it; it never blocks.</summary>
internal sealed class LineLogger(LineWriter writer, string category, LogLevel minimum, bool colour, TimeProvider time, FaultLog? faults) : ILogger
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
            bool withStack = minimum <= LogLevel.Debug;
            writer.Write(LogLine.Format(time.GetLocalNow(), logLevel, category, text, exception, withStack, colour));
        }
    }

    private bool IsWritten(LogLevel level) => level >= minimum && level != LogLevel.None;

    private bool IsFault(LogLevel level) => faults is not null && level is >= LogLevel.Warning and < LogLevel.None;
}
