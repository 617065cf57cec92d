using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>What 신경 does to its connection, one thing at a time: everything arrives, in order, some of it twice.</summary>
[ParallelLimiter<FewAtATime>]
internal sealed class BrokerFaultTests
{
    private const int Shards = 4;
    private const int Burst = 500;
    private const string Sandbox = "--shards 4 --max-concurrency 4";

    [Test]
    [Arguments("/singyeong/drop")]
    [Arguments("/singyeong/goodbye")]
    [Arguments("/singyeong/close?code=1000")]
    [Arguments("/singyeong/close?code=1011")]
    public async Task The_gateway_comes_back_and_sends_again_after(string fault)
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox);
        await scenario.StartReadyGatewayAsync(Shards);

        for (int round = 1; round <= 3; round++)
        {
            long connections = (await scenario.Sandbox.StatisticsAsync()).Singyeong.ConnectionsTotal;
            await scenario.Sandbox.BurstAsync(Burst);

            // After a goodbye the old connection may still be the one that 신경 knows, while the new one is refused for its name.
            await Eventually.HoldsAsync(() => scenario.Sandbox.OrderAsync(fault), hit => hit > 0, "the order meets the gateway", _ => scenario.Tails);
            await scenario.HoldsAsync(
                statistics => statistics.Singyeong.ConnectionsTotal > connections && statistics.Singyeong.Has("gateway"), $"the gateway is back after {fault}");
        }

        await EndAsync(scenario, 3 * Burst * Shards);
    }

    [Test]
    public async Task An_absence_longer_than_the_outbox_holds_Discord_back_and_loses_nothing()
    {
        const int Rounds = 4;
        await using Scenario scenario = await Scenario.StartAsync(
            $"{Sandbox} --heartbeat-interval 2000 --replay-events 10000", new GatewayConfig { Outbox = "2MiB", WhenFull = "close" });
        await scenario.StartReadyGatewayAsync(Shards);

        await scenario.Sandbox.OrderAsync("/singyeong/stop");
        for (int round = 0; round < Rounds; round++)
        {
            await scenario.Sandbox.BurstAsync(4 * Burst);
        }
        await Eventually.HoldsAsync(
            () => scenario.Gateway.Errors.Contains("outbox is full", StringComparison.Ordinal), "the gateway says that its outbox is full", () => scenario.Gateway.Tail);

        // Two rounds, which the grace has room for, or where the machine is slow the next one: then the shards close.
        long beats = (await scenario.Sandbox.StatisticsAsync()).Discord.Heartbeats;
        await scenario.HoldsAsync(
            statistics => statistics.Discord.Heartbeats >= beats + 2 * Shards, "heartbeats go on while the outbox is full", TimeSpan.FromMinutes(3));
        await scenario.Sandbox.OrderAsync("/singyeong/start");

        SandboxStatistics end = await scenario.EverythingArrivesAsync(Rounds * 4 * Burst * Shards);
        await Assert.That(scenario.Gateway.PeakMemory).IsLessThan(64L << 20);
        await Assert.That(end.Discord.HeartbeatTimeouts).IsEqualTo(0);
        await EndAsync(scenario, Rounds * 4 * Burst * Shards);
    }

    [Test]
    public async Task A_server_that_is_not_there_yet_at_the_start_gets_everything_once_it_is()
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox);
        await scenario.Sandbox.OrderAsync("/singyeong/stop");
        scenario.StartGateway();
        await scenario.HoldsAsync(statistics => statistics.Discord.IsConnected(Shards), "the shards start without 신경");
        await scenario.Sandbox.BurstAsync(Burst);
        await scenario.Sandbox.OrderAsync("/singyeong/start");

        await EndAsync(scenario, Burst * Shards);
    }

    [Test]
    public async Task A_server_that_stops_reading_for_a_while_loses_nothing()
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox);
        await scenario.StartReadyGatewayAsync(Shards);

        await scenario.Sandbox.OrderAsync("/singyeong/stop-reading?application=gateway");
        await scenario.Sandbox.BurstAsync(4 * Burst, wait: true);
        await scenario.Sandbox.OrderAsync("/singyeong/stop-reading?application=gateway&on=false");

        await EndAsync(scenario, 4 * Burst * Shards);
    }

    [Test]
    public async Task A_client_id_that_is_still_taken_after_a_crash_is_tried_again()
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox);
        await scenario.StartReadyGatewayAsync(Shards);
        await scenario.SessionsAreStoredAsync();

        // A server that does not read does not notice that its client is gone.
        await scenario.Sandbox.OrderAsync("/singyeong/stop-reading?application=gateway");
        await scenario.Gateway.KillAsync();
        scenario.StartGateway();
        await scenario.HoldsAsync(statistics => statistics.Singyeong.DuplicateIds >= 2, "the new gateway tries the id that is still taken");
        await scenario.Sandbox.OrderAsync("/singyeong/stop-reading?application=gateway&on=false");
        await scenario.HoldsAsync(
            statistics => statistics.Singyeong.Clients.Length == 1 && statistics.Discord.ResumesOk == Shards && statistics.Discord.IsConnected(Shards),
            "the new gateway is at 신경 and has resumed");
        await scenario.Sandbox.BurstAsync(Burst);

        await EndAsync(scenario, Burst * Shards);
    }

    private static async Task EndAsync(Scenario scenario, int events)
    {
        await scenario.EverythingArrivesAsync(events);
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);
        SandboxStatistics end = await scenario.Sandbox.StatisticsAsync();
        await Assert.That(end.Ledger.Distinct).IsEqualTo(events);
        await Assert.That(end.Ledger.Missing).IsEqualTo(0);
        await Assert.That(end.Ledger.OutOfOrder).IsEqualTo(0);
        await Assert.That(end.Ledger.Wrong).IsEqualTo(0);
        await Assert.That(end.Discord.Identifies).IsEqualTo(Shards);
        await Assert.That(end.Discord.Violations).IsEmpty();
        await Assert.That(end.Singyeong.ProtocolErrors).IsEqualTo(0);
    }
}
