using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>Clusters that start together agree on IDENTIFYs in Redis (G15): the sandbox's Discord refuses what comes too soon, and counts it.</summary>
[ParallelLimiter<FewAtATime>]
internal sealed class ClusterStartTests
{
    private const int Clusters = 4;

    /// <summary>Longer than a permit of a process that was killed lives, and than a slow machine takes for the rest.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    [Test]
    [Arguments(4, 1)]
    [Arguments(4, 4)]
    public async Task Clusters_that_start_together_keep_the_pace_and_all_get_ready(int shardsEach, int maxConcurrency)
    {
        int shards = Clusters * shardsEach;
        await using Scenario scenario = await Scenario.StartAsync($"--shards {shards} --max-concurrency {maxConcurrency} --guilds 1");
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        GatewayProcess[] gateways = StartAll(scenario, redis, shardsEach);

        SandboxStatistics end = await scenario.HoldsAsync(statistics => statistics.Discord.IsConnected(shards), "every shard of every cluster is ready", Patience);
        await Assert.That(end.Discord.Violations).IsEmpty();
        await Assert.That(end.Discord.Identifies).IsEqualTo(shards);
        await Assert.That((int)redis.Database.HashGet("identify:budget", "remaining")).IsEqualTo(1_000 - shards);
        foreach (GatewayProcess gateway in gateways)
        {
            await Eventually.HoldsAsync(() => gateway.Errors.Contains($"All {shardsEach} shards are ready after"), "the cluster says so", () => gateway.Tail);
            Console.WriteLine(gateway.Errors.Split('\n').Single(line => line.Contains("shards are ready after")));
        }
    }

    [Test]
    public async Task A_cluster_that_is_killed_during_the_start_holds_nobody_up_and_breaks_no_pace()
    {
        await using Scenario scenario = await Scenario.StartAsync("--shards 8 --max-concurrency 1 --guilds 1");
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        GatewayProcess[] gateways = StartAll(scenario, redis, shardsEach: 2);
        await scenario.HoldsAsync(statistics => statistics.Discord.IdentifiesByShard.ContainsKey(1), "the first cluster's shards identify", Patience);
        await gateways[0].KillAsync();
        await gateways[1].KillAsync();
        scenario.StartGateway(Yaml(scenario, redis, shardsEach: 2), "--cluster", "1");

        await scenario.HoldsAsync(
            statistics => statistics.Discord.Shards.Where(shard => shard.Connected).Select(shard => shard.Shard).Distinct().Count(shard => shard >= 2) == 6,
            "the shards of the other clusters get ready", Patience);
        scenario.StartGateway(Yaml(scenario, redis, shardsEach: 2), "--cluster", "0");
        SandboxStatistics end = await scenario.HoldsAsync(
            statistics => statistics.Discord.Shards.Count(shard => shard.Connected) == 8, "so does the killed one, which is started again", Patience);

        // What was killed before it had stored its session identifies again, and nobody else does.
        await Assert.That(end.Discord.Violations).IsEmpty();
        await Assert.That(end.Discord.Identifies).IsBetween(8, 8 + 4);
    }

    [Test]
    public async Task While_Redis_is_away_nobody_identifies_and_sessions_are_resumed()
    {
        await using Scenario scenario = await Scenario.StartAsync("--shards 4 --max-concurrency 4 --guilds 1");
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        scenario.StartGateway((scenario.Config with { RedisDsn = redis.Dsn }).ToYaml(scenario.Sandbox));
        await scenario.HoldsAsync(statistics => statistics.Discord.IsConnected(4), "all shards are ready");

        await redis.StopAsync();
        await scenario.Sandbox.OrderAsync("/discord/op9?shard=2&resumable=false");
        await scenario.Sandbox.OrderAsync("/discord/close?shard=3&code=4000");
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk == 1, "shard 3 resumes without Redis");
        await Eventually.HoldsAsync(
            () => scenario.Gateway.Errors.Contains("No shard identifies now"), "the gateway says why shard 2 waits", () => scenario.Tails);
        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Discord.Identifies).IsEqualTo(4);

        await redis.RunAsync();
        SandboxStatistics end = await scenario.HoldsAsync(
            statistics => statistics.Discord.Shards.Count(shard => shard.Connected) == 4 && statistics.Discord.Identifies == 5, "shard 2 identifies when Redis is back");
        await Assert.That(end.Discord.Violations).IsEmpty();
    }

    private static GatewayProcess[] StartAll(Scenario scenario, RedisServer redis, int shardsEach) =>
        [.. Enumerable.Range(0, Clusters).Select(cluster => scenario.StartGateway(Yaml(scenario, redis, shardsEach), "--cluster", $"{cluster}"))];

    private static string Yaml(Scenario scenario, RedisServer redis, int shardsEach) => (scenario.Config with
    {
        RedisDsn = redis.Dsn,
        More = $"clustering: {{ enabled: true, clusterCount: {Clusters}, clusterShards: {shardsEach} }}",
    }).ToYaml(scenario.Sandbox);
}
