using System.Net;
using System.Net.Sockets;
using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>Who refuses for good ends the process with a code of its own, and without spending IDENTIFYs on it.</summary>
[ParallelLimiter<FewAtATime>]
internal sealed class RefusalTests
{
    [Test]
    public async Task A_token_that_REST_does_not_take_exits_with_3() =>
        await EndsAsync("--token another", new GatewayConfig(), exitCode: 3, "refuses the token (HTTP 401): set token");

    [Test]
    [Arguments(4004, "refuses the token (4004): set token")]
    [Arguments(4010, "refuses the shard count 1 (4010): it recommends 1,")]
    [Arguments(4011, "more shards than 1 (4011): it recommends 1;")]
    [Arguments(4012, "4012")]
    [Arguments(4013, "the intents 513 invalid (4013)")]
    [Arguments(4014, "one of its intents (4014)")]
    public async Task A_refused_IDENTIFY_exits_with_3(int closeCode, string named) =>
        await EndsAsync("", new GatewayConfig(), exitCode: 3, named, order: $"/discord/refuse-identify?code={closeCode}", identifies: 1);

    [Test]
    public async Task A_privileged_intent_that_the_bot_does_not_have_exits_with_3() =>
        await EndsAsync("--disallowed-intents 32768", new GatewayConfig { Intents = "[GUILDS, MESSAGE_CONTENT]" }, exitCode: 3, "the privileged intent MESSAGE_CONTENT (4014)", identifies: 1);

    [Test]
    public async Task An_intent_that_Discord_does_not_document_exits_with_3_and_is_named() =>
        await EndsAsync("", new GatewayConfig { Intents = "131585" }, exitCode: 3, "it documents no bit 17 (131072); remove it", identifies: 1);

    [Test]
    [Arguments("--singyeong-password right", "wrong")]
    [Arguments("--singyeong-password right", null)]
    [Arguments("", "given")]
    public async Task A_restricted_connection_exits_with_4_and_before_any_IDENTIFY(string sandbox, string? password) =>
        await EndsAsync(sandbox, new GatewayConfig { SingyeongPassword = password }, exitCode: 4, "password");

    [Test]
    public async Task A_second_process_on_the_state_file_exits_with_5()
    {
        await using Scenario scenario = await Scenario.StartAsync("");
        await scenario.StartReadyGatewayAsync(shards: 1);
        GatewayProcess first = scenario.Gateway;

        GatewayProcess second = scenario.StartGateway();
        await Assert.That(await second.WaitForExitAsync()).IsEqualTo(5);
        await Assert.That(second.LastLine).Contains("singateway.state");

        await scenario.Sandbox.BurstAsync(10);
        await Eventually.HoldsAsync(scenario.Sandbox.StatisticsAsync, statistics => statistics.Ledger.Distinct == 10, "the first goes on", _ => first.Tail);
        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Discord.Identifies).IsEqualTo(1);
    }

    [Test]
    [Arguments("--token another", "", 3, "refuses the token")]
    [Arguments("--singyeong-password right", "", 4, "password")]
    [Arguments("", "spool: { directory: /no/such/directory }", 2, "/no/such/directory")]
    public async Task One_that_is_to_stay_says_why_and_waits_for_SIGTERM(string sandbox, string more, int exitCode, string named)
    {
        await using Scenario scenario = await Scenario.StartAsync(sandbox, new GatewayConfig { More = $"{Endpoints.Listen}\n{more}" });
        GatewayProcess gateway = scenario.StartGateway(scenario.Config.ToYaml(scenario.Sandbox), "--stay-when-refused");
        await using Endpoints endpoints = await Endpoints.OfAsync(gateway);

        await Eventually.HoldsAsync(
            () => endpoints.GetAsync("/readyz"), answer => answer.Status == 503 && answer.Body.Contains(named), "it says why", answer => $"{answer}\n{gateway.Tail}");
        await Assert.That(await endpoints.GetAsync("/livez")).IsEqualTo((200, "alive, refused\n"));
        await Assert.That(await gateway.TerminateAsync()).IsEqualTo(exitCode);
        await Assert.That(gateway.LastLine).Contains(named);
    }

    [Test]
    [Arguments("")]
    [Arguments("check ")]
    public async Task One_that_is_to_stay_stays_with_a_file_that_cannot_be_read(string command)
    {
        using TemporaryDirectory directory = new();
        File.WriteAllText(Path.Combine(directory.Path, "config.yaml"), "tokken: x");
        await using GatewayProcess gateway = GatewayProcess.Start(directory.Path, $"{command}--stay-when-refused".Split(' '));
        await Eventually.HoldsAsync(() => gateway.Errors.Contains("correct them and start again"), "it names the errors", () => gateway.Tail);

        await Assert.That(gateway.HasExited).IsFalse();
        await Assert.That(await gateway.TerminateAsync()).IsEqualTo(2);
    }

    [Test]
    public async Task One_that_is_to_stay_stays_though_it_cannot_listen_for_who_would_ask_why()
    {
        using TcpListener taken = new(IPAddress.Loopback, 0);
        taken.Start();
        await using Scenario scenario = await Scenario.StartAsync("", new GatewayConfig { More = $"operations: {{ listen: \"{taken.LocalEndpoint}\" }}" });
        GatewayProcess gateway = scenario.StartGateway(scenario.Config.ToYaml(scenario.Sandbox), "--stay-when-refused");
        await gateway.SaysAsync("nothing is tried again");

        await Assert.That(gateway.HasExited).IsFalse();
        await Assert.That(await gateway.TerminateAsync()).IsEqualTo(2);
        await Assert.That(gateway.LastLine).Contains("Address already in use");
    }

    private static async Task EndsAsync(string sandbox, GatewayConfig config, int exitCode, string named, string? order = null, int identifies = 0)
    {
        await using Scenario scenario = await Scenario.StartAsync(sandbox, config);
        if (order is not null)
        {
            await scenario.Sandbox.OrderAsync(order);
        }
        scenario.StartGateway();

        await Assert.That(await scenario.Gateway.WaitForExitAsync()).IsEqualTo(exitCode);
        await Assert.That(scenario.Gateway.LastLine).Contains(named);
        await Assert.That(scenario.Gateway.Errors).DoesNotContain(config.Token);
        SandboxStatistics end = await scenario.Sandbox.StatisticsAsync();
        await Assert.That(end.Discord.Identifies).IsEqualTo(identifies);
        await Assert.That(end.Discord.Violations).IsEmpty();
    }
}
