using System.Diagnostics;
using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>
/// What becomes of events whose workers are away, or on which 신경 fails (G8-G11), with the server's bug that answers a no_route with
/// <c>ops</c> by closing. Another rule's events go to an application that is always there: they must not wait for the others.
/// </summary>
[ParallelLimiter<FewAtATime>]
internal sealed class LaneTests
{
    private const int Shards = 4;
    private const int Burst = 200;
    private const int Events = Burst * Shards;
    private const string Sandbox = "--shards 4 --max-concurrency 4 --compression-level 1";

    private static readonly TimeSpan CostlyRetry = TimeSpan.FromSeconds(30);

    private const string WithOps = """
        "worker"
              ops:
                - path: "/events"
                  op: "$contains"
                  to:
                    value: "{{EVENT}}"
        """;

    [Test]
    [Arguments("json", false, 20)]
    [Arguments("json", true, 20)]
    [Arguments("msgpack", false, 0)]
    [Arguments("msgpack", true, 0)]
    [Arguments("etf", true, 0)]
    public async Task A_worker_that_is_away_for_a_while_loses_nothing_and_the_others_flow_meanwhile(string encoding, bool ops, int seconds)
    {
        GatewayConfig config = new() { Encoding = encoding, Forwarding = TwoRules(ops ? WithOps : "\"worker\"", "unrouted: hold") };
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, config);
        WorkerClient first = scenario.Owned(await WorkerClient.ConnectAsync(scenario.Sandbox, ["MESSAGE_CREATE"]));
        await scenario.StartReadyGatewayAsync(Shards);
        await scenario.Sandbox.BurstAsync(Burst);
        await Eventually.HoldsAsync(() => first.Messages.Count == Events, "every message is delivered to the worker", () => first.Explain);
        Stopwatch absence = Stopwatch.StartNew();
        await first.DisposeAsync();
        await scenario.HoldsAsync(statistics => !statistics.Singyeong.Has("worker"), "the worker is gone");

        // Two bursts: the second one's events find their lane holding already.
        for (int absent = 1; absent <= 2; absent++)
        {
            await scenario.Sandbox.BurstAsync(Burst);
            await scenario.HoldsAsync(
                statistics => statistics.Ledger.Distinct == 2 * Events + absent * Events, "the events of the other rule have arrived, and none of the worker's");
        }
        await Eventually.HoldsAsync(
            () => scenario.Gateway.Errors.Contains("finds no receiver in application worker", StringComparison.Ordinal), "the lane's holding is said", () => scenario.Gateway.Tail);
        await Eventually.HoldsAsync(() => absence.Elapsed >= TimeSpan.FromSeconds(seconds), "it is away for so long");

