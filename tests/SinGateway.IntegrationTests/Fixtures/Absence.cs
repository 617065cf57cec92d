using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>
/// 신경 is away for long under a steady load (G13), and what came of it once it is back and all has settled. A Discord that replays everything
/// missed, however much, so that what is missing at the end is the gateway's doing.
/// </summary>
/// <param name="End">What the sandbox has seen, after the gateway's end.</param>
/// <param name="Lost">What the gateway says to have lost for want of room.</param>
/// <param name="Start">The most memory, resident and anonymous, under load before it, in bytes.</param>
/// <param name="Memory">The same from then on to 신경's return, over time.</param>
/// <param name="Log">The gateway's.</param>
internal sealed partial record Absence(
    SandboxStatistics End, long Lost, (long Resident, long Anonymous) Start, (long Resident, long Anonymous)[] Memory, string Log)
{
    public const int Shards = 16;
    public const int EventsPerSecond = 2_000;

    private const string Sandbox =
        "--shards 16 --max-concurrency 16 --heartbeat-interval 5000 --replay-events 4000000 --replay-seconds 36000 --compression-level 1";

    /// <summary>How much load each part of the start has: what comes with it (code, spare chunks, tables) is resident then.</summary>
    private const int EventsOfStart = 5 * EventsPerSecond;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);

    /// <summary>By how much memory grew during the absence, in bytes.</summary>
    public long Growth => Memory.Max(memory => memory.Anonymous) - Start.Anonymous;

    /// <param name="config">The gateway's.</param>
    /// <param name="length">For how long 신경 is away.</param>
    /// <param name="until">What the gateway's log must say before it comes back, whatever the time.</param>
    public static async Task<Absence> RunAsync(GatewayConfig config, TimeSpan length, string until = "")
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, config);
        await scenario.StartReadyGatewayAsync(Shards);
        await scenario.Sandbox.PaceAsync(EventsPerSecond);
        await scenario.HoldsAsync(statistics => statistics.Ledger.Distinct >= EventsOfStart, "the load runs");

        // The code that an absence needs is read from the file here, and not counted for it.
        await scenario.Sandbox.OrderAsync("/singyeong/drop");
        await scenario.Sandbox.OrderAsync("/discord/drop");
        List<(long Resident, long Anonymous)> before = [], memory = [];
        await scenario.HoldsAsync(
            statistics =>
            {
                Read(scenario, before);
                return statistics.Ledger.Distinct >= 2 * EventsOfStart && statistics.Discord.IsConnected(Shards);
            },
            "the load runs again after a cut");

        await scenario.Sandbox.OrderAsync("/singyeong/stop");
        await PassAsync(scenario, memory, length, until);
        await scenario.Sandbox.OrderAsync("/singyeong/start");
        await scenario.HoldsAsync(
            statistics => statistics.Singyeong.Has("gateway") && statistics.Discord.IsConnected(Shards), "신경 and every shard are back", Soak.Deadline);
        await scenario.Sandbox.PaceAsync(0);

        // Exact: when as much is missing as the gateway says to have lost, all else has arrived.
        await scenario.HoldsAsync(
            statistics => statistics.Ledger.Missing == LostBy(scenario.Gateway.Errors) && statistics.Discord.IsConnected(Shards),
            "nothing is missing but what the gateway says to have lost",
            Soak.Deadline);
        int exitCode = await scenario.Gateway.TerminateAsync();
        Absence absence = new(
            await scenario.Sandbox.StatisticsAsync(), scenario.Gateway.AtItsEnd("outbox_full"), before.Max(), [.. memory], scenario.Gateway.Errors);
        return exitCode == 0 ? absence : throw new InvalidOperationException($"the gateway ended with {exitCode}\n{scenario.Tails}");
    }

    /// <summary>What was seen, for the run's own output.</summary>
    public string Describe(string name, int memories = 24)
    {
        int each = Math.Max(1, Memory.Length / memories);
        string memory = string.Join(' ', Memory.Where((_, index) => index % each == 0).Select(Show));
        return $"{name}: made {End.Discord.EventsProduced}, arrived {End.Ledger.Distinct}, doubled {End.Ledger.Duplicates}, missing {End.Ledger.Missing}, "
            + $"lost by the gateway's count {Lost}, IDENTIFYs {End.Discord.Identifies}, RESUMEs {End.Discord.ResumesOk} (refused {End.Discord.ResumesRefused}), "
            + $"closed by the gateway {{{DiscordStatistics.Pairs(End.Discord.ClientCloses)}}}, replayed {End.Discord.EventsReplayed}; "
            + $"MiB resident/anonymous before {Show(Start)}, then {memory}";

        static string Show((long Resident, long Anonymous) memory) => $"{memory.Resident / 1048576.0:0.0}/{memory.Anonymous / 1048576.0:0.0}";
    }

    private static async Task PassAsync(Scenario scenario, List<(long Resident, long Anonymous)> memory, TimeSpan length, string until)
    {
        Stopwatch clock = Stopwatch.StartNew();
        using PeriodicTimer timer = new(Tick);
        while (clock.Elapsed < length || !scenario.Gateway.Errors.Contains(until, StringComparison.Ordinal))
        {
            if (scenario.Gateway.HasExited || clock.Elapsed > length + Eventually.Deadline)
            {
                throw new InvalidOperationException($"the gateway has ended, or never said: {until}\n{scenario.Tails}");
            }
            Read(scenario, memory);
            await timer.WaitForNextTickAsync();
        }
    }

    private static void Read(Scenario scenario, List<(long Resident, long Anonymous)> into)
    {
        if (scenario.Gateway is { Memory: { } resident, AnonymousMemory: { } anonymous })
        {
            into.Add((resident, anonymous));
        }
    }

    /// <summary>The sum of the lines that end a time without room.</summary>
    private static long LostBy(string log) => LostLine().Matches(log).Sum(match => long.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture));

    [GeneratedRegex(@"room again after \d+ s, in which (\d+) events were lost")]
    private static partial Regex LostLine();
}
