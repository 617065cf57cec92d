using System.Diagnostics;
using System.Text;
using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>
/// Delivery at least once, whatever happens to whom (G1-G10): a known stream over sixteen shards, while the gateway is killed, 신경 cuts or is
/// away, workers vanish and Discord drops sockets, at random. The sandbox counts every event's number. <c>./build.sh soak</c> runs it for longer.
/// </summary>
[NotInParallel]
internal sealed class DeliveryFaultTests
{
    private const int Shards = 16;
    private const int EventsPerSecond = 1_000;

    /// <summary>What a kill or a cut may double, in seconds of load: one until the barrier, one until the store, and their ways.</summary>
    private const double DoubledSeconds = 2.5;

    /// <summary>How often memory is read: so many times in the whole run.</summary>
    private const int MemorySamples = 12;

    // Replay buffers are longer than any absence, else Discord would refuse resumes of its own accord.
    private const string Sandbox =
        "--shards 16 --max-concurrency 16 --heartbeat-interval 1500 --replay-events 200000 --replay-seconds 1800 --compression-level 1";

    private const string Rule = """
        forwarding:
          type: "send"
          unrouted: hold
          holdFor: 1h
          events: ["MESSAGE_CREATE"]
          target:
            application: "sink"
        """;

    private const string Ops = """

            ops:
              - path: "/events"
                op: "$contains"
                to:
                  value: "{{EVENT}}"
        """;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);

    /// <summary>A third of all seeds each: workers are always there, vanish, or vanish while the target has ops.</summary>
    private static readonly bool WorkersVanish = Soak.Seed % 3 != 0;
    private static readonly bool HasOps = Soak.Seed % 3 == 2;

    /// <summary>The shards share one connection to 신경, two, or three.</summary>
    private static readonly int Connections = (Soak.Seed / 3 % 3) + 1;

    /// <summary>Where there are several, half of all seeds split them over two loops.</summary>
    private static readonly int Loops = Connections > 1 && Soak.Seed / 9 % 2 == 1 ? 2 : 1;

    /// <summary>
    /// Where nobody vanishes, Discord forgets what a heartbeat acknowledges. Then heartbeats must wait for what is stored, which they do for
    /// 1,000 events a shard, 16 s of this load (G5): no absence is as long. Elsewhere Discord keeps everything.
    /// </summary>
    private static readonly bool Trims = !WorkersVanish;

    [Test]
    [Category(Soak.Category)]
    public async Task Every_event_arrives_whatever_is_killed_cut_or_away()
    {
        string kind = HasOps ? "workers vanish, target with ops" : WorkersVanish ? "workers vanish" : "workers stay, replay trimmed at heartbeats";
        kind += $", {Connections} of 신경's connections on {Loops} loops";
        Soak.Say($"DeliveryFaultTests: {Soak.Duration.TotalSeconds:0} s, {kind}, SINGATEWAY_SEED={Soak.Seed}");
        PlannedOrder[] plan = Draw(Soak.Seed, Soak.Duration);
        await using Scenario scenario = await Scenario.StartAsync(
            Trims ? $"{Sandbox} --trim-at-heartbeat" : Sandbox,
            new GatewayConfig { Forwarding = HasOps ? Rule + Ops : Rule, Connections = Connections, Loops = Loops });
        await scenario.StartReadyGatewayAsync(Shards);
        await scenario.SessionsAreStoredAsync();
        await scenario.Sandbox.PaceAsync(EventsPerSecond);

        Run run = new(scenario);
        await run.CarryOutAsync(plan);
        await scenario.Sandbox.PaceAsync(0);
        try
        {
            await scenario.HoldsAsync(
                statistics => statistics.Ledger.Missing == 0 && statistics.Discord.IsConnected(Shards), $"nothing is missing (seed {Soak.Seed})", Soak.Deadline);
        }
        finally
        {
            Soak.Say(run.Table(kind, await scenario.Sandbox.StatisticsAsync()));
        }
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);

        SandboxStatistics end = await scenario.Sandbox.StatisticsAsync();
        await Assert.That(end.Ledger.Missing).IsEqualTo(0);
        await Assert.That(end.Ledger.Wrong).IsEqualTo(0);
        if (!WorkersVanish)
        {
            await Assert.That(end.Ledger.OutOfOrder).IsEqualTo(0);
        }
        await Assert.That(end.Ledger.Duplicates).IsLessThan((long)run.MayDouble(end));
        await Assert.That(end.Discord.Identifies).IsEqualTo(Shards);
        await Assert.That(end.Discord.ResumesRefused).IsEqualTo(0);
        await Assert.That(end.Discord.Violations).IsEmpty();
        await Assert.That(end.Discord.SendLimitViolations).IsEqualTo(0);
        await Assert.That(end.Singyeong.ProtocolErrors).IsEqualTo(0);
        await Assert.That(end.Ledger.Distinct).IsGreaterThan((long)(EventsPerSecond * Soak.Duration.TotalSeconds / 2));
    }

    [Test]
    public async Task The_same_seed_draws_the_same_faults()
    {
        PlannedOrder[] plan = Draw(8, TimeSpan.FromMinutes(10));

        await Assert.That(Draw(8, TimeSpan.FromMinutes(10))).IsEquivalentTo(plan);
        await Assert.That(Draw(11, TimeSpan.FromMinutes(10))).IsNotEquivalentTo(plan);
        await Assert.That(plan.Count(order => !order.Lifts)).IsBetween(150, 300);
    }

    private static PlannedOrder[] Draw(int seed, TimeSpan duration) =>
        DeliveryFaultPlan.Draw(seed, Shards, duration, WorkersVanish, TimeSpan.FromSeconds(Trims ? 10 : 20));

    /// <summary>One run of a plan, and what is told of it.</summary>
    private sealed class Run(Scenario scenario)
    {
        private readonly SortedDictionary<string, int> _drawn = new(StringComparer.Ordinal);
        private readonly List<string> _memory = [];
        private readonly Stopwatch _clock = Stopwatch.StartNew();
        private TimeSpan _readAt;
        private bool _isKilled;

        public async Task CarryOutAsync(PlannedOrder[] plan)
        {
            using PeriodicTimer timer = new(Tick);
            foreach (PlannedOrder order in plan)
            {
                while (_clock.Elapsed < order.At)
                {
                    ReadMemory();
                    await timer.WaitForNextTickAsync();
                }
                if (!order.Lifts)
                {
                    _drawn[order.Fault] = _drawn.GetValueOrDefault(order.Fault) + 1;
                }
                await CarryOutAsync(order);
            }
        }

        /// <summary>How many arrivals beyond the first of each number the faults excuse.</summary>
        public double MayDouble(SandboxStatistics end)
        {
            int cuts = _drawn.Where(fault => !fault.Key.StartsWith("Discord", StringComparison.Ordinal) && fault.Key != DeliveryFaultPlan.WorkersVanish)
                .Sum(fault => fault.Value);
            return (cuts + end.Singyeong.Kills) * DoubledSeconds * EventsPerSecond;
        }

        public string Table(string kind, SandboxStatistics end)
        {
            StringBuilder table = new();
            table.AppendLine("| fault | drawn |\n|---|---:|");
            foreach ((string fault, int drawn) in _drawn)
            {
                table.AppendLine($"| {fault} | {drawn} |");
            }
            table.AppendLine($"| all | {_drawn.Values.Sum()} |\n");
            table.AppendLine($"| seed {Soak.Seed}, {kind}, {Soak.Duration.TotalSeconds:0} s, {Shards} shards, {EventsPerSecond} events/s | |\n|---|---|");
            Row("events made", end.Discord.EventsProduced);
            Row("arrived", $"{end.Ledger.Distinct}, doubled {end.Ledger.Duplicates} (at most {MayDouble(end):0}), out of order {end.Ledger.OutOfOrder}");
            Row("lost", end.Ledger.Missing);
            Row("altered", end.Ledger.Wrong);
            Row("replayed by Discord", end.Discord.EventsReplayed);
            Row("IDENTIFYs, RESUMEs", $"{end.Discord.Identifies}, {end.Discord.ResumesOk} (refused {end.Discord.ResumesRefused})");
            Row("connections to 신경", $"{end.Singyeong.ConnectionsTotal}, closed with 1011 for a no_route: {end.Singyeong.Kills}");
            Row("resident memory over time, MiB", string.Join(' ', _memory));
            return table.ToString();

            void Row(string name, object value) => table.AppendLine($"| {name} | {value} |");
        }

        private async Task CarryOutAsync(PlannedOrder order)
        {
            if (scenario.Gateway.HasExited && !_isKilled)
            {
                throw new InvalidOperationException($"seed {Soak.Seed}: the gateway ended by itself before {order.At} ({order.Fault})\n{scenario.Tails}");
            }
            switch (order.Order)
            {
                case DeliveryFaultPlan.Kill:
                    _isKilled = true;
                    await scenario.Gateway.KillAsync();
                    break;
                case DeliveryFaultPlan.Restart when _isKilled:
                    scenario.StartGateway();
                    _isKilled = false;
                    break;
                case DeliveryFaultPlan.Restart:
                    break;
                default:
                    await scenario.Sandbox.OrderAsync(order.Order);
                    break;
            }
        }

        private void ReadMemory()
        {
            if (_clock.Elapsed >= _readAt && scenario.Gateway.Memory is { } bytes)
            {
                _memory.Add($"{bytes / 1024.0 / 1024:0}");
                _readAt += Soak.Duration / MemorySamples;
            }
        }
    }
}
