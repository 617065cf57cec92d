using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>Without faults every event arrives once, unaltered, and in the order of its shard.</summary>
[NotInParallel]
internal sealed class DeliveryTests
{
    [Test]
    [Arguments("zlib-stream")]
    [Arguments("zstd-stream")]
    [Arguments("none")]
    public async Task A_million_events_over_16_shards_arrive_once_and_in_order(string compression)
    {
        const int Shards = 16, Bursts = 10, EventsOfShard = 1_000_000 / Shards / Bursts;
        await using Scenario scenario = await Scenario.StartAsync(
            $"--shards {Shards} --max-concurrency {Shards} --compression-level 1", new GatewayConfig { Compression = compression });
        await scenario.StartReadyGatewayAsync(Shards);

        for (int burst = 0; burst < Bursts; burst++)
        {
            await scenario.Sandbox.BurstAsync(EventsOfShard, wait: true);
        }
        await scenario.EverythingArrivesAsync(1_000_000);
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);

        SandboxStatistics statistics = await scenario.Sandbox.StatisticsAsync();
        await Assert.That(statistics.Ledger.Received).IsEqualTo(1_000_000);
        await Assert.That(statistics.Ledger.Distinct).IsEqualTo(1_000_000);
        await Assert.That(statistics.Ledger.Duplicates).IsEqualTo(0);
        await Assert.That(statistics.Ledger.OutOfOrder).IsEqualTo(0);
        await Assert.That(statistics.Ledger.Wrong).IsEqualTo(0);
        await Assert.That(statistics.Discord.Identifies).IsEqualTo(Shards);
        await Assert.That(statistics.Discord.ResumesOk).IsEqualTo(0);
        await Assert.That(statistics.Discord.Violations).IsEmpty();
    }

    [Test]
    public async Task A_worker_gets_every_event_that_its_metadata_lists_in_order()
    {
        const int Shards = 4, Guilds = 10, Bursts = 5, EventsOfShard = 1_000;
        await using Scenario scenario = await Scenario.StartAsync(
            $"--shards {Shards} --max-concurrency {Shards} --guilds {Guilds}", new GatewayConfig { Forwarding = GatewayConfig.ToWorkers });
        WorkerClient worker = scenario.Owned(await WorkerClient.ConnectAsync(scenario.Sandbox, ["READY", "GUILD_CREATE", "MESSAGE_CREATE"]));
        await scenario.StartReadyGatewayAsync(Shards);

        for (int burst = 0; burst < Bursts; burst++)
        {
            await scenario.Sandbox.BurstAsync(EventsOfShard);
        }
        await Eventually.HoldsAsync(
            () => worker.Count("MESSAGE_CREATE") >= Shards * Bursts * EventsOfShard, "every message is delivered", () => worker.Explain);
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);

        await Assert.That(worker.Disorder).IsEqualTo(0);
        await Assert.That(worker.Count("MESSAGE_CREATE")).IsEqualTo(Shards * Bursts * EventsOfShard);
        await Assert.That(worker.Count("READY")).IsEqualTo(Shards);
        await Assert.That(worker.Count("GUILD_CREATE")).IsEqualTo(Shards * Guilds);
        await Assert.That(worker.LastOfShard.Values.Distinct()).IsEquivalentTo([(long)Bursts * EventsOfShard]);
    }
}
