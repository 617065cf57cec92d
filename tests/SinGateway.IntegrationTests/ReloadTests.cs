using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>A configuration that changes under a running gateway, which keeps every session and every event.</summary>
[ParallelLimiter<FewAtATime>]
internal sealed class ReloadTests
{
    private const int Shards = 2;
    private const int Burst = 100;
    private const string Sandbox = "--shards 2 --max-concurrency 2";

    private const string Ready = """
        forwarding:
          type: send
          target: { application: worker }
          events: [READY]
        """;

    private const string Messages = """
        forwarding:
          - { type: broadcast, target: { application: sink }, events: [READY] }
          - { type: send, target: { application: worker }, events: [MESSAGE_CREATE] }
        """;

    [Test]
    [Arguments(1)]
    [Arguments(2)]
    public async Task On_SIGHUP_events_go_by_the_new_rules_and_no_session_notices(int loops)
    {
        await using Scenario scenario = await StartAsync(Ready, loops: loops);
        WorkerClient worker = scenario.Owned(await WorkerClient.ConnectAsync(scenario.Sandbox, []));
        await BurstIsReceivedAsync(scenario);
        await ReloadAsync(scenario, scenario.Config with { Forwarding = Messages }, "forwarding[0].type, forwarding[0].target, forwarding[0].unrouted, forwarding[1] (new)");
        await scenario.Sandbox.BurstAsync(Burst);
        await Eventually.HoldsAsync(() => worker.Count("MESSAGE_CREATE") == Burst * Shards, "what came after the reload arrives", () => $"{worker.Explain}\n{scenario.Tails}");

        await Assert.That(worker.LastOfShard.Values.Distinct().Single()).IsEqualTo(2 * Burst).Because("what came before went nowhere");
        await UndisturbedAsync(scenario);
    }

    [Test]
    public async Task What_waits_for_a_worker_by_a_former_rule_is_delivered_when_it_comes()
    {
        await using Scenario scenario = await StartAsync("""
            forwarding:
              - { type: send, target: { application: worker }, events: [MESSAGE_CREATE], holdFor: 10m }
            """);
        await BurstIsReceivedAsync(scenario);
        await Eventually.HoldsAsync(
            () => scenario.Gateway.Errors.Contains("finds no receiver in application worker", StringComparison.Ordinal), "the lane holds", () => scenario.Gateway.Tail);

        // The first rule drops now what it cannot deliver; and of the messages, nothing goes anywhere any more.
        await ReloadAsync(scenario, scenario.Config with { Forwarding = Ready.Replace("send", "broadcast", StringComparison.Ordinal) }, "forwarding[0].type, forwarding[0].events, forwarding[0].unrouted, forwarding[0].holdFor");
        await scenario.Sandbox.BurstAsync(Burst);
        WorkerClient worker = scenario.Owned(await WorkerClient.ConnectAsync(scenario.Sandbox, []));
        await Eventually.HoldsAsync(() => worker.Messages.Count == Burst * Shards, "what waited is delivered", () => $"{worker.Explain}\n{scenario.Tails}");

        await Assert.That(worker.Messages.Keys.Max(message => message.Number)).IsEqualTo(Burst);
        await UndisturbedAsync(scenario);
        await Assert.That(scenario.Gateway.Errors).Contains(" unrouted=0 expired=0 poisonous=0 ");
    }

    [Test]
    public async Task A_file_with_an_error_is_refused_and_the_old_rules_stay()
    {
        await using Scenario scenario = await StartAsync(Messages);
        WorkerClient worker = scenario.Owned(await WorkerClient.ConnectAsync(scenario.Sandbox, []));
        await File.WriteAllTextAsync(scenario.File("config-0.yaml"), scenario.Config.ToYaml(scenario.Sandbox) + "loggingLevel: LOUD\n");
        scenario.Gateway.HangUp();
        await Eventually.HoldsAsync(() => scenario.Gateway.Errors.Contains("nothing changes", StringComparison.Ordinal), "the refusal is said", () => scenario.Gateway.Tail);

        await Assert.That(scenario.Gateway.Errors).Contains("loggingLevel: the key stands twice. Remove one of the two.");
        await scenario.Sandbox.BurstAsync(Burst);
        await Eventually.HoldsAsync(() => worker.Count("MESSAGE_CREATE") == Burst * Shards, "the old rules go on", () => $"{worker.Explain}\n{scenario.Tails}");
        await UndisturbedAsync(scenario);
    }

