using System.Text.Json;
using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>What stands in the log, and what must never stand there.</summary>
[ParallelLimiter<FewAtATime>]
internal sealed class LogTests
{
    private const int Shards = 4;
    private const string Password = "broker/pass+word";
    private const string RedisPassword = "redis:pass@word";

    [Test]
    [Arguments("text")]
    [Arguments("json")]
    public async Task No_secret_is_logged_at_DEBUG_whatever_happens(string format)
    {
        RedisServer redis = await RedisServer.StartWithPasswordAsync(RedisPassword);
        await using RedisServer ownedRedis = redis;
        GatewayConfig config = new()
        {
            LoggingLevel = "DEBUG", SingyeongPassword = Uri.EscapeDataString(Password), RedisDsn = redis.Dsn, More = $"logFormat: {format}",
        };
        await using Scenario scenario = await Scenario.StartAsync(
            $"--shards {Shards} --max-concurrency {Shards} --heartbeat-interval 1500 --singyeong-password {Password}", config);
        string yaml = config.ToYaml(scenario.Sandbox);
        HashSet<string> sessions = [];
        await RunThroughFaultsAsync(scenario, redis, yaml, sessions);
        await Assert.That(sessions.Count).IsGreaterThan(Shards).Because("a session has ended and another has begun");
        string log = scenario.Tails + scenario.Gateway.Errors + scenario.Gateway.Output;
        string[] secrets =
        [
            config.Token, config.Token.Split('.')[^1], Password, Uri.EscapeDataString(Password), RedisPassword, Uri.EscapeDataString(RedisPassword), .. sessions,
        ];
        await Assert.That(secrets.Where(secret => log.Contains(secret, StringComparison.Ordinal))).IsEmpty();
        await Assert.That(log).Contains("DEBUG").And.DoesNotContain("\e[").Because("stderr is no terminal here");
        if (format == "json")
        {
            await EveryLineIsAnEntryAsync(scenario.Gateway.Errors);
        }
    }

    [Test]
    public async Task In_JSON_the_last_line_of_a_refusal_is_an_entry_too()
    {
        await using Scenario scenario = await Scenario.StartAsync("--singyeong-password right", new GatewayConfig { SingyeongPassword = "wrong", More = "logFormat: json" });
        scenario.StartGateway();

        await Assert.That(await scenario.Gateway.WaitForExitAsync()).IsEqualTo(4);
        using JsonDocument last = JsonDocument.Parse(scenario.Gateway.LastLine);
        await Assert.That(last.RootElement.GetProperty("level").GetString()).IsEqualTo("CRITICAL");
        await Assert.That(last.RootElement.GetProperty("message").GetString()).Contains("the password in singyeongDSN");
    }

    [Test]
    public async Task Many_shards_that_reconnect_write_few_lines_and_a_count()
    {
        const int Many = 64;
        await using Scenario scenario = await Scenario.StartAsync($"--shards {Many} --max-concurrency {Many}", new GatewayConfig { More = Endpoints.Listen });
        await scenario.StartReadyGatewayAsync(Many);
        Endpoints endpoints = scenario.Owned(await Endpoints.OfAsync(scenario.Gateway));
        await scenario.Sandbox.OrderAsync("/discord/drop");
        await endpoints.MetricIsAsync("""singateway_sessions_total{result="resumed"}""", Many);
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);

