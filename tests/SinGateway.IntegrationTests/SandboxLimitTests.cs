using System.Diagnostics;
using System.Text.Json;
using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>
/// What other tests take the sandbox's word for: it notices a client that breaks Discord's limits, and says so.
/// </summary>
[ParallelLimiter<FewAtATime>]
internal sealed class SandboxLimitTests
{
    private const string Heartbeat = """{"op":1,"d":null}""";
    private const string Presence = """{"op":3,"d":{"since":null,"activities":[],"status":"online","afk":false}}""";
    private const string AllMembers = """{"op":8,"d":{"guild_id":"41","query":"","limit":0,"nonce":"n1"}}""";

    [Test]
    public async Task The_121st_send_within_a_minute_is_closed_with_4008()
    {
        await using Scenario scenario = await Scenario.StartAsync("");
        await using GatewayClient client = await GatewayClient.ConnectAsync(scenario.Sandbox);
        for (int send = 0; send < 121; send++)
        {
            await client.SendAsync(Heartbeat);
        }

        await Assert.That(await client.ReceiveAsync("no such message")).IsNull();
        await Assert.That(client.CloseCode).IsEqualTo(4008);
        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Discord.SendLimitViolations).IsEqualTo(1);
    }

    [Test]
    public async Task A_payload_above_4096_bytes_is_closed_with_4002()
    {
        await using Scenario scenario = await Scenario.StartAsync("");
        await using GatewayClient client = await GatewayClient.ConnectAsync(scenario.Sandbox);
        await client.SendAsync(Heartbeat.PadRight(4097));

        await Assert.That(await client.ReceiveAsync("no such message")).IsNull();
        await Assert.That(client.CloseCode).IsEqualTo(4002);
    }

    [Test]
    public async Task A_Discord_that_stood_still_does_not_hold_it_against_its_clients()
    {
        const int Interval = 1_000, Patience = Interval * 3 / 2 + 1_000;
        await using Scenario scenario = await Scenario.StartAsync($"--heartbeat-interval {Interval}");
        await using GatewayClient client = await GatewayClient.ConnectAsync(scenario.Sandbox);
        scenario.Sandbox.Stop();
        Stopwatch clock = Stopwatch.StartNew();
        await Eventually.HoldsAsync(() => clock.ElapsedMilliseconds > 2 * Patience, "the time for a heartbeat is over");

        clock.Restart();
        scenario.Sandbox.Continue();

        // It sends none from then on either.
        await Assert.That(await client.ReceiveAsync("no such message")).IsNull();
        await Assert.That(client.CloseCode).IsEqualTo(4000);
        await Assert.That(clock.ElapsedMilliseconds).IsGreaterThanOrEqualTo(Patience);
    }

    [Test]
    public async Task A_second_IDENTIFY_of_a_bucket_within_the_interval_breaks_the_pace()
    {
        await using Scenario scenario = await Scenario.StartAsync("--shards 2 --identify-interval 600000");
        await using GatewayClient first = await GatewayClient.ConnectAsync(scenario.Sandbox);
        await first.IdentifyAsync(shard: 0, shards: 2);
        await first.ReceiveAsync("\"READY\"");
        await using GatewayClient second = await GatewayClient.ConnectAsync(scenario.Sandbox);
        await second.IdentifyAsync(shard: 1, shards: 2);

        await Assert.That(await second.ReceiveAsync("\"op\":9")).IsNotNull();
        DiscordStatistics discord = (await scenario.Sandbox.StatisticsAsync()).Discord;
        await Assert.That(discord.PacingViolations).IsEqualTo(1);
        await Assert.That(discord.IdentifiesByShard[1]).IsEqualTo(1);
    }

    [Test]
    public async Task An_IDENTIFY_in_place_of_a_RESUME_is_a_needless_one()
    {
        await using Scenario scenario = await Scenario.StartAsync("--max-concurrency 1 --identify-interval 0");
        await using GatewayClient first = await GatewayClient.ConnectAsync(scenario.Sandbox);
        await first.IdentifyAsync();
        await first.ReceiveAsync("\"READY\"");
        await first.SendAsync("""{"op":1,"d":1}""");
        await first.ReceiveAsync("\"op\":11");
        await using GatewayClient second = await GatewayClient.ConnectAsync(scenario.Sandbox);
        await second.IdentifyAsync();
        await second.ReceiveAsync("\"READY\"");

        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Discord.IdentifiesNeedless).IsEqualTo(1);
    }

    [Test]
    public async Task The_sixth_presence_within_20_seconds_is_a_violation()
    {
        await using Scenario scenario = await Scenario.StartAsync("");
        await using GatewayClient client = await GatewayClient.ConnectAsync(scenario.Sandbox);
        await client.IdentifyAsync();
        for (int presence = 0; presence < 6; presence++)
        {
            await client.SendAsync(Presence);
        }
        await client.SendAsync(Heartbeat);
        await client.ReceiveAsync("\"op\":11");

        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Discord.PresenceLimitViolations).IsEqualTo(1);
    }

    [Test]
    public async Task All_members_of_a_guild_can_be_asked_for_once_and_then_RATE_LIMITED_says_when_again()
    {
        await using Scenario scenario = await Scenario.StartAsync("");
        await using GatewayClient client = await GatewayClient.ConnectAsync(scenario.Sandbox);
        await client.IdentifyAsync();
        await client.SendAsync(AllMembers);
        await Assert.That(await client.ReceiveAsync("GUILD_MEMBERS_CHUNK")).IsNotNull();
        await client.SendAsync(AllMembers);

        using JsonDocument limited = (await client.ReceiveAsync("RATE_LIMITED"))!;
        JsonElement data = limited.RootElement.GetProperty("d");
        await Assert.That(data.GetProperty("opcode").GetInt32()).IsEqualTo(8);
        await Assert.That(data.GetProperty("retry_after").GetDouble()).IsGreaterThan(0).And.IsLessThanOrEqualTo(30);
        await Assert.That(data.GetProperty("meta").GetProperty("nonce").GetString()).IsEqualTo("n1");
        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Discord.MemberRequestsLimited).IsEqualTo(1);
    }
}
