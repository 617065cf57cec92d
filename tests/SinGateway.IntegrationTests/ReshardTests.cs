using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>Changing over from one shard count to another while events flow (G23).</summary>
[ParallelLimiter<FewAtATime>]
internal sealed class ReshardTests
{
    private const string Muted = "--muted-until-ready";
    private const int Pace = 300;

    // Guilds of each stream belong to two shards of eight.
    private const string Sandbox = "--shards 4 --max-concurrency 4 --guilds 6 --compression-level 1";

    [Test]
    public async Task From_4_shards_to_8_under_load_and_back_nothing_is_lost()
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox);
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        GatewayProcess[] four = [.. Enumerable.Range(0, 2).Select(cluster => Start(scenario, redis, 2, 2, cluster))];
        await IsForwardingAsync(scenario, 4);
        GatewayProcess standby = Start(scenario, redis, 2, 2, 0);
        await Eventually.HoldsAsync(() => standby.Errors.Contains("is its standby", StringComparison.Ordinal), "it stands by", () => scenario.Tails);
        await Assert.That(redis.Get("generation:active")).IsEqualTo("4");
        await Eventually.HoldsAsync(() => redis.Get("shard:0:session_id") is not null, "sessions are stored without a prefix", () => scenario.Tails);
        await scenario.Sandbox.PaceAsync(Pace);

        GatewayProcess[] eight = [.. Enumerable.Range(0, 2).Select(cluster => Start(scenario, redis, 2, 4, cluster, Muted))];
        await EndsAsync([.. four, standby]);
        await Assert.That(standby.Errors).Contains("This standby is not needed any more");
        SandboxStatistics after = await NothingIsLostAsync(scenario, identifies: 12);
        await Assert.That(after.Discord.ClientCloses.GetValueOrDefault(1000)).IsEqualTo(4);
        await Assert.That(after.Discord.Sessions).IsEqualTo(8);
        await Assert.That(redis.Get("generation:active")).IsEqualTo("8");
        await Assert.That(redis.Keys.Where(key => key.StartsWith("shard:", StringComparison.Ordinal))).IsEmpty();

        // The same command line serves from then on: the flag means nothing any more, and the sessions are resumed.
        await scenario.Sandbox.PaceAsync(Pace);
        await Assert.That(await eight[0].TerminateAsync()).IsEqualTo(0);
        eight[0] = Start(scenario, redis, 2, 4, 0, Muted);
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk >= 4, "the restarted process resumes");
        await NothingIsLostAsync(scenario, identifies: 12);

        await scenario.Sandbox.PaceAsync(Pace);
        Start(scenario, redis, 1, 4, 0, Muted);
        await EndsAsync(eight);
        await NothingIsLostAsync(scenario, identifies: 16);
        await Assert.That(redis.Get("generation:active")).IsEqualTo("4");
        await Eventually.HoldsAsync(() => redis.Get("shard:0:session_id") is not null, "sessions are stored without a prefix", () => scenario.Tails);
    }

    [Test]
    [Arguments(1)]
    [Arguments(2)]
    public async Task Without_clustering_the_shard_count_is_changed_in_the_same_way(int loops)
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, new GatewayConfig { Connections = loops, Loops = loops });
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        GatewayConfig config = scenario.Config with { RedisDsn = redis.Dsn };
        GatewayProcess four = scenario.StartGateway(config.ToYaml(scenario.Sandbox));
        await IsForwardingAsync(scenario, 4);
        await scenario.Sandbox.PaceAsync(Pace);

        string eightYaml = config.ToYaml(scenario.Sandbox).Replace("discord:\n", "discord:\n  shardCount: 8\n", StringComparison.Ordinal);
        GatewayProcess refused = scenario.StartGateway(eightYaml);
        await Assert.That(await refused.WaitForExitAsync()).IsEqualTo(2);
        await Assert.That(refused.LastLine).Contains("4 shards").And.Contains("discord.shardCount is 8").And.Contains(Muted);

        scenario.StartGateway(eightYaml, Muted);
        await EndsAsync([four]);
        await NothingIsLostAsync(scenario, identifies: 12);
    }

    [Test]
    public async Task What_is_started_with_another_count_and_no_flag_exits_with_2()
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox);
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        GatewayProcess four = Start(scenario, redis, 1, 4, 0);
        await IsForwardingAsync(scenario, 4);

        GatewayProcess refused = Start(scenario, redis, 2, 4, 0);
        await Assert.That(await refused.WaitForExitAsync()).IsEqualTo(2);
        await Assert.That(refused.LastLine).Contains("4 shards").And.Contains("clustering.clusterCount × clusterShards is 8").And.Contains(Muted);
        scenario.Gateway = four;
        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Discord.Identifies).IsEqualTo(4);
    }

    [Test]
    public async Task Too_few_session_starts_for_all_new_shards_and_the_reserve_exit_with_2()
    {
        // 10 are the reserve: 4 for the first ones, and 3 of the 8 that the second ones need.
        await using Scenario scenario = await Scenario.StartAsync($"{Sandbox} --session-limit-total 100 --session-limit-remaining 21");
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        GatewayProcess four = Start(scenario, redis, 1, 4, 0);
        await IsForwardingAsync(scenario, 4);

        GatewayProcess refused = Start(scenario, redis, 2, 4, 0, Muted);
        await Assert.That(await refused.WaitForExitAsync()).IsEqualTo(2);
        await Assert.That(refused.LastLine).Contains("8 IDENTIFYs").And.Contains("10 are kept in reserve").And.Contains("17 more");
        scenario.Gateway = four;
        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Discord.Identifies).IsEqualTo(4);
    }

    [Test]
    public async Task Nobody_changes_over_while_one_of_the_new_processes_is_missing_or_Redis_is_away()
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox);
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync("--appendonly", "yes"));
        GatewayProcess four = Start(scenario, redis, 1, 4, 0);
        await IsForwardingAsync(scenario, 4);
        await scenario.Sandbox.PaceAsync(Pace);
        GatewayProcess first = Start(scenario, redis, 2, 4, 0, Muted);
        await Eventually.HoldsAsync(() => first.Errors.Contains("these shards are ready; cluster 1", StringComparison.Ordinal), "it waits for the other", () => scenario.Tails);

        // Sessions are saved once a second; one that was not saved yet could not be resumed after the kill below.
        await Eventually.HoldsAsync(
            () => Enumerable.Range(0, 4).All(shard => redis.Get($"gen:8:shard:{shard}:session_id") is not null),
            "its sessions are stored",
            () => scenario.Tails);
        await redis.StopAsync();
        long stopped = Environment.TickCount64;
        await Eventually.HoldsAsync(() => Environment.TickCount64 - stopped >= 10_000, "10 s have passed");
        await redis.RunAsync();
        await Assert.That(four.HasExited).IsFalse();
        await Assert.That(first.Errors).DoesNotContain("forward from now on");

        // A muted process that is killed is muted when it comes back, and resumes.
        await first.KillAsync();
        first = Start(scenario, redis, 2, 4, 0, Muted);
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk == 4, "it resumes");
        await first.SaysAsync("Muted: another generation forwards");

        // Called off, and begun again.
        await Assert.That(await first.TerminateAsync()).IsEqualTo(0);
        scenario.Gateway = four;
        await scenario.HoldsAsync(statistics => statistics.Singyeong.Clients.Count(client => client.App == "gateway") == 1, "the old one is alone");
        first = Start(scenario, redis, 2, 4, 0, Muted);
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk == 8, "it resumes again");
        GatewayProcess second = Start(scenario, redis, 2, 4, 1, Muted);
        await EndsAsync([four]);
        await NothingIsLostAsync(scenario, identifies: 12);
        await Assert.That(await first.TerminateAsync()).IsEqualTo(0);
        await Assert.That(await second.TerminateAsync()).IsEqualTo(0);
    }

    [Test]
    public async Task The_old_ones_go_on_until_each_of_the_new_ones_forwards()
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox);
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        GatewayProcess four = Start(scenario, redis, 1, 4, 0);
        await IsForwardingAsync(scenario, 4);
        await scenario.Sandbox.PaceAsync(Pace);
        GatewayProcess second = Start(scenario, redis, 2, 4, 1, Muted);
        await Eventually.HoldsAsync(() => redis.Get("gen:8:cluster:1:ready") is not null, "the second one is ready", () => scenario.Tails);

        // It stands still from just after its report, as if the change came in that very second: written without an end, and not kept from
        // ending, since this process may be the one that was slow.
        string token = redis.Get("gen:8:cluster:1:holder")!;
        second.Stop();
        redis.Database.StringSet("gen:8:cluster:1:ready", token);
        redis.Database.StringSet("gen:8:cluster:1:holder", token);
        GatewayProcess first = Start(scenario, redis, 2, 4, 0, Muted);
        await Eventually.HoldsAsync(() => four.Errors.Contains("1 of their clusters do not forward yet", StringComparison.Ordinal), "the old one waits", () => scenario.Tails);
        await Assert.That(redis.Get("generation:active")).IsEqualTo("8");
        long waits = Environment.TickCount64;
        await Eventually.HoldsAsync(() => Environment.TickCount64 - waits >= 8_000, "8 s have passed");
        await Assert.That(four.Errors).DoesNotContain("five more seconds");

        second.Continue();
        await EndsAsync([four]);
        await NothingIsLostAsync(scenario, identifies: 12);
        await Assert.That(await first.TerminateAsync()).IsEqualTo(0);
        await Assert.That(await second.TerminateAsync()).IsEqualTo(0);
    }

    [Test]
    public async Task What_is_in_the_spool_of_the_old_ones_is_forwarded_before_they_end()
    {
        await using Scenario scenario = await Scenario.StartAsync($"{Sandbox} --replay-events 1000000");
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        string yaml = new GatewayConfig { RedisDsn = redis.Dsn, Outbox = "2MiB", More = "spool:\n  directory: ." }.ToYaml(scenario.Sandbox);
        GatewayProcess four = scenario.StartGateway(yaml);
        await IsForwardingAsync(scenario, 4);

        // Minutes of work, however long the new ones take to get ready.
        await scenario.Sandbox.OrderAsync("/singyeong/rate?messages=100");
        await scenario.Sandbox.BurstAsync(3_000);

        string eightYaml = yaml.Replace("discord:\n", "discord:\n  shardCount: 8\n", StringComparison.Ordinal);
        scenario.StartGateway(eightYaml, Muted);
        await Eventually.HoldsAsync(() => four.Errors.Contains("five more seconds", StringComparison.Ordinal), "it leaves", () => scenario.Tails);
        await Assert.That(four.Errors).DoesNotContain("The spool is empty again");
        await scenario.Sandbox.OrderAsync("/singyeong/rate?messages=1000");
        await EndsAsync([four]);
        await Assert.That(four.Errors).Contains("The spool is empty again");
        await Assert.That(four.AtItsEnd("spooled")).IsGreaterThan(0);

        await scenario.Sandbox.OrderAsync("/singyeong/rate?messages=0");
        await scenario.Sandbox.PaceAsync(Pace);
        await NothingIsLostAsync(scenario, identifies: 12);
    }

    private static GatewayProcess Start(Scenario scenario, RedisServer redis, int clusters, int shards, int cluster, params string[] arguments)
    {
        GatewayConfig config = new()
        {
            RedisDsn = redis.Dsn,
            More = $"clustering: {{ enabled: true, clusterCount: {clusters}, clusterShards: {shards} }}",
        };
        return scenario.StartGateway(config.ToYaml(scenario.Sandbox), ["--cluster", $"{cluster}", .. arguments]);
    }

    private static Task<SandboxStatistics> IsForwardingAsync(Scenario scenario, int shards) => scenario.HoldsAsync(
        statistics => statistics.Discord.Shards.Count(shard => shard.Connected && shard.ShardCount == shards) == shards && statistics.Singyeong.Has("gateway"),
        $"{shards} shards are connected");

    /// <summary>The old ones end by themselves.</summary>
    private static async Task EndsAsync(GatewayProcess[] old)
    {
        foreach (GatewayProcess process in old)
        {
            await Assert.That(await process.WaitForExitAsync()).IsEqualTo(0);
        }
    }

    /// <summary>Each message that was ever made has arrived, from one generation or the other, as it was; and so many IDENTIFYs were spent.</summary>
    private static async Task<SandboxStatistics> NothingIsLostAsync(Scenario scenario, long identifies)
    {
        // New ones forward alone for a while, too.
        long distinct = (await scenario.Sandbox.StatisticsAsync()).Ledger.Distinct;
        await scenario.HoldsAsync(statistics => statistics.Ledger.Distinct >= distinct + Pace, "messages arrive");
        await scenario.Sandbox.PaceAsync(0);
        SandboxStatistics end = await scenario.EverythingArrivesAsync();
        await Assert.That(end.Ledger.Wrong).IsEqualTo(0);
        await Assert.That(end.Discord.Identifies).IsEqualTo(identifies);
        await Assert.That(end.Discord.IdentifiesNeedless).IsEqualTo(0);
        await Assert.That(end.Discord.Violations).IsEmpty();
        Soak.Say($"{end.Ledger}");
        return end;
    }
}