        string[] lost = [.. scenario.Gateway.Errors.Split('\n').Where(line => line.Contains("lost its connection", StringComparison.Ordinal))];
        await Assert.That(lost.Length).IsEqualTo(11);
        await Assert.That(lost[^1]).EndsWith("(repeated 54 times in 60 s)");
        await Assert.That(scenario.Gateway.Errors).Contains("has resumed its session (repeated 54 times in 60 s)");
    }

    [Test]
    public async Task When_an_IDENTIFY_cannot_be_noted_the_log_says_so_and_why_the_connection_ends()
    {
        await using Scenario scenario = await Scenario.StartAsync("--shards 2 --max-concurrency 2");
        await scenario.StartReadyGatewayAsync(2);
        await Eventually.HoldsAsync(() => TryCreateDirectory(scenario.File("singateway.state.tmp")), "what is written beside the state file is in the way");
        await scenario.Sandbox.OrderAsync("/discord/op9?shard=1&resumable=false");

        await Eventually.HoldsAsync(
            () => scenario.Gateway.Errors.Contains("No shard can identify, since the IDENTIFY cannot be noted first: state file", StringComparison.Ordinal)
                && scenario.Gateway.Errors.Contains("Shard 1 lost its connection: the IDENTIFY could not be counted, or came too late; ", StringComparison.Ordinal),
            "both are said",
            () => scenario.Gateway.Tail);
        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Discord.Identifies).IsEqualTo(2);
    }

    private static bool TryCreateDirectory(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
            return true;
        }
        catch (IOException)
        {
            // The gateway is writing there just now.
            return false;
        }
    }

    /// <param name="scenario">Has no gateway yet, and has had one then.</param>
    /// <param name="redis">Where its sessions are.</param>
    /// <param name="yaml">Its configuration.</param>
    /// <param name="sessions">Takes the ids of all sessions that were seen.</param>
    private static async Task RunThroughFaultsAsync(Scenario scenario, RedisServer redis, string yaml, HashSet<string> sessions)
    {
        await scenario.Sandbox.OrderAsync("/discord/rest?count=1&status=500");
        GatewayProcess gateway = scenario.StartGateway(yaml);
        await ReadyAsync(scenario, sessions);
        await scenario.Sandbox.PaceAsync(200);
        foreach (string fault in (string[])[
            "/discord/drop?shard=0", "/discord/close?shard=1&code=4000&reason=why", "/discord/op7?shard=2", "/discord/op9?shard=3&resumable=false", "/discord/corrupt?shard=0",
            "/discord/refuse-resume?count=1&shard=1", "/discord/drop?shard=1", "/discord/stall-acks?shard=2", "/discord/send-raw?shard=3",
            "/singyeong/drop?application=gateway", "/singyeong/goodbye?application=gateway", "/singyeong/close?application=gateway&code=1011",
        ])
        {
            SandboxStatistics before = await scenario.Sandbox.StatisticsAsync();
            await OrderAsync(scenario, fault, fault.Contains("send-raw", StringComparison.Ordinal) ? "no JSON" : "");
            await scenario.HoldsAsync(
                statistics => fault.Contains("refuse", StringComparison.Ordinal)
                    || statistics.Discord.ConnectionsTotal + statistics.Singyeong.ConnectionsTotal > before.Discord.ConnectionsTotal + before.Singyeong.ConnectionsTotal,
                $"{fault} is answered by another connection");
            await ReadyAsync(scenario, sessions);
        }

        await Eventually.HoldsAsync(
            async () =>
            {
                await OrderAsync(scenario, "/discord/send-raw?shard=0", """{"op":99}""");
                return gateway.Errors.Contains("unknown opcode 99", StringComparison.Ordinal);
            },
            said => said,
            "a line of DEBUG is written",
            _ => gateway.Tail);
        await redis.RestartAsync();
        await Eventually.HoldsAsync(() => gateway.Errors.Contains("is back", StringComparison.Ordinal), "Redis is back", () => gateway.Tail);
        await File.WriteAllTextAsync(scenario.File("config-0.yaml"), yaml + "tokn: x\n");
        gateway.HangUp();
        await Eventually.HoldsAsync(() => gateway.Errors.Contains("nothing changes", StringComparison.Ordinal), "the file is refused", () => gateway.Tail);
        await File.WriteAllTextAsync(
            scenario.File("config-0.yaml"), yaml.Replace("token: \"", "token: \"x", StringComparison.Ordinal).Replace("intents: 513", "intents: 1", StringComparison.Ordinal));
        gateway.HangUp();
        await Eventually.HoldsAsync(() => gateway.Errors.Contains("need a restart", StringComparison.Ordinal), "the change is named", () => gateway.Tail);
        await scenario.Sandbox.PaceAsync(0);
        await Assert.That(await gateway.TerminateAsync()).IsEqualTo(0);
    }

    /// <summary>Repeats an order until it meets a connection: a machine that stands still may cost one at any time. A refusal waits for one itself.</summary>
    private static Task OrderAsync(Scenario scenario, string order, string body) => Eventually.HoldsAsync(
        () => scenario.Sandbox.OrderAsync(order, body),
        hit => hit > 0 || order.Contains("refuse", StringComparison.Ordinal),
        $"{order} meets a connection",
        _ => scenario.Tails);

    /// <summary>One connection to 신경 alone: after a goodbye the former may still be known for a moment, and an order would meet that.</summary>
    private static async Task ReadyAsync(Scenario scenario, HashSet<string> sessions)
    {
        SandboxStatistics ready = await scenario.HoldsAsync(
            statistics => statistics.Discord.Shards.Count(shard => shard.Connected) == Shards
                && statistics.Singyeong.Connections == 1 && statistics.Singyeong.Has("gateway"),
            "all shards and 신경 are connected");
        sessions.UnionWith(ready.Discord.Shards.Select(shard => shard.Session));
    }

    private static async Task EveryLineIsAnEntryAsync(string log)
    {
        bool hasShard = false;
        foreach (string line in log.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using JsonDocument entry = JsonDocument.Parse(line);
            await Assert.That(entry.RootElement.GetProperty("time").GetDateTimeOffset()).IsGreaterThan(DateTimeOffset.UnixEpoch);
            await Assert.That(entry.RootElement.GetProperty("level").GetString()).IsNotEmpty();
            await Assert.That(entry.RootElement.GetProperty("message").GetString()).IsNotEmpty();
            hasShard |= entry.RootElement.GetProperty("category").GetString() == "shard" && entry.RootElement.TryGetProperty("shard", out JsonElement shard) && shard.GetInt32() == 3;
        }
        await Assert.That(hasShard).IsTrue();
    }
}
