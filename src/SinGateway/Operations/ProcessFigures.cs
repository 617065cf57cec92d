using System.Globalization;

namespace SinGateway.Operations;

/// <summary>What the kernel knows of this process (proc(5)). Reads files, so it is nothing for the gateway's loop.</summary>
/// <param name="ResidentBytes">Memory that is resident.</param>
/// <param name="VirtualBytes">Memory that is mapped.</param>
/// <param name="Threads">Of the process.</param>
/// <param name="OpenDescriptors">Sockets, files and pipes.</param>
/// <param name="DescriptorLimit">How many there may be.</param>
internal readonly record struct ProcessFigures(long ResidentBytes, long VirtualBytes, long Threads, long OpenDescriptors, long DescriptorLimit)
{
    // Places in /proc/self/stat behind the name in parentheses, which may hold anything.
    private const int ThreadsField = 17;
    private const int VirtualField = 20;
    private const int ResidentPagesField = 21;

    /// <summary>Zeros where the system does not tell.</summary>
    public static ProcessFigures Read()
    {
        try
        {
            string stat = File.ReadAllText("/proc/self/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return new ProcessFigures(
                Number(fields[ResidentPagesField]) * Environment.SystemPageSize,
                Number(fields[VirtualField]),
                Number(fields[ThreadsField]),
                Directory.EnumerateFileSystemEntries("/proc/self/fd").Count(),
                DescriptorsAllowed());
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return default;
        }
    }

    // Max open files            1024                 524288               files
    private static long DescriptorsAllowed()
    {
        string? line = File.ReadLines("/proc/self/limits").FirstOrDefault(line => line.StartsWith("Max open files", StringComparison.Ordinal));
        return line?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, _, _, { } soft, ..] ? Number(soft) : 0;
    }

    private static long Number(string text) => long.TryParse(text, CultureInfo.InvariantCulture, out long number) ? number : 0;
}
