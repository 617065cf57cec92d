using System.Text.Json;
using SinGateway.IntegrationTests.Fixtures;
using SinGateway.Tests.Spooling;

namespace SinGateway.IntegrationTests;

/// <summary>
/// What the outbox has no room for goes to the disk (G13, G14): 신경 may be away, the gateway may be stopped or killed meanwhile, and nothing is
/// lost. <c>./build.sh soak</c> has 신경 away for longer, with the usual outbox.
/// </summary>
[ParallelLimiter<FewAtATime>]
internal sealed class SpoolTests
{
    private const long Mebi = 1 << 20;
    private const int Shards = 4;
    private const int EventsPerSecond = 1_000;
    private const string Sandbox = "--shards 4 --max-concurrency 4 --compression-level 1 --replay-events 1000000 --replay-seconds 36000";

    private const string Spool = "spool:\n  directory: .";

    /// <summary>Room for an hour of the load; the usual size lasts six minutes.</summary>
    private const string LargeSpool = $"{Spool}\n  maxSize: 10GiB";

    /// <summary>What the gateway says when it begins to use the spool.</summary>
    private const string InUse = "Events go to the spool";

    private static readonly GatewayConfig Small = new() { Outbox = "2MiB", More = Spool };

    [Test]
    [Category(Soak.Category)]
    public async Task An_absence_loses_nothing_closes_no_shard_and_takes_no_more_memory_than_the_outbox()
    {
        bool isLong = Soak.Duration > TimeSpan.FromMinutes(2);
        Absence absence = await Absence.RunAsync(isLong ? new GatewayConfig { More = LargeSpool } : Small, Soak.Duration, InUse);
        Soak.Say(absence.Describe($"SpoolTests, {Soak.Duration.TotalSeconds:0} s, outbox of {(isLong ? 32 : 2)} MiB"));

        SandboxStatistics end = absence.End;
        await Assert.That(absence.Lost).IsEqualTo(0);
        await Assert.That(end.Ledger.Missing).IsEqualTo(0);
        await Assert.That(end.Ledger.Wrong).IsEqualTo(0);
        await Assert.That(end.Ledger.OutOfOrder).IsEqualTo(0);
        await Assert.That(end.Discord.Identifies).IsEqualTo(Absence.Shards);
        await Assert.That(end.Discord.SessionsEnded).IsEmpty();
        await Assert.That(end.Discord.ResumesRefused).IsEqualTo(0);
        await Assert.That(end.Discord.HeartbeatTimeouts).IsEqualTo(0);
        await Assert.That(end.Discord.Violations).IsEmpty();
        await Assert.That(end.Discord.ClientCloses.Values.Sum()).IsEqualTo(Absence.Shards).Because("at the stop, and never before");
        await Assert.That(absence.Growth).IsLessThan((isLong ? 32 : 2) * Mebi);
    }

    [Test]
    [Arguments(false)]
    [Arguments(true)]
    public async Task A_kill_in_the_middle_of_an_absence_loses_nothing(bool withRedis)
    {
        RedisServer? redis = withRedis ? await RedisServer.StartAsync() : null;
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, Small with { RedisDsn = redis?.Dsn });
        if (redis is not null)
        {
            scenario.Owned(redis);
        }

        await StartAbsenceAsync(scenario);
        for (int kills = 1; kills <= 2; kills++)
        {
            await scenario.Gateway.KillAsync();
            scenario.StartGateway();
            await scenario.HoldsAsync(
                statistics => statistics.Discord.ResumesOk >= kills * Shards && statistics.Discord.IsConnected(Shards), "all shards have resumed");
            await ProduceAsync(scenario, 3 * EventsPerSecond);
        }

