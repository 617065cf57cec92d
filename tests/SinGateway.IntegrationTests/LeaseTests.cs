using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>
/// Several processes of one bot under load: one forwards for a shard at a time, whatever is killed, stopped or away, and the sessions
/// go on (G18-G21).
/// </summary>
[ParallelLimiter<FewAtATime>]
internal sealed class LeaseTests
{
    private const int Shards = 4;
    private const int Pace = 400;

    // What a heartbeat has acknowledged is forgotten, so that a takeover which resumed from too late would lose events.
    private const string Sandbox = "--shards 4 --max-concurrency 4 --trim-at-heartbeat --heartbeat-interval 2000 --compression-level 1";

    /// <summary>Far beyond what a takeover takes on the slowest machine; G18 promises some 15 s.</summary>
    private static readonly TimeSpan TakeoverDeadline = TimeSpan.FromSeconds(60);

    [Test]
    public async Task A_standby_takes_over_from_a_killed_holder_under_load()
    {
        await using Scenario scenario = await StartAsync();
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        GatewayProcess holder = await HolderAsync(scenario, redis);
        GatewayProcess standby = await StandbyAsync(scenario, redis, holder);
        SandboxStatistics before = await scenario.Sandbox.StatisticsAsync();
        await Assert.That(before.Singyeong.ConnectionsTotal).IsEqualTo(1).Because("a standby connects to nobody");
        await Assert.That(before.Discord.ConnectionsTotal).IsEqualTo(Shards);
        await Assert.That(before.Discord.RestRequests).IsEqualTo(1);

        long killed = Environment.TickCount64;
        await holder.KillAsync();
        await scenario.HoldsAsync(
            statistics => statistics.Singyeong.Takeovers >= Shards && statistics.Discord.IsConnected(Shards), "the standby forwards for every shard", TakeoverDeadline);
        Soak.Say($"takeover from a killed holder: {Environment.TickCount64 - killed} ms until the last shard forwards again");

        await NothingIsLostAsync(scenario, takeovers: 1);
        await Assert.That(await standby.TerminateAsync()).IsEqualTo(0);
    }

