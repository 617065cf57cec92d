using System.Diagnostics;

namespace SinGateway.Sandbox;

/// <summary>µs since the process started: the one clock of everything that the control API tells.</summary>
internal static class Clock
{
    private static readonly long Start = Stopwatch.GetTimestamp();

    public static long Microseconds => ToMicroseconds(Stopwatch.GetTimestamp());

    public static long ToMicroseconds(long timestamp) => (long)Stopwatch.GetElapsedTime(Start, timestamp).TotalMicroseconds;
}
