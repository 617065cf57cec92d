using System.Globalization;
using SinGateway.Loop;

namespace SinGateway.Operations;

/// <summary>
/// Gives back what only the start needed. Most of the program's resident memory is code, mapped from its file and libraries, and most of
/// that reads YAML, speaks HTTP or runs a TLS handshake once. The kernel keeps such pages in its cache; what is needed again comes back
/// from there, page by page, without I/O.
/// </summary>
internal static class StartupMemory
{
    /// <summary>Reads the process' own map, so not for a loop's thread. Does nothing where there is none.</summary>
    public static void Release()
    {
        try
        {
            foreach (string line in File.ReadLines("/proc/self/maps"))
            {
                // 7f0c9a000000-7f0c9a1b5000 r-xp 00026000 08:01 1234 /path: only code, which is never written, may be dropped.
                string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (fields is [{ } range, "r-xp", _, _, _, ['/', ..], ..]
                    && range.Split('-') is [{ } first, { } last]
                    && nuint.TryParse(first, NumberStyles.HexNumber, null, out nuint start)
                    && nuint.TryParse(last, NumberStyles.HexNumber, null, out nuint end))
                {
                    SystemCalls.ForgetPages(start, end - start);
                }
            }
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            // Without /proc the pages stay: they cost nothing but a larger number.
        }

        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        SystemCalls.TrimMalloc();
    }
}
