using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;

namespace SinGateway.Benchmarks;

/// <summary>Memory of a process, in KiB: resident; its share of what is shared; and what nobody shares.</summary>
internal readonly record struct MemoryReading(long Resident, long Proportional, long Private);

/// <summary>
/// Reads what a running process uses. CPU time comes from its POSIX clock (clock_getcpuclockid(3)), which counts user and system time of
/// all its threads, ended ones too, in ns; /proc/PID/stat has the same figure in steps of 10 ms.
/// </summary>
internal sealed partial class ProcessMeter(int processId)
{
    public TimeSpan CpuTime()
    {
        if (clock_getcpuclockid(processId, out int clock) != 0 || clock_gettime(clock, out TimeSpec time) != 0)
        {
            throw new Win32Exception($"the CPU time of process {processId} cannot be read");
        }
        return TimeSpan.FromTicks((time.Seconds * TimeSpan.TicksPerSecond) + (time.Nanoseconds / TimeSpan.NanosecondsPerTick));
    }

    public MemoryReading Memory()
    {
        // https://man7.org/linux/man-pages/man5/proc_pid_smaps.5.html
        Dictionary<string, long> rollup = [];
        foreach (string line in File.ReadLines($"/proc/{processId}/smaps_rollup").Skip(1))
        {
            string[] parts = line.Split((char[])[' ', ':'], StringSplitOptions.RemoveEmptyEntries);
            rollup[parts[0]] = long.Parse(parts[1], CultureInfo.InvariantCulture);
        }
        return new MemoryReading(rollup["Rss"], rollup["Pss"], rollup["Private_Clean"] + rollup["Private_Dirty"]);
    }

    [LibraryImport("libc")]
    private static partial int clock_getcpuclockid(int processId, out int clock);

    [LibraryImport("libc")]
    private static partial int clock_gettime(int clock, out TimeSpec time);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
