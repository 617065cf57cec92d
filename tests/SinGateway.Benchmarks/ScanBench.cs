using System.Diagnostics;
using System.Text;
using SinGateway.Forwarding;
using SinGateway.Tests.Forwarding;

namespace SinGateway.Benchmarks;

/// <summary>
/// What a rule with variables of the event costs: the scan by itself, in this process, over so many different events that their bytes
/// are not in the nearest cache. Seeded, so that each run reads the same.
/// </summary>
internal static class ScanBench
{
    private const int Seed = 1;
    private const int MembersOf256K = 608;

    /// <summary>The events of each kind take about so many bytes together.</summary>
    private const int Bytes = 4 << 20;

    private static readonly TimeSpan Length = TimeSpan.FromMilliseconds(300);

    /// <summary>The rows of the table: kind of event and variable, bytes of an event, and CPU µs each.</summary>
    public static IEnumerable<(string Name, int Bytes, Func<double> Measure)> Cases()
    {
        byte[][] messages = Make(random => SampleEvents.Message(random));
        byte[][] guilds = Make(random => SampleEvents.Guild(random, MembersOf256K));
        yield return ("MESSAGE_CREATE, {{GUILD_ID}} or {{GUILD_SLOT}}", Average(messages), () => Measure(messages, EventFields.Guild));
        yield return ("MESSAGE_CREATE, {{USER_ID}}: all of it is read", Average(messages), () => Measure(messages, EventFields.User));
        yield return ("GUILD_CREATE, {{GUILD_ID}} or {{GUILD_SLOT}}", Average(guilds), () => Measure(guilds, EventFields.Guild | EventFields.IsGuild));
        yield return ("GUILD_CREATE, {{USER_ID}}: all of it is read", Average(guilds), () => Measure(guilds, EventFields.User));
    }

    private static byte[][] Make(Func<Random, string> write)
    {
        Random random = new(Seed);
        List<byte[]> events = [];
        for (int bytes = 0; bytes < Bytes; bytes += events[^1].Length)
        {
            events.Add(Encoding.UTF8.GetBytes(write(random)));
        }

        return [.. events];
    }

    private static int Average(byte[][] events) => (int)events.Average(one => one.Length);

    /// <summary>CPU µs an event.</summary>
    private static double Measure(byte[][] events, EventFields fields)
    {
        Run(events, fields, Length); // The compiler optimises what has run for a while.
        return Run(events, fields, Length);
    }

    private static double Run(byte[][] events, EventFields fields, TimeSpan length)
    {
        TimeSpan before = Environment.CpuUsage.TotalTime;
        long started = Stopwatch.GetTimestamp();
        long count = 0;
        while (Stopwatch.GetElapsedTime(started) < length)
        {
            foreach (byte[] message in events)
            {
                EventFieldScan.Read(message, fields);
            }

            count += events.Length;
        }

        return (Environment.CpuUsage.TotalTime - before).TotalMicroseconds / count;
    }
}
