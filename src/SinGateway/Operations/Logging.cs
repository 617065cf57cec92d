using Microsoft.Extensions.Logging;

namespace SinGateway.Operations;

/// <summary>
/// The log: one line an entry on stderr, for people (<see cref="LogLine"/>) or for programs (<see cref="LogJson"/>), with the level names of
/// the Python program.
/// </summary>
/// <remarks>
/// Only the interfaces of Microsoft.Extensions.Logging are used. Its console provider costs 2.2 MB of the native binary and 4 MB of memory,
/// its LoggerFactory alone 0.5 MB; this costs 0.2 MB.
/// </remarks>
internal static class Logging
{
    /// <summary>Creates the log of the process. Dispose it last: that writes what is still queued.</summary>
    public static LineLoggerFactory Create(LogLevel minimum, LogFormat format)
    {
        bool colour = WantsColour(Console.IsErrorRedirected, Environment.GetEnvironmentVariable);
        Func<LogEntry, string> write = format == LogFormat.Json ? LogJson.Format : entry => LogLine.Format(entry, colour);
        return new LineLoggerFactory(new LineWriter(Console.Error, write, TimeProvider.System), minimum, format == LogFormat.Json, TimeProvider.System);
    }

    /// <summary>Colour is for terminals that know it, and not for who asks for none (https://no-color.org).</summary>
    public static bool WantsColour(bool isRedirected, Func<string, string?> environment) =>
        !isRedirected && string.IsNullOrEmpty(environment("NO_COLOR")) && environment("TERM") is not "dumb";
}