        WorkerClient second = scenario.Owned(await WorkerClient.ConnectAsync(scenario.Sandbox, ["MESSAGE_CREATE"]));
        long retries = (long)(absence.Elapsed / CostlyRetry);
        await Eventually.HoldsAsync(() => Later() == 2 * Events, "every message that waited is delivered", () => $"{second.Explain}\n{scenario.Tails}");
        await scenario.Sandbox.BurstAsync(Burst);
        await Eventually.HoldsAsync(() => Later() == 3 * Events, "the lane flows again", () => $"{second.Explain}\n{scenario.Tails}");
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);

        SandboxStatistics end = await scenario.Sandbox.StatisticsAsync();
        await Assert.That(end.Ledger.Missing).IsEqualTo(0);
        await Assert.That(end.Ledger.Wrong).IsEqualTo(0);
        await Assert.That(end.Singyeong.ProtocolErrors).IsEqualTo(0);
        await Assert.That(end.Discord.Identifies).IsEqualTo(Shards);
        await Assert.That(scenario.Gateway.Errors).Contains(" expired=0 poisonous=0 ").And.DoesNotContain("did not confirm");

        // With ops: one connection for what was in flight, one for the message that was found guilty, and one for each retry while nobody was
        // there, at most once in half a minute (G9). The answers of etf cost none.
        long lost = ops && encoding != "etf" ? 2 : 0;
        await Assert.That(end.Singyeong.Kills).IsBetween(lost, lost > 0 ? lost + retries : 0);

        // A connection that is lost doubles what was not confirmed, so the first burst's last messages may come once more.
        int Later() => second.Messages.Keys.Count(message => message.Number > Burst);
    }

    [Test]
    public async Task A_worker_that_does_not_come_within_holdFor_loses_its_events_which_is_counted_and_said()
    {
        GatewayConfig config = new() { Forwarding = TwoRules("\"worker\"", "unrouted: hold\n    holdFor: 2s") };
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, config);
        await scenario.StartReadyGatewayAsync(Shards);

        await scenario.Sandbox.BurstAsync(Burst);
        await Eventually.HoldsAsync(
            () => scenario.Gateway.Errors.Contains($"longer than holdFor and are lost ({Events} since the start)", StringComparison.Ordinal),
            "all that waited has expired", () => scenario.Gateway.Tail);

        // What comes later than the worker does not wait.
        WorkerClient worker = scenario.Owned(await WorkerClient.ConnectAsync(scenario.Sandbox, ["MESSAGE_CREATE"]));
        await scenario.Sandbox.BurstAsync(Burst);
        await Eventually.HoldsAsync(() => worker.Messages.Count == Events, "the worker gets what came after it", () => $"{worker.Explain}\n{scenario.Tails}");
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);

        SandboxStatistics end = await scenario.Sandbox.StatisticsAsync();
        await Assert.That(end.Ledger.Missing).IsEqualTo(Events);
        await Assert.That(scenario.Gateway.Errors).Contains($" unrouted=0 expired={Events} poisonous=0 ").And.DoesNotContain("did not confirm");
    }

    [Test]
    public async Task Dropped_events_without_a_receiver_are_counted_and_hold_nothing_back()
    {
        GatewayConfig config = new() { Forwarding = TwoRules("\"worker\"", "unrouted: drop") };
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, config);
        await scenario.StartReadyGatewayAsync(Shards);

        await scenario.Sandbox.BurstAsync(Burst);
        await scenario.HoldsAsync(statistics => statistics.Ledger.Distinct == Events && statistics.Singyeong.NoRoute == Events, "half of the copies come back");
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);

        await Assert.That(scenario.Gateway.Errors).Contains($" unrouted={Events} expired=0 poisonous=0 ");
        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Singyeong.ConnectionsTotal).IsEqualTo(1);
    }

    [Test]
    [Arguments("json")]
    [Arguments("msgpack")]
    [Arguments("etf")]
    public async Task A_message_on_which_the_server_fails_is_set_aside_after_three_connections_and_the_rest_arrives(string encoding)
    {
        const int Poisoned = 77;
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, new GatewayConfig { Encoding = encoding });
        await scenario.StartReadyGatewayAsync(Shards);
        await scenario.Sandbox.OrderAsync($"/singyeong/poison?shard=2&number={Poisoned}");

        await scenario.Sandbox.BurstAsync(Burst);
        await scenario.HoldsAsync(statistics => statistics.Ledger.Distinct == Events - 1, "all but the poison has arrived");
        await Eventually.HoldsAsync(
            () => scenario.Gateway.Errors.Contains("MESSAGE_CREATE of shard 2, seq ", StringComparison.Ordinal), "the event is named", () => scenario.Gateway.Tail);
        await scenario.Sandbox.BurstAsync(Burst);
        SandboxStatistics end = await scenario.HoldsAsync(statistics => statistics.Ledger.Distinct == 2 * Events - 1, "what comes later arrives");
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);

        await Assert.That(end.Ledger.Missing).IsEqualTo(1);
        await Assert.That(end.Ledger.OutOfOrder).IsEqualTo(0);
        await Assert.That(end.Ledger.Wrong).IsEqualTo(0);
        await Assert.That(end.Singyeong.Kills).IsLessThanOrEqualTo(4).Because("one for what was in flight, three for the guilty one");
        await Assert.That(scenario.Gateway.Errors).Contains(" expired=0 poisonous=1 ").And.DoesNotContain("did not confirm");
    }

    /// <summary>Every message goes to the workers' application, by <paramref name="policy"/>, and to the sink.</summary>
    private static string TwoRules(string target, string policy) => $$"""
        forwarding:
          - type: "send"
            {{policy}}
            target:
              application: {{target}}
            events: ["MESSAGE_CREATE"]
          - type: "send"
            target:
              application: "sink"
            events: ["MESSAGE_CREATE"]
        """;
}
