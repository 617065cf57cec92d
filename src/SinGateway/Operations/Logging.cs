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
    /// <param name="minimum">What is less than this is not written, at first.</param>
    /// <param name="format">For people or for programs.</param>
    /// <param name="faults">Gets every warning and error, written or not.</param>
    public static LineLoggerFactory Create(LogLevel minimum, LogFormat format, FaultLog faults)
    {
        bool colour = WantsColour(Console.IsErrorRedirected, Environment.GetEnvironmentVariable);
        Func<LogEntry, string> write = format == LogFormat.Json ? LogJson.Format : entry => LogLine.Format(entry, colour);
        return new LineLoggerFactory(new LineWriter(Console.Error, write, TimeProvider.System), minimum, format == LogFormat.Json, TimeProvider.System, faults);
    }

    /// <summary>Colour is for terminals that know it, and not for who asks for none (https://no-color.org).</summary>
    public static bool WantsColour(bool isRedirected, Func<string, string?> environment) =>
        !isRedirected && string.IsNullOrEmpty(environment("NO_COLOR")) && environment("TERM") is not "dumb";
}
