using System.Text.RegularExpressions;
using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>What workers want sent to Discord gets there on the right shard, and nothing else does.</summary>
[ParallelLimiter<FewAtATime>]
internal sealed class CommandTests
{
    private const int Shards = 4;
    private const int Guilds = 2;
    private const string Sandbox = "--shards 4 --max-concurrency 4 --guilds 2";
    private const string Presence = """{"op":3,"d":{"since":null,"activities":[{"name":"the bus","type":3}],"status":"idle","afk":false}}""";

    private static readonly string[] Events = ["GUILD_CREATE", "GUILD_MEMBERS_CHUNK"];

    [Test]
    [Arguments("json")]
    [Arguments("msgpack")]
    [Arguments("etf")]
    public async Task Members_are_asked_for_on_the_shard_that_has_the_guild_and_come_to_a_worker(string encoding)
    {
        (Scenario scenario, WorkerClient worker) = await StartAsync(encoding: encoding);
        await using Scenario owned = scenario;

        await worker.CommandAsync(3, $$$"""{"op":8,"d":{"guild_id":"{{{GuildOf(worker, 3)}}}","user_ids":["80351110224678912"],"nonce":"n-é"}}""");
        await Eventually.HoldsAsync(() => worker.Count("GUILD_MEMBERS_CHUNK") == 1, "the members come", () => $"{worker.Explain}\n{scenario.Tails}");

        (int shard, string payload) = (await scenario.Sandbox.CommandsAsync()).Single();
        await Assert.That(shard).IsEqualTo(3);
        await Assert.That(payload).Contains($"\"guild_id\":\"{GuildOf(worker, 3)}\"").And.Contains("80351110224678912");
        await EndAsync(scenario, "op 8: 1 Sent");
    }

    [Test]
    public async Task A_presence_reaches_every_shard()
    {
        (Scenario scenario, WorkerClient worker) = await StartAsync();
        await using Scenario owned = scenario;

        await worker.CommandAllAsync(Presence);
        (int Shard, string Payload)[] commands = await ArrivedAsync(scenario, Shards);

        await Assert.That(string.Join(' ', commands.Select(command => command.Shard).Order())).IsEqualTo("0 1 2 3");
        await EndAsync(scenario, "op 3: 4 Sent");
    }