        await EndAbsenceAsync(scenario);
        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Discord.ResumesRefused).IsEqualTo(0);
    }

    [Test]
    [Arguments(1)]
    [Arguments(3)]
    public async Task What_a_stopped_gateway_left_is_forwarded_by_the_next_however_many_connections_it_has(int connections)
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, Small);
        await StartAbsenceAsync(scenario);
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);

        scenario.StartGateway((scenario.Config with { Connections = connections }).ToYaml(scenario.Sandbox));
        await scenario.HoldsAsync(statistics => statistics.Discord.IsConnected(Shards), "all shards have resumed");
        await scenario.Gateway.SaysAsync("are left from before and are forwarded first");
        await ProduceAsync(scenario, EventsPerSecond);
        await EndAbsenceAsync(scenario);
    }

    [Test]
    public async Task A_disk_that_is_full_holds_shards_back_and_loses_nothing()
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, Small with { WhenFull = "close", More = "spool:\n  directory: small" });
        using SmallFileSystem? disk = SmallFileSystem.TryMount(scenario.File("small"), kibibytes: 3 * 1024);
        Skip.When(disk is null, "this user may not mount a tmpfs");
        await StartAbsenceAsync(scenario, produces: false);
        await scenario.Gateway.SaysAsync("cannot be written");
        await scenario.Gateway.SaysAsync("shards close their connections, keep their sessions");
        await EndAbsenceAsync(scenario);
        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Ledger.OutOfOrder).IsEqualTo(0);
    }

    [Test]
    public async Task Messages_that_wait_for_a_worker_for_long_survive_a_kill_on_disk_and_are_not_asked_of_Discord_again()
    {
        const int Burst = 200;
        GatewayConfig config = new()
        {
            Forwarding = """
                forwarding:
                  - type: "send"
                    holdFor: 10m
                    target:
                      application: "worker"
                    events: ["MESSAGE_CREATE"]
                """,
            More = Spool,
        };
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, config);
        await scenario.StartReadyGatewayAsync(Shards);
        await scenario.Sandbox.BurstAsync(Burst);
        await scenario.Gateway.SaysAsync("finds no receiver in application worker");
        Dictionary<int, long> seqs = (await scenario.Sandbox.StatisticsAsync()).Discord.Shards.ToDictionary(shard => shard.Shard, shard => shard.Seq);
        await Eventually.HoldsAsync(
            () => StoredSeqs(scenario).OrderBy(pair => pair.Key).SequenceEqual(seqs.OrderBy(pair => pair.Key)),
            "every event of every shard is committed, though none is delivered",
            () => scenario.Tails);
        await scenario.Gateway.KillAsync();

        WorkerClient worker = scenario.Owned(await WorkerClient.ConnectAsync(scenario.Sandbox, ["MESSAGE_CREATE"]));
        scenario.StartGateway();
        await Eventually.HoldsAsync(() => worker.Messages.Count == Burst * Shards, "the worker gets every message", () => $"{worker.Explain}\n{scenario.Tails}");
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);
        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Discord.EventsReplayed).IsEqualTo(0);
    }

    [Test]
    [Arguments("json")]
    [Arguments("msgpack")]
    [Arguments("etf")]
    public async Task An_event_on_which_the_server_fails_is_kept_in_the_poison_directory(string encoding)
    {
        const int Burst = 100;
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, new GatewayConfig { Encoding = encoding, More = Spool });
        await scenario.StartReadyGatewayAsync(Shards);
        await scenario.Sandbox.OrderAsync("/singyeong/poison?shard=2&number=77");

        await scenario.Sandbox.BurstAsync(Burst);
        await scenario.HoldsAsync(statistics => statistics.Ledger.Distinct == (Burst * Shards) - 1, "all but the poison has arrived");
        await scenario.Gateway.SaysAsync("kept in the spool's poison directory, not delivered");
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);

        string[] kept = Directory.GetFiles(Path.Combine(scenario.File("cluster-0"), "poison"));
        await Assert.That(kept).HasSingleItem();
        string[] lines = File.ReadAllText(kept[0]).Split('\n');
        await Assert.That(lines[0]).StartsWith("shard=2 seq=").And.Contains("reason=신경 has failed on it or refused it 3 times");
        await Assert.That(lines[1]).StartsWith("{").And.Contains("\"MESSAGE_CREATE\"");
    }

    [Test]
    public async Task A_second_process_on_the_same_directory_exits_with_5()
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, Small);
        await scenario.StartReadyGatewayAsync(Shards);
        GatewayProcess first = scenario.Gateway;

        GatewayProcess second = scenario.StartGateway(scenario.Config.ToYaml(scenario.Sandbox).Replace("singateway.state", "other.state", StringComparison.Ordinal));
        await Assert.That(await second.WaitForExitAsync()).IsEqualTo(5);
        await Assert.That(second.LastLine).Contains("is held by another process");
        await Assert.That(await first.TerminateAsync()).IsEqualTo(0);
    }

    [Test]
    public async Task A_directory_that_is_not_there_is_said_before_anything_connects()
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, Small with { More = "spool:\n  directory: nowhere" });
        scenario.StartGateway();

        await Assert.That(await scenario.Gateway.WaitForExitAsync()).IsEqualTo(2);
        await Assert.That(scenario.Gateway.LastLine).Contains("nowhere/cluster-0 cannot be used").And.Contains("set spool.directory to an existing directory");
        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Discord.ConnectionsTotal).IsEqualTo(0);
    }

    /// <summary>A gateway under load, 신경 away, and the spool in use for a few seconds.</summary>
    private static async Task StartAbsenceAsync(Scenario scenario, bool produces = true)
    {
        await scenario.StartReadyGatewayAsync(Shards);
        if (scenario.Config.RedisDsn is null)
        {
            await scenario.SessionsAreStoredAsync();
        }

        await scenario.Sandbox.PaceAsync(EventsPerSecond);
        await scenario.HoldsAsync(statistics => statistics.Ledger.Distinct >= 2 * EventsPerSecond, "the load runs");
        await scenario.Sandbox.OrderAsync("/singyeong/stop");
        await scenario.Gateway.SaysAsync(InUse);
        if (produces)
        {
            await ProduceAsync(scenario, 4 * EventsPerSecond);
        }
    }

    private static async Task EndAbsenceAsync(Scenario scenario)
    {
        await scenario.Sandbox.OrderAsync("/singyeong/start");
        await scenario.HoldsAsync(statistics => statistics.Singyeong.Has("gateway") && statistics.Discord.IsConnected(Shards), "신경 and every shard are back", Soak.Deadline);
        await scenario.Sandbox.PaceAsync(0);
        SandboxStatistics end = await scenario.HoldsAsync(statistics => statistics.Ledger.Missing == 0, "nothing is missing", Soak.Deadline);
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);
        await Assert.That(end.Ledger.Wrong).IsEqualTo(0);
        await Assert.That(end.Discord.Identifies).IsEqualTo(Shards);
        await Assert.That(end.Discord.SessionsEnded).IsEmpty();
        await Assert.That(end.Discord.Violations).IsEmpty();
        await Assert.That(end.Singyeong.ProtocolErrors).IsEqualTo(0);
    }

    private static async Task ProduceAsync(Scenario scenario, int events)
    {
        long before = (await scenario.Sandbox.StatisticsAsync()).Discord.EventsProduced;
        await scenario.HoldsAsync(statistics => statistics.Discord.EventsProduced >= before + events, $"{events} more events have happened");
    }

    /// <summary>By shard, what the state file says that a restart resumes from.</summary>
    private static Dictionary<int, long> StoredSeqs(Scenario scenario)
    {
        using JsonDocument state = JsonDocument.Parse(File.ReadAllBytes(scenario.File("singateway.state")));
        return state.RootElement.GetProperty("sessions").EnumerateArray()
            .ToDictionary(session => session.GetProperty("shard_id").GetInt32(), session => session.GetProperty("seq").GetInt64());
    }
}