    [Test]
    [Arguments(1)]
    [Arguments(2)]
    public async Task A_changed_presence_goes_to_every_shard_and_a_level_to_the_log(int loops)
    {
        await using Scenario scenario = await StartAsync(Messages, level: "WARNING", loops: loops);
        await Assert.That(scenario.Gateway.Errors).IsEmpty();
        string yaml = scenario.Config.ToYaml(scenario.Sandbox).Replace("WARNING", "INFO", StringComparison.Ordinal)
            .Replace("discord:\n", "discord:\n  presence: { status: dnd }\n", StringComparison.Ordinal);
        await ReloadAsync(scenario, yaml, "loggingLevel, discord.presence");
        (int Shard, string Payload)[] commands = await Eventually.HoldsAsync(
            scenario.Sandbox.CommandsAsync, commands => commands.Length == Shards, "each shard sends opcode 3", commands => string.Join('\n', commands));

        await Assert.That(commands.Select(command => command.Shard)).IsEquivalentTo([0, 1]);
        await Assert.That(commands.Select(command => command.Payload).Distinct().Single())
            .IsEqualTo("""{"op":3,"d":{"since":null,"activities":[],"status":"dnd","afk":false}}""");
        await UndisturbedAsync(scenario);
    }

    [Test]
    public async Task With_operations_reload_a_file_that_is_replaced_is_read_without_a_signal()
    {
        await using Scenario scenario = await StartAsync(Ready, more: "operations: { reload: true }");
        await File.WriteAllTextAsync(scenario.File("new.yaml"), (scenario.Config with { Forwarding = Messages }).ToYaml(scenario.Sandbox));
        File.Move(scenario.File("new.yaml"), scenario.File("config-0.yaml"), overwrite: true);

        await Eventually.HoldsAsync(() => scenario.Gateway.Errors.Contains("changed from now on: forwarding[0]", StringComparison.Ordinal), "the file is read again", () => scenario.Gateway.Tail);
        await UndisturbedAsync(scenario);
    }

    private static async Task<Scenario> StartAsync(string forwarding, string level = "INFO", string more = Endpoints.Listen, int loops = 1)
    {
        Scenario scenario = await Scenario.StartAsync(Sandbox, new GatewayConfig { Forwarding = forwarding, LoggingLevel = level, More = more, Connections = loops, Loops = loops });
        try
        {
            await scenario.StartReadyGatewayAsync(Shards);
            return scenario;
        }
        catch
        {
            await scenario.DisposeAsync();
            throw;
        }
    }

    /// <summary>What is still on its way from Discord when the file is read again goes by the new rules.</summary>
    private static async Task BurstIsReceivedAsync(Scenario scenario)
    {
        await scenario.Sandbox.BurstAsync(Burst);
        Endpoints endpoints = scenario.Owned(await Endpoints.OfAsync(scenario.Gateway));
        await endpoints.MetricIsAsync("""singateway_dispatch_events_total{event="MESSAGE_CREATE"}""", Burst * Shards);
    }

    private static Task ReloadAsync(Scenario scenario, GatewayConfig config, string changes) => ReloadAsync(scenario, config.ToYaml(scenario.Sandbox), changes);

    private static async Task ReloadAsync(Scenario scenario, string yaml, string changes)
    {
        await File.WriteAllTextAsync(scenario.File("config-0.yaml"), yaml);
        scenario.Gateway.HangUp();
        await Eventually.HoldsAsync(
            () => scenario.Gateway.Errors.Contains($"changed from now on: {changes}", StringComparison.Ordinal), $"the log names what changed: {changes}", () => scenario.Gateway.Tail);
    }

    /// <summary>Each shard has had one connection and one session, and the gateway ends well.</summary>
    private static async Task UndisturbedAsync(Scenario scenario)
    {
        SandboxStatistics end = await scenario.Sandbox.StatisticsAsync();
        await Assert.That((end.Discord.ConnectionsTotal, end.Discord.Identifies, end.Discord.ResumesOk)).IsEqualTo((Shards, Shards, 0));
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);
    }
}