    [Test]
    [Arguments(1)]
    [Arguments(2)]
    public async Task A_holder_that_is_stopped_for_30_s_forwards_nothing_when_it_wakes(int loops)
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, new GatewayConfig { Connections = loops, Loops = loops });
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        GatewayProcess holder = await HolderAsync(scenario, redis);
        GatewayProcess standby = await StandbyAsync(scenario, redis, holder);

        long stopped = Environment.TickCount64;
        holder.Stop();
        await scenario.HoldsAsync(statistics => statistics.Singyeong.Takeovers >= Shards, "the standby forwards for every shard", TakeoverDeadline);
        await Eventually.HoldsAsync(() => Environment.TickCount64 - stopped >= 30_000, "30 s have passed");
        holder.Continue();
        await Eventually.HoldsAsync(
            () => holder.Errors.Contains($"is held by process {standby.Id}", StringComparison.Ordinal), "the old holder is the standby now", () => scenario.Tails);
        await Assert.That(holder.Errors).Contains("This process stood still for").And.Contains("The lease of cluster 0 is lost");

        await NothingIsLostAsync(scenario, takeovers: 1);
        scenario.Gateway = holder;
        standby.Terminate();
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk >= 2 * Shards && statistics.Discord.IsConnected(Shards), "the first one takes over again");
        await NothingIsLostAsync(scenario, takeovers: 2);
        await Assert.That(await holder.TerminateAsync()).IsEqualTo(0);
    }

    [Test]
    public async Task A_spool_that_a_stopped_holder_still_has_is_waited_for()
    {
        await using Scenario scenario = await StartAsync();
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        string spool = $"spool: {{ directory: {Directory.CreateDirectory(scenario.File("spool")).FullName} }}";
        GatewayProcess holder = await HolderAsync(scenario, redis, spool);
        GatewayProcess standby = await StandbyAsync(scenario, redis, holder, spool);

        holder.Stop();
        await Eventually.HoldsAsync(
            () => standby.Errors.Contains("the lease is given back, and taken again when the spool is free", StringComparison.Ordinal), "the standby says so", () => scenario.Tails);
        await Assert.That(standby.HasExited).IsFalse();
        holder.Continue();
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk >= Shards && statistics.Discord.IsConnected(Shards), "one of them resumes", TakeoverDeadline);
        await NothingIsLostAsync(scenario, takeovers: null);
    }

    [Test]
    public async Task Redis_away_for_20_s_costs_nothing_and_moves_nothing()
    {
        // A machine that stands still for two seconds must not cost a heartbeat's ack, and with it a RESUME.
        await using Scenario scenario = await StartAsync(heartbeatInterval: 10_000);
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync("--appendonly", "yes"));
        GatewayProcess holder = await HolderAsync(scenario, redis);
        await StandbyAsync(scenario, redis, holder);

        await redis.StopAsync();
        long stopped = Environment.TickCount64;
        await Eventually.HoldsAsync(() => Environment.TickCount64 - stopped >= 20_000, "20 s have passed");
        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Discord.IsConnected(Shards)).IsTrue();
        await redis.RunAsync();
        await Eventually.HoldsAsync(() => redis.Get("cluster:0:holder") is not null, "the holder writes its lease again", () => scenario.Tails);
        long back = Environment.TickCount64;
        await Eventually.HoldsAsync(() => Environment.TickCount64 - back >= 10_000, "the standby had its time");

        SandboxStatistics end = await NothingIsLostAsync(scenario, takeovers: 0);
        await Assert.That(end.Discord.ResumesOk).IsEqualTo(0);
        await Assert.That(redis.Get("cluster:0:holder")).Contains($":{holder.Id}:");
    }

    [Test]
    public async Task A_strict_process_closes_its_shards_without_Redis_and_resumes_them_with_it()
    {
        await using Scenario scenario = await StartAsync();
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync("--appendonly", "yes"));
        GatewayProcess holder = await HolderAsync(scenario, redis, "clustering: { strict: true }");

        await redis.StopAsync();
        await scenario.HoldsAsync(statistics => statistics.Discord.Connections == 0 && statistics.Singyeong.Connections == 0, "no shard and no 신경 is connected");
        await holder.SaysAsync("it could not be renewed for 8 s");
        await redis.RunAsync();
        await scenario.HoldsAsync(statistics => statistics.Discord.IsConnected(Shards) && statistics.Discord.ResumesOk == Shards, "all shards resume", TakeoverDeadline);

        SandboxStatistics end = await NothingIsLostAsync(scenario, takeovers: 1);
        await Assert.That(end.Discord.ClientCloses.Keys).IsEquivalentTo([4000]);
        await Assert.That(await holder.TerminateAsync()).IsEqualTo(0);
    }

    [Test]
    public async Task A_rolling_restart_of_three_clusters_costs_no_IDENTIFY()
    {
        const int Clusters = 3, ShardsOfAll = 6;
        await using Scenario scenario = await Scenario.StartAsync(Sandbox.Replace("--shards 4 --max-concurrency 4", "--shards 6 --max-concurrency 6", StringComparison.Ordinal));
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        string yaml = (scenario.Config with { RedisDsn = redis.Dsn, More = "clustering: { enabled: true, clusterCount: 3, clusterShards: 2 }" }).ToYaml(scenario.Sandbox);
        GatewayProcess[] running = [.. Enumerable.Range(0, Clusters).Select(cluster => scenario.StartGateway(yaml, "--cluster", $"name-{cluster}"))];
        await scenario.HoldsAsync(statistics => statistics.Discord.IsConnected(ShardsOfAll), "all clusters are ready");
        await scenario.Sandbox.PaceAsync(Pace);
        await StoredAsync(scenario, redis, ShardsOfAll);
        await BeatAsync(scenario, ShardsOfAll);

        for (int round = 1; round <= 2; round++)
        {
            for (int cluster = 0; cluster < Clusters; cluster++)
            {
                GatewayProcess old = running[cluster];
                running[cluster] = scenario.StartGateway(yaml, "--cluster", $"name-{cluster}");
                await WaitsForAsync(scenario, running[cluster], old, $"cluster {cluster}");
                long resumes = (await scenario.Sandbox.StatisticsAsync()).Discord.ResumesOk;
                long stopped = Environment.TickCount64;
                Task<int> ends = old.TerminateAsync();
                await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk >= resumes + 2 && statistics.Discord.IsConnected(ShardsOfAll), "the new process resumes");
                Soak.Say($"takeover from a holder that was asked to stop: {Environment.TickCount64 - stopped} ms until both shards are back");
                await Assert.That(await ends).IsEqualTo(0);
                await running[cluster].SaysAsync("holds the lease of");
                await Assert.That(running[cluster].Errors).DoesNotContain("this process starts it in").Because("a clean stop leaves nothing to wait for");
            }
        }

        await NothingIsLostAsync(scenario, takeovers: 2, ShardsOfAll);
    }

    [Test]
    public async Task Processes_that_take_any_cluster_take_different_ones_and_the_last_stands_by_for_all()
    {
        await using Scenario scenario = await StartAsync();
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        string yaml = (scenario.Config with { RedisDsn = redis.Dsn, More = "clustering: { enabled: true, clusterCount: 2, clusterShards: 2 }" }).ToYaml(scenario.Sandbox);
        scenario.Environment["SINGATEWAY_CLUSTER"] = "auto";
        GatewayProcess[] all = [scenario.StartGateway(yaml), scenario.StartGateway(yaml, "--cluster", "auto"), scenario.StartGateway(yaml)];
        await scenario.HoldsAsync(statistics => statistics.Discord.IsConnected(Shards), "both clusters are ready");
        await Eventually.HoldsAsync(
            () => all.Count(gateway => gateway.Errors.Contains("all 2 clusters are held by other processes", StringComparison.Ordinal)) == 1,
            "one process is left over, and says so", () => scenario.Tails);
        await scenario.Sandbox.PaceAsync(Pace);
        await StoredAsync(scenario, redis, Shards);
        await BeatAsync(scenario, Shards);

        GatewayProcess holder = all.First(gateway => gateway.Errors.Contains("holds the lease of cluster 1", StringComparison.Ordinal));
        scenario.Gateway = all.First(gateway => gateway != holder);
        await holder.KillAsync();
        await Eventually.HoldsAsync(
            () => all.Count(gateway => gateway.Errors.Contains("holds the lease of cluster 1", StringComparison.Ordinal)) == 2, "the one left over takes it", () => scenario.Tails);
        SandboxStatistics end = await NothingIsLostAsync(scenario, takeovers: null);
        await Assert.That(end.Singyeong.Takeovers).IsEqualTo(2).Because("the shards of cluster 1 moved, those of cluster 0 did not");
    }

    [Test]
    public async Task One_that_takes_any_cluster_takes_another_while_the_spool_of_the_first_is_held()
    {
        await using Scenario scenario = await StartAsync();
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        string spool = scenario.File("spool");
        string first = Directory.CreateDirectory(Path.Combine(spool, "cluster-0")).FullName;
        using FileStream held = new(Path.Combine(first, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        string more = $"clustering: {{ enabled: true, clusterCount: 2, clusterShards: 2 }}\nspool: {{ directory: {spool} }}";
        string yaml = (scenario.Config with { RedisDsn = redis.Dsn, More = more }).ToYaml(scenario.Sandbox);

        await scenario.StartGateway(yaml, "--cluster", "auto").SaysAsync("All 2 shards are ready");
        await Assert.That(scenario.Gateway.Errors).Contains("holds the lease of cluster 0").And.Contains("holds the lease of cluster 1");

        held.Dispose();
        await scenario.StartGateway(yaml, "--cluster", "auto").SaysAsync("All 2 shards are ready");
        await scenario.HoldsAsync(statistics => statistics.Discord.IsConnected(Shards), "both clusters are ready");
    }

    [Test]
    public async Task Without_standby_a_second_process_exits_with_5_and_names_the_holder()
    {
        await using Scenario scenario = await StartAsync();
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        GatewayProcess holder = await HolderAsync(scenario, redis);
        GatewayProcess second = scenario.StartGateway((scenario.Config with { RedisDsn = redis.Dsn }).ToYaml(scenario.Sandbox), "--no-standby");
        await Assert.That(await second.WaitForExitAsync()).IsEqualTo(5);
        await Assert.That(second.LastLine).Contains($"process {holder.Id} on {Environment.MachineName}").And.Contains("--no-standby");
    }

    [Test]
    public async Task Two_bots_under_one_prefix_are_an_error_that_names_redisPrefix()
    {
        await using Scenario scenario = await StartAsync();
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        await HolderAsync(scenario, redis);
        GatewayConfig other = scenario.Config with { RedisDsn = redis.Dsn, Token = "MjAwMDAwMDAwMDAwMDAwMDAwMg.sandbox.a-secret-that-is-never-shown" };
        GatewayProcess second = scenario.StartGateway(other.ToYaml(scenario.Sandbox));
        await Assert.That(await second.WaitForExitAsync()).IsEqualTo(2);
        await Assert.That(second.LastLine).Contains("redisPrefix").And.Contains("bot 1000000000000000001").And.Contains("bot 2000000000000000002");
        await Assert.That(second.Errors).DoesNotContain("secret");
    }

    [Test]
    public async Task A_first_start_says_that_it_waits_and_a_restart_does_not_wait()
    {
        await using Scenario scenario = await StartAsync();
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        GatewayProcess first = await HolderAsync(scenario, redis);
        await Assert.That(first.Errors).Contains("nobody holds this bot; this process starts it in 8 s");
        await Assert.That(await first.TerminateAsync()).IsEqualTo(0);
        GatewayProcess second = scenario.StartGateway((scenario.Config with { RedisDsn = redis.Dsn }).ToYaml(scenario.Sandbox));
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk == Shards, "all shards resume");
        await second.SaysAsync("holds the lease of");
        await Assert.That(second.Errors).DoesNotContain("Waiting");
    }

    private static Task<Scenario> StartAsync(int heartbeatInterval = 2000) =>
        Scenario.StartAsync(Sandbox.Replace("--heartbeat-interval 2000", $"--heartbeat-interval {heartbeatInterval}", StringComparison.Ordinal));

    /// <summary>A process that runs the bot, with every session stored, under load.</summary>
    private static async Task<GatewayProcess> HolderAsync(Scenario scenario, RedisServer redis, string more = "")
    {
        GatewayProcess holder = scenario.StartGateway((scenario.Config with { RedisDsn = redis.Dsn, More = more }).ToYaml(scenario.Sandbox));
        await scenario.HoldsAsync(statistics => statistics.Discord.IsConnected(Shards), "all shards are ready");
        await scenario.Sandbox.PaceAsync(Pace);
        await StoredAsync(scenario, redis, Shards);

        await BeatAsync(scenario, Shards);
        return holder;
    }

    private static async Task<GatewayProcess> StandbyAsync(Scenario scenario, RedisServer redis, GatewayProcess holder, string more = "")
    {
        GatewayProcess standby = scenario.StartGateway((scenario.Config with { RedisDsn = redis.Dsn, More = more }).ToYaml(scenario.Sandbox));
        await WaitsForAsync(scenario, standby, holder, "this bot");
        return standby;
    }

    private static Task WaitsForAsync(Scenario scenario, GatewayProcess standby, GatewayProcess holder, string what) => Eventually.HoldsAsync(
        () => standby.Errors.Contains($"{what} is held by process {holder.Id} on {Environment.MachineName}; this process is its standby", StringComparison.Ordinal),
        "the standby says whom it waits for", () => scenario.Tails);

    /// <summary>A heartbeat from before the first save may have acknowledged more than what is stored by now; after this, none has.</summary>
    private static async Task BeatAsync(Scenario scenario, int shards)
    {
        long beats = (await scenario.Sandbox.StatisticsAsync()).Discord.Heartbeats;
        await scenario.HoldsAsync(statistics => statistics.Discord.Heartbeats >= beats + (2 * shards), "every shard sends heartbeats");
    }

    private static Task StoredAsync(Scenario scenario, RedisServer redis, int shards) => Eventually.HoldsAsync(
        () => Enumerable.Range(0, shards).All(shard => long.TryParse(redis.Get($"shard:{shard}:seq"), out long seq) && seq > 0),
        "every session is stored with a seq", () => scenario.Tails);

    /// <summary>Ends the load; then all of it has arrived, each shard had one owner at a time and needed one IDENTIFY in its life.</summary>
    private static async Task<SandboxStatistics> NothingIsLostAsync(Scenario scenario, int? takeovers, int shards = Shards)
    {
        // A second of load after what was tested, so that whoever wrongly forwards is seen.
        long before = (await scenario.Sandbox.StatisticsAsync()).Ledger.Distinct;
        await scenario.HoldsAsync(statistics => statistics.Ledger.Distinct >= before + Pace, "a second's load arrives");
        await scenario.Sandbox.PaceAsync(0);
        SandboxStatistics end = await scenario.EverythingArrivesAsync();
        await scenario.Sandbox.PaceAsync(Pace);
        await Assert.That(end.Singyeong.OwnedTwice).IsEqualTo(0);
        await Assert.That(end.Discord.Identifies).IsEqualTo(shards);
        await Assert.That(end.Discord.ResumesRefused).IsEqualTo(0);
        await Assert.That(end.Ledger.Wrong).IsEqualTo(0);
        if (takeovers is { } times)
        {
            await Assert.That(end.Singyeong.Takeovers).IsEqualTo(times * (long)shards);
        }
        return end;
    }
}
