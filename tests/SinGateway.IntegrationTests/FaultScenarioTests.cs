using System.Diagnostics;
using System.Text;
using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>
/// Sixteen shards under load live through every fault that Discord and 신경 can make, at random: nothing is lost or out of order, and every
/// IDENTIFY has its reason. The sandbox counts, and trusts the gateway in nothing. <c>./build.sh soak</c> runs it for longer.
/// </summary>
[ParallelLimiter<FewAtATime>]
internal sealed class FaultScenarioTests
{
    private const int Shards = 16;
    private const int EventsPerSecond = 600;

    // Heartbeats come often, so that a connection that answers none is found soon. Replay buffers are longer than any absence, else Discord
    // would refuse resumes of its own accord.
    private const string Sandbox =
        "--shards 16 --max-concurrency 16 --heartbeat-interval 1500 --replay-events 100000 --replay-seconds 900 --compression-level 1";

    /// <summary>Half of all seeds mean TLS: then a handshake can fail in the middle, and a reset can cut a record.</summary>
    private static readonly bool UsesTls = Soak.Seed % 2 == 1;

    /// <summary>A third of all seeds spread the shards over two loops.</summary>
    private static readonly int Loops = Soak.Seed / 2 % 3 == 1 ? 2 : 1;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);

    /// <summary>The endings of sessions that a gateway is not to blame for, as the sandbox names them; close codes besides.</summary>
    private static readonly string[] Blameless = ["op9", "killed", "expired", "resume_refused", "resumes_unanswered", "never_known"];

    [Test]
    [Category(Soak.Category)]
    public async Task Every_fault_in_random_order_costs_no_event_and_no_needless_IDENTIFY()
    {
        Soak.Say($"FaultScenarioTests: {Soak.Duration.TotalSeconds:0} s{(UsesTls ? " over TLS" : "")}, {Loops} loops, SINGATEWAY_SEED={Soak.Seed}");
        PlannedOrder[] plan = FaultPlan.Draw(Soak.Seed, Shards, Soak.Duration);
        await using Scenario scenario = await Scenario.StartAsync(
            UsesTls ? $"{Sandbox} --tls --certificate-directory DIRECTORY" : Sandbox, new GatewayConfig { Connections = Loops, Loops = Loops });
        if (UsesTls)
        {
            scenario.Environment["SSL_CERT_FILE"] = scenario.File("ca.pem");
        }
        await scenario.StartReadyGatewayAsync(Shards);
        await scenario.Sandbox.PaceAsync(EventsPerSecond);

        Dictionary<string, (int Drawn, int Hits)> faults = await CarryOutAsync(plan, scenario);
        await scenario.Sandbox.PaceAsync(0);
        SandboxStatistics end;
        try
        {
            end = await scenario.HoldsAsync(
                statistics => statistics.Ledger.Lost == 0
                    && statistics.Discord.Shards.Count(shard => shard is { Connected: true, UnsentBytes: 0 }) == Shards,
                $"all shards are back and nothing is missing (seed {Soak.Seed})", Soak.Deadline);
        }
        finally
        {
            Soak.Say(Table(faults, await scenario.Sandbox.StatisticsAsync(), scenario.Gateway));
        }
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);

        SandboxStatistics stopped = await scenario.Sandbox.StatisticsAsync();
        DiscordStatistics discord = stopped.Discord;
        await Assert.That(stopped.Ledger.Lost).IsEqualTo(0);
        await Assert.That(stopped.Ledger.OutOfOrder).IsEqualTo(0);
        await Assert.That(stopped.Ledger.Wrong).IsEqualTo(0);
        await Assert.That(discord.Violations).IsEmpty();
        await Assert.That(discord.PacingViolations).IsEqualTo(0);
        await Assert.That(discord.SendLimitViolations).IsEqualTo(0);
        await Assert.That(discord.IdentifiesNeedless).IsEqualTo(0);
        await Assert.That(discord.Identifies).IsLessThanOrEqualTo(Shards + Excuses(discord));
        await Assert.That(discord.SessionsEnded.Keys.Where(cause => !cause.StartsWith("close_", StringComparison.Ordinal)).Except(Blameless)).IsEmpty();
        await Assert.That(discord.ClientCloses.Keys).DoesNotContain(1000).And.DoesNotContain(1001);
        await Assert.That(stopped.Singyeong.ProtocolErrors).IsEqualTo(0);
        await Assert.That(end.Ledger.Distinct).IsGreaterThan((long)(EventsPerSecond * Soak.Duration.TotalSeconds / 4));
    }

    [Test]
    public async Task The_same_seed_draws_the_same_faults_and_every_kind_is_drawn()
    {
        PlannedOrder[] plan = FaultPlan.Draw(7, Shards, TimeSpan.FromMinutes(10));

        await Assert.That(FaultPlan.Draw(7, Shards, TimeSpan.FromMinutes(10))).IsEquivalentTo(plan);
        await Assert.That(FaultPlan.Draw(8, Shards, TimeSpan.FromMinutes(10))).IsNotEquivalentTo(plan);
        await Assert.That(FaultPlan.Names.Except(plan.Select(order => order.Fault))).IsEmpty();
    }

    /// <summary>How many IDENTIFYs beyond one a shard Discord has caused itself.</summary>
    private static long Excuses(DiscordStatistics discord) =>
        discord.SessionsEnded.Values.Sum() + discord.IdentifiesRefusedByReason.Values.Sum() + discord.IdentifiesUnanswered;

    /// <summary>Gives the orders at their times. Answers how often each fault was drawn, and how many connections that hit.</summary>
    private static async Task<Dictionary<string, (int Drawn, int Hits)>> CarryOutAsync(PlannedOrder[] plan, Scenario scenario)
    {
        Dictionary<string, (int Drawn, int Hits)> faults = FaultPlan.Names.ToDictionary(name => name, _ => (0, 0));
        Stopwatch clock = Stopwatch.StartNew();
        using PeriodicTimer timer = new(Tick);
        TimeSpan last = TimeSpan.MinValue;
        foreach (PlannedOrder order in plan)
        {
            while (clock.Elapsed < order.At)
            {
                await timer.WaitForNextTickAsync();
            }
            int hits = await scenario.Sandbox.OrderAsync(order.Order, order.Body);
            if (!order.Lifts)
            {
                (int drawn, int before) = faults[order.Fault];
                faults[order.Fault] = (drawn + (order.At == last ? 0 : 1), before + hits);
                last = order.At;
            }
            if (scenario.Gateway.HasExited)
            {
                throw new InvalidOperationException($"seed {Soak.Seed}: the gateway ended at {order.At} ({order.Fault})\n{scenario.Tails}");
            }
        }
        return faults;
    }

    private static string Table(Dictionary<string, (int Drawn, int Hits)> faults, SandboxStatistics end, GatewayProcess gateway)
    {
        DiscordStatistics discord = end.Discord;
        StringBuilder table = new();
        table.AppendLine($"| fault | drawn | connections hit |\n|---|---:|---:|");
        foreach ((string name, (int drawn, int hits)) in faults)
        {
            table.AppendLine($"| {name} | {drawn} | {(hits == 0 ? "" : hits)} |");
        }
        table.AppendLine($"| all | {faults.Values.Sum(fault => fault.Drawn)} | {faults.Values.Sum(fault => fault.Hits)} |\n");
        table.AppendLine($"| seed {Soak.Seed}{(UsesTls ? ", TLS" : "")}, {Loops} loops, {Soak.Duration.TotalSeconds:0} s, {Shards} shards | |\n|---|---|");
        Row("events made", discord.EventsProduced);
        Row("arrived", $"{end.Ledger.Distinct}, doubled {end.Ledger.Duplicates}, out of order {end.Ledger.OutOfOrder}, altered {end.Ledger.Wrong}");
        Row("replayed by Discord", discord.EventsReplayed);
        Row("lost", end.Ledger.Lost);
        Row("undeliverable: tails of ended sessions", end.Ledger.Undeliverable);
        Row("sessions ended by Discord", $"{discord.SessionsEnded.Values.Sum()} ({DiscordStatistics.Pairs(discord.SessionsEnded)})");
        Row("IDENTIFYs", $"{discord.Identifies}, at most {Shards + Excuses(discord)}: refused {discord.IdentifiesRefusedByReason.Values.Sum()}, "
            + $"unanswered {discord.IdentifiesUnanswered}, needless {discord.IdentifiesNeedless}; pace broken {discord.PacingViolations}");
        Row("RESUMEs", $"{discord.ResumesOk}, refused {discord.ResumesRefused} ({DiscordStatistics.Pairs(discord.RefusedByCode)})");
        Row("connections", $"{discord.ConnectionsTotal} to Discord, {end.Singyeong.ConnectionsTotal} to 신경");
        Row("closed by the gateway with", DiscordStatistics.Pairs(discord.ClientCloses));
        Row("closed by Discord with", DiscordStatistics.Pairs(discord.ServerCloses));
        Row("violations", discord.Violations.Length);
        Row("memory at most", $"{gateway.PeakMemory / 1024.0 / 1024:0.0} MiB");
        return table.ToString();

        void Row(string name, object value) => table.AppendLine($"| {name} | {value} |");
    }
}
