using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>Each shard needs a descriptor, and systems start programs with few.</summary>
[ParallelLimiter<FewAtATime>]
internal sealed class OpenFilesTests
{
    private const int Shards = 200;

    [Test]
    public async Task More_shards_than_the_soft_limit_of_open_files_get_ready()
    {
        await using Scenario scenario = await Scenario.StartAsync($"--shards {Shards} --max-concurrency {Shards} --guilds 1");
        scenario.OpenFiles = "100:";

        await scenario.StartReadyGatewayAsync(Shards);

        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Discord.Identifies).IsEqualTo(Shards);
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);
    }

    [Test]
    public async Task A_hard_limit_below_the_shards_is_told_before_an_IDENTIFY_is_spent()
    {
        await using Scenario scenario = await Scenario.StartAsync($"--shards {Shards} --max-concurrency {Shards} --guilds 1");
        scenario.OpenFiles = "100:100";

        await Assert.That(await scenario.StartGateway().WaitForExitAsync()).IsEqualTo(2);

        await Assert.That(scenario.Gateway.LastLine).Contains("open files").And.Contains("ulimit");
        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Discord.Identifies).IsEqualTo(0);
    }
}
