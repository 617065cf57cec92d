using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>The same guarantees in every encoding of 신경, whose server reads and answers in it.</summary>
[NotInParallel]
internal sealed class EncodingTests
{
    private const int Shards = 4;
    private const string Sandbox = "--shards 4 --max-concurrency 4 --compression-level 1";

    [Test]
    [Arguments("json")]
    [Arguments("msgpack")]
    [Arguments("etf")]
    public async Task A_hundred_thousand_events_arrive_once_unaltered_and_in_order(string encoding)
    {
        const int Bursts = 5, EventsOfShard = 100_000 / Shards / Bursts;
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, new GatewayConfig { Encoding = encoding });
        await scenario.StartReadyGatewayAsync(Shards);

        for (int burst = 0; burst < Bursts; burst++)
        {
            await scenario.Sandbox.BurstAsync(EventsOfShard, wait: true);
        }

        await scenario.EverythingArrivesAsync(100_000);
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);

        SandboxStatistics end = await scenario.Sandbox.StatisticsAsync();
        await Assert.That(end.Ledger.Received).IsEqualTo(100_000);
        await Assert.That(end.Ledger.OutOfOrder).IsEqualTo(0);
        await Assert.That(end.Ledger.Wrong).IsEqualTo(0);
        await Assert.That(end.Singyeong.ProtocolErrors).IsEqualTo(0);
        await Assert.That(end.Singyeong.ConnectionsTotal).IsEqualTo(1);

        // All of it was confirmed by acks in that encoding, or the end would have waited in vain.
        await Assert.That(scenario.Gateway.Errors).DoesNotContain("did not confirm");
    }

    [Test]
    [Arguments("msgpack")]
    [Arguments("etf")]
    public async Task Dispatches_that_find_no_route_are_counted(string encoding)
    {
        const int Burst = 50;
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, new GatewayConfig
        {
            Encoding = encoding,
            Forwarding = GatewayConfig.ToSink.Replace("type: \"send\"", "type: \"send\"\n  unrouted: drop", StringComparison.Ordinal),
        });
        await scenario.StartReadyGatewayAsync(Shards);
        await scenario.Sandbox.OrderAsync("/singyeong/sink?on=false");

        await scenario.Sandbox.BurstAsync(Burst);
        await scenario.HoldsAsync(statistics => statistics.Singyeong.NoRoute == Burst * Shards, "each dispatch is answered with no_route");
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);

        await Assert.That(scenario.Gateway.Errors).Contains($" unrouted={Burst * Shards} ").And.Contains(":0)");
        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Singyeong.ConnectionsTotal).IsEqualTo(1);
    }

    [Test]
    [Arguments("msgpack")]
    [Arguments("etf")]
    public async Task A_worker_that_reads_json_gets_the_events_of_a_gateway_that_does_not(string encoding)
    {
        const int Burst = 500;
        await using Scenario scenario = await Scenario.StartAsync(
            $"{Sandbox} --guilds 10", new GatewayConfig { Encoding = encoding, Forwarding = GatewayConfig.ToWorkers });
        WorkerClient worker = scenario.Owned(await WorkerClient.ConnectAsync(scenario.Sandbox, ["READY", "GUILD_CREATE", "MESSAGE_CREATE"]));
        await scenario.StartReadyGatewayAsync(Shards);

        await scenario.Sandbox.BurstAsync(Burst);
        await Eventually.HoldsAsync(() => worker.Count("MESSAGE_CREATE") >= Shards * Burst, "every message is delivered", () => worker.Explain);
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);

        await Assert.That(worker.Disorder).IsEqualTo(0);
        await Assert.That(worker.Count("GUILD_CREATE")).IsEqualTo(Shards * 10);
    }

    [Test]
    [Arguments("msgpack")]
    [Arguments("etf")]
    public async Task After_a_cut_the_same_is_sent_again(string encoding)
    {
        const int Burst = 2_000;
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, new GatewayConfig { Encoding = encoding });
        await scenario.StartReadyGatewayAsync(Shards);

        await scenario.Sandbox.BurstAsync(Burst);
        await scenario.Sandbox.OrderAsync("/singyeong/drop");
        await scenario.HoldsAsync(statistics => statistics.Singyeong.ConnectionsTotal > 1 && statistics.Singyeong.Has("gateway"), "the gateway is back");
        await scenario.Sandbox.BurstAsync(Burst);

        SandboxStatistics end = await scenario.EverythingArrivesAsync(2 * Burst * Shards);
        await Assert.That(end.Ledger.OutOfOrder).IsEqualTo(0);
        await Assert.That(end.Ledger.Wrong).IsEqualTo(0);
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);
    }
}
