using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>
/// Sockets are cut and processes killed in the middle of bursts; every event still arrives, and no IDENTIFY is spent on it.
/// </summary>
[NotInParallel]
internal sealed class CrashTests
{
    private const int Shards = 16;

    // Discord forgets what a heartbeat has acknowledged, and beats come often: then only a heartbeat that says no more than what is safe
    // saves the events. 신경 takes its time, so that a burst is under way when something happens to it.
    private const string Sandbox =
        "--shards 16 --max-concurrency 16 --trim-at-heartbeat --heartbeat-interval 1500 --compression-level 1 --singyeong-rate 8000";

    [Test]
    public async Task Nothing_is_lost_when_sockets_are_cut_and_the_gateway_is_killed_under_load()
    {
        // Less than 1,000 events of a shard are ever underway: beyond that, heartbeats give up on what a crash would need (G5).
        const int Rounds = 4, BurstOfShard = 120;
        await using Scenario scenario = await Scenario.StartAsync(Sandbox);
        await scenario.StartReadyGatewayAsync(Shards);
        await scenario.SessionsAreStoredAsync();
        await scenario.Sandbox.PaceAsync(800);

        for (int round = 1; round <= Rounds; round++)
        {
            await scenario.Sandbox.BurstAsync(BurstOfShard);
            await scenario.Sandbox.OrderAsync("/discord/drop?shard=all");
            await AllResumeAsync(scenario, round * 2L * Shards - Shards);

            await scenario.Sandbox.BurstAsync(BurstOfShard);
            await scenario.Sandbox.OrderAsync("/singyeong/drop");
            await scenario.HoldsAsync(statistics => statistics.Singyeong.Has("gateway"), "the gateway is back at 신경");

            await EveryShardBeatsAsync(scenario);
            await scenario.Sandbox.BurstAsync(BurstOfShard);
            await scenario.Gateway.KillAsync();
            await scenario.Sandbox.BurstAsync(BurstOfShard);
            scenario.StartGateway();
            await AllResumeAsync(scenario, round * 2L * Shards);
        }

        await scenario.Sandbox.PaceAsync(0);
        SandboxStatistics end = await scenario.EverythingArrivesAsync(Rounds * 4L * BurstOfShard * Shards);
        await Assert.That(end.Ledger.Wrong).IsEqualTo(0);
        await Assert.That(end.Discord.Identifies).IsEqualTo(Shards);
        await Assert.That(end.Discord.ResumesRefused).IsEqualTo(0);
        await Assert.That(end.Discord.Violations).IsEmpty();
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);
    }

    [Test]
    public async Task A_termination_under_load_saves_what_the_next_start_needs_to_go_on()
    {
        const int Rounds = 3;
        await using Scenario scenario = await Scenario.StartAsync(Sandbox);
        await scenario.StartReadyGatewayAsync(Shards);
        await scenario.Sandbox.PaceAsync(3_200);

        for (int round = 1; round <= Rounds; round++)
        {
            long before = (await scenario.Sandbox.StatisticsAsync()).Ledger.Distinct;
            await scenario.HoldsAsync(statistics => statistics.Ledger.Distinct > before + 3_200, "a second's load has arrived");
            await scenario.Sandbox.BurstAsync(200);
            await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);
            scenario.StartGateway();
            await AllResumeAsync(scenario, round * (long)Shards);
        }

        await scenario.Sandbox.PaceAsync(0);
        SandboxStatistics end = await scenario.EverythingArrivesAsync(Rounds * 200L * Shards);
        await Assert.That(end.Ledger.Wrong).IsEqualTo(0);
        await Assert.That(end.Discord.Identifies).IsEqualTo(Shards);
        await Assert.That(end.Discord.ResumesRefused).IsEqualTo(0);
        await Assert.That(end.Discord.ClientCloses.Keys).DoesNotContain(1000).And.DoesNotContain(1001).And.DoesNotContain(1006);
        await Assert.That(end.Discord.Violations).IsEmpty();
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);
    }

    /// <summary>Waits for a heartbeat of every shard, which Discord takes as the leave to forget.</summary>
    private static async Task EveryShardBeatsAsync(Scenario scenario)
    {
        long before = (await scenario.Sandbox.StatisticsAsync()).Discord.Heartbeats;
        await scenario.HoldsAsync(statistics => statistics.Discord.Heartbeats >= before + 2 * Shards, "every shard sends heartbeats");
    }

    private static async Task AllResumeAsync(Scenario scenario, long resumes)
    {
        SandboxStatistics state = await scenario.HoldsAsync(
            statistics => (statistics.Discord.ResumesOk >= resumes && statistics.Discord.IsConnected(Shards)) || statistics.Discord.ResumesRefused > 0,
            $"all shards have resumed ({resumes} resumes)");
        await Assert.That(state.Discord.RefusedByReason).IsEmpty();
    }
}
