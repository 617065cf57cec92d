using Microsoft.Extensions.Logging;

namespace SinGateway.Operations;

/// <summary>
/// The log: one line an entry on stderr, <c>2026-11-23 13:00:01.123 INFO     shard: text</c>, with the level names of the Python program.
/// </summary>
/// <remarks>
/// Only the interfaces of Microsoft.Extensions.Logging are used. Its console provider costs 2.2 MB of the native binary and 4 MB of memory,
/// its LoggerFactory alone 0.5 MB; this costs 0.2 MB.
/// </remarks>
internal static class Logging
{
    /// <summary>Creates the log of the process. Dispose it last: that writes what is still queued.</summary>
    /// <param name="minimum">What is less than this is not written.</param>
    /// <param name="faults">Gets every warning and error, written or not.</param>
    public static ILoggerFactory Create(LogLevel minimum, FaultLog faults)
    {
        bool colour = !Console.IsErrorRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        return new LineLoggerFactory(new LineWriter(Console.Error), minimum, colour, TimeProvider.System, faults);
    }
}
