using System.Text.RegularExpressions;
using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>How a bot with many shards, or with half of Discord away, comes up.</summary>
[ParallelLimiter<FewAtATime>]
internal sealed partial class StartTests
{
    [Test]
    [Arguments(1)]
    [Arguments(2)]
    public async Task Stored_sessions_are_resumed_while_the_REST_API_is_away(int loops)
    {
        await using Scenario scenario = await Scenario.StartAsync("--shards 4 --max-concurrency 4", new GatewayConfig { Connections = loops, Loops = loops });
        await scenario.StartReadyGatewayAsync(shards: 4);
        await scenario.Sandbox.BurstAsync(100);
        await scenario.EverythingArrivesAsync(400);
        await scenario.Gateway.TerminateAsync();

        await scenario.Sandbox.OrderAsync("/discord/rest?status=503&count=1000000");
        await scenario.Sandbox.BurstAsync(100);
        scenario.StartGateway();
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk == 4, "the sessions are resumed without REST");
        await scenario.EverythingArrivesAsync(800);

        // One that ends meanwhile has to wait for REST, which alone knows the budget and where sessions begin.
        await scenario.Sandbox.OrderAsync("/discord/op9?shard=3&resumable=false");
        await scenario.HoldsAsync(statistics => statistics.Discord.Shards.Count(shard => shard.Connected) == 3, "shard 3 waits");
        await scenario.Sandbox.OrderAsync("/discord/rest?count=0");
        SandboxStatistics end = await scenario.HoldsAsync(statistics => statistics.Discord.IsConnected(4), "shard 3 identifies when REST is back");
        await Assert.That(end.Discord.Identifies).IsEqualTo(5);
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);
    }

    [Test]
    public async Task With_auto_a_refused_shard_count_is_another_at_the_next_start()
    {
        await using Scenario scenario = await Scenario.StartAsync("--shards 4 --max-concurrency 4", new GatewayConfig { More = "" });
        string two = scenario.Config.ToYaml(scenario.Sandbox).Replace("discord:\n", "discord:\n  shardCount: 2\n", StringComparison.Ordinal);
        scenario.StartGateway(two);
        await scenario.HoldsAsync(statistics => statistics.Discord.Shards.Count(shard => shard.Connected) == 2, "two shards of two");
        await scenario.SessionsAreStoredAsync();
        await scenario.Gateway.TerminateAsync();

        scenario.StartGateway();
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk == 2, "auto keeps the stored count (G22)");
        await scenario.Gateway.SaysAsync("Discord recommends 4 shards");
        await scenario.Sandbox.OrderAsync("/discord/close?shard=0&code=4011");
        await Assert.That(await scenario.Gateway.WaitForExitAsync()).IsEqualTo(3);
        await Assert.That(scenario.Gateway.LastLine).Contains("4011").And.Contains("recommends 4");

        scenario.StartGateway();
        await scenario.HoldsAsync(statistics => statistics.Discord.Identifies == 6, "four shards identify");
    }

    [Test]
    public async Task A_slow_start_says_how_far_it_is_and_how_long_it_takes()
    {
        await using Scenario scenario = await Scenario.StartAsync("--shards 300 --max-concurrency 4 --guilds 1");
        scenario.StartGateway();

        await scenario.HoldsAsync(_ => Progress().IsMatch(scenario.Gateway.Errors), "a line of progress after ten seconds");
        Match progress = Progress().Match(scenario.Gateway.Errors);
        int ready = int.Parse(progress.Groups[1].ValueSpan);
        int waiting = int.Parse(progress.Groups[2].ValueSpan);
        int minutes = int.Parse(progress.Groups[3].ValueSpan);

        // 296 or so shards, four in 5.3 seconds.
        await Assert.That(ready).IsBetween(4, 12);
        await Assert.That(waiting).IsBetween(280, 296);
        await Assert.That(minutes).IsBetween(6, 7);
        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Discord.Violations).IsEmpty();
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);
    }

    [Test]
    [Arguments(1)]
    [Arguments(2)]
    public async Task An_IDENTIFY_right_before_a_crash_is_remembered_by_the_next_process(int loops)
    {
        await using Scenario scenario = await Scenario.StartAsync("--shards 2", new GatewayConfig { Connections = loops, Loops = loops });
        scenario.StartGateway();
        await scenario.HoldsAsync(statistics => statistics.Discord.Identifies >= 1, "shard 0 identifies");
        await scenario.Gateway.KillAsync();

        scenario.StartGateway();
        SandboxStatistics end = await scenario.HoldsAsync(statistics => statistics.Discord.IsConnected(2), "both shards are there");
        await Assert.That(end.Discord.Violations).IsEmpty().Because("one bucket takes an IDENTIFY in five seconds, whoever sends it");
    }

    [GeneratedRegex(@"Starting: (\d+) of 300 shards ready, (\d+) wait for a permit to identify, \d+ for their turn to resume; about (\d+) min left")]
    private static partial Regex Progress();
}