    [Test]
    public async Task A_command_for_a_shard_that_is_away_follows_its_resume()
    {
        (Scenario scenario, WorkerClient worker) = await StartAsync();
        await using Scenario owned = scenario;
        await scenario.Sandbox.OrderAsync("/discord/hold-hello?count=1");
        await scenario.Sandbox.OrderAsync("/discord/drop?shard=3");
        await scenario.HoldsAsync(statistics => !statistics.Discord.Shards.Single(shard => shard.Shard == 3).Connected, "shard 3 is away");

        await worker.CommandAsync(3, Leave(worker, 3));
        await worker.CommandAsync(3, Leave(worker, 0));

        // One connection keeps the order: when the later command has arrived, the earlier one waits.
        await Assert.That((await ArrivedAsync(scenario, 1)).Single().Shard).IsEqualTo(0);
        await scenario.Sandbox.OrderAsync("/discord/release");
        await Assert.That((await ArrivedAsync(scenario, 2))[^1].Shard).IsEqualTo(3);

        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Discord.ResumesOk).IsEqualTo(1);
        await EndAsync(scenario, "op 4: 2 Sent");
    }

    [Test]
    public async Task What_Discord_would_close_for_never_reaches_it()
    {
        (Scenario scenario, WorkerClient worker) = await StartAsync();
        await using Scenario owned = scenario;
        ulong guild = GuildOf(worker, 1);
        string[] refused =
        [
            "\"hello\"",
            "{}",
            """{"op":2,"d":{"token":"x"}}""",
            """{"op":6,"d":{}}""",
            """{"op":3,"d":{"status":"away","activities":[],"since":null,"afk":false}}""",
            """{"op":3,"d":{"status":"idle","activities":[],"since":null,"afk":false},"shard":4}""",
            $$$"""{"op":4,"d":{"guild_id":"{{{guild}}}","channel_id":"general"}}""",
            $$$"""{"op":4,"d":{"guild_id":"{{{guild}}}","channel_id":null},"shard":2}""",
            """{"op":8,"d":{"query":"","limit":0},"shard":1}""",
            $$$"""{"op":31,"d":{"guild_ids":["{{{guild}}}","{{{GuildOf(worker, 2)}}}"]}}""",
            $$$"""{"op":43,"d":{"guild_id":"{{{guild}}}","fields":["{{{new string('x', 4_096)}}}"]}}""",
        ];

        foreach (string command in refused)
        {
            await worker.CommandAsync(1, command);
        }

        await worker.CommandAsync(1, Leave(worker, 1));
        await Assert.That((await ArrivedAsync(scenario, 1)).Single().Payload).Contains("\"op\":4");
        await scenario.Gateway.SaysAsync("Commands of workers that were not sent");
        await Assert.That(Regex.Count(scenario.Gateway.Errors, "Commands of workers that were not sent")).IsBetween(1, 2);
        await EndAsync(
            scenario,
            "op 3: 1 Invalid, 1 NotHere; op 4: 1 Sent, 1 Invalid, 1 Misrouted; op 8: 1 Invalid; op 31: 1 Misrouted; op 43: 1 TooLarge; "
            + "other: 2 Malformed, 2 NotForWorkers");
    }

    [Test]
    public async Task Without_the_key_commands_are_ignored_and_the_key_is_named_once()
    {
        (Scenario scenario, WorkerClient worker) = await StartAsync(more: "");
        await using Scenario owned = scenario;

        await worker.CommandAllAsync(Presence);
        await worker.CommandAsync(1, Leave(worker, 1));
        await Eventually.HoldsAsync(
            () => scenario.Gateway.Errors.Contains("commands.enabled", StringComparison.Ordinal), "the key is named", () => scenario.Tails);

        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);
        await Assert.That(await scenario.Sandbox.CommandsAsync()).IsEmpty();
        await Assert.That(Regex.Count(scenario.Gateway.Errors, "commands\\.enabled")).IsEqualTo(1);
    }

    [Test]
    public async Task A_command_finds_the_gateway_of_its_shard_among_several()
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox);
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        WorkerClient worker = scenario.Owned(await WorkerClient.ConnectAsync(scenario.Sandbox, Events));
        GatewayConfig config = new()
        {
            RedisDsn = redis.Dsn,
            Forwarding = GatewayConfig.ToWorkers,
            More = "clustering: {enabled: true, clusterCount: 2, clusterShards: 2}\ncommands: {enabled: true}",
        };
        GatewayProcess[] gateways =
        [
            scenario.StartGateway(config.ToYaml(scenario.Sandbox), "--cluster", "0"), scenario.StartGateway(config.ToYaml(scenario.Sandbox), "--cluster", "1"),
        ];
        await scenario.HoldsAsync(
            statistics => statistics.Discord.IsConnected(Shards) && statistics.Singyeong.Clients.Count(client => client.App == "gateway") == 2, "both are ready");
        await EveryGuildIsKnownAsync(scenario, worker);

        int[] order = [3, 0, 2, 1];
        foreach (int shard in order)
        {
            await worker.CommandAsync(shard, Leave(worker, shard));
        }

        (int Shard, string Payload)[] commands = await ArrivedAsync(scenario, Shards);
        await Assert.That(commands.All(command => command.Payload.Contains($"{GuildOf(worker, command.Shard)}", StringComparison.Ordinal))).IsTrue();

        // Both get it; who has not the shard refuses it.
        await worker.CommandAllAsync(Leave(worker, 2));
        await Assert.That((await ArrivedAsync(scenario, Shards + 1))[^1].Shard).IsEqualTo(2);
        await Eventually.HoldsAsync(() => gateways[0].Errors.Contains("not of this gateway", StringComparison.Ordinal), "it is refused", () => scenario.Tails);
        foreach (GatewayProcess gateway in gateways)
        {
            await Assert.That(await gateway.TerminateAsync()).IsEqualTo(0);
        }

        await Assert.That(gateways[0].Errors).Contains("Commands of workers: op 4: 2 Sent, 1 NotHere\n");
        await Assert.That(gateways[1].Errors).Contains("Commands of workers: op 4: 3 Sent\n");
    }

    private static async Task<(Scenario Scenario, WorkerClient Worker)> StartAsync(string more = "commands: {enabled: true}", string encoding = "json")
    {
        Scenario scenario = await Scenario.StartAsync(Sandbox, new GatewayConfig
        {
            Encoding = encoding,
            Forwarding = GatewayConfig.ToWorkers.Replace("\"MESSAGE_CREATE\"", "\"GUILD_MEMBERS_CHUNK\"", StringComparison.Ordinal),
            More = more,
        });
        try
        {
            WorkerClient worker = scenario.Owned(await WorkerClient.ConnectAsync(scenario.Sandbox, [.. Events, "READY"]));
            await scenario.StartReadyGatewayAsync(Shards);
            await EveryGuildIsKnownAsync(scenario, worker);
            return (scenario, worker);
        }
        catch
        {
            await scenario.DisposeAsync();
            throw;
        }
    }

    private static Task EveryGuildIsKnownAsync(Scenario scenario, WorkerClient worker) => Eventually.HoldsAsync(
        () => worker.Count("GUILD_CREATE") == Guilds * Shards, "every guild is known", () => $"{worker.Explain}\n{scenario.Tails}");

    /// <summary>Waits for so many commands, and answers those that came.</summary>
    private static Task<(int Shard, string Payload)[]> ArrivedAsync(Scenario scenario, int count) => Eventually.HoldsAsync(
        scenario.Sandbox.CommandsAsync,
        commands => commands.Length >= count,
        $"{count} commands arrive",
        commands => $"{string.Join('\n', commands)}\n{scenario.Tails}");

    /// <summary>Stops the gateway: what became of the commands stands in its log, and no connection was lost over one.</summary>
    private static async Task EndAsync(Scenario scenario, string counts)
    {
        int code = await scenario.Gateway.TerminateAsync();

        await Assert.That(code).IsEqualTo(0);
        await Assert.That(scenario.Gateway.Errors).Contains($"Commands of workers: {counts}\n");
        SandboxStatistics end = await scenario.Sandbox.StatisticsAsync();
        await Assert.That(end.Discord.Identifies).IsEqualTo(Shards);
        await Assert.That(end.Discord.ServerCloses).IsEmpty();
        await Assert.That(end.Discord.ProtocolErrors).IsEqualTo(0);
        await Assert.That(end.Singyeong.ConnectionsTotal).IsEqualTo(2);
    }

    private static string Leave(WorkerClient worker, int shard) => $$$"""{"op":4,"d":{"guild_id":"{{{GuildOf(worker, shard)}}}","channel_id":null}}""";

    private static ulong GuildOf(WorkerClient worker, int shard) => worker.SeqsOfGuild.Keys.First(guild => (int)((guild >> 22) % Shards) == shard);
}
