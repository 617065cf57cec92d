using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>
/// Shards spread over several connections to 신경, on one loop or two (G24): each event arrives, in its shard's order, and commands find their
/// shard.
/// </summary>
[ParallelLimiter<FewAtATime>]
internal sealed class ConnectionTests
{
    private const int Shards = 8;
    private const int Connections = 3;
    private const string Sandbox = "--shards 8 --max-concurrency 8 --guilds 2 --heartbeat-interval 1500";

    [Test]
    [Arguments(1)]
    [Arguments(2)]
    public async Task Nothing_is_lost_and_each_shard_keeps_its_order_when_connections_are_cut_and_the_gateway_is_killed(int loops)
    {
        const int Burst = 300;
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, new GatewayConfig { Connections = Connections, Loops = loops });
        await scenario.StartReadyGatewayAsync(Shards);
        string[] clients = await ClientsAsync(scenario);

        // Only of the start: after a cut, 신경 may still know the connection before, and refuses its id until it has read that to its end.
        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Singyeong.DuplicateIds).IsEqualTo(0);
        await scenario.SessionsAreStoredAsync();

        await scenario.Sandbox.BurstAsync(Burst);
        await scenario.Sandbox.OrderAsync("/singyeong/drop?application=gateway");
        await scenario.Sandbox.BurstAsync(Burst);
        await scenario.EverythingArrivesAsync(2L * Burst * Shards);
        await scenario.Sandbox.BurstAsync(Burst);
        await scenario.Gateway.KillAsync();
        await scenario.Sandbox.BurstAsync(Burst);
        await scenario.StartReadyGatewayAsync(Shards);

        SandboxStatistics end = await scenario.EverythingArrivesAsync(4L * Burst * Shards);
        await Assert.That(await ClientsAsync(scenario)).IsEquivalentTo(clients).Because("each new id costs the server memory for ever");
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);
        await Assert.That(end.Ledger.Wrong).IsEqualTo(0);
        await Assert.That(end.Ledger.OutOfOrder).IsEqualTo(0);
        await Assert.That(end.Discord.Identifies).IsEqualTo(Shards);
        await Assert.That(end.Discord.ResumesRefused).IsEqualTo(0);
    }

    [Test]
    [Arguments(1)]
    [Arguments(2)]
    public async Task A_termination_waits_until_every_connection_has_delivered(int loops)
    {
        const int Burst = 500;
        await using Scenario scenario = await Scenario.StartAsync(
            $"{Sandbox} --singyeong-rate 4000", new GatewayConfig { Connections = Connections, Loops = loops });
        await scenario.StartReadyGatewayAsync(Shards);
        await scenario.Sandbox.BurstAsync(Burst);
        await scenario.HoldsAsync(statistics => statistics.Ledger.Distinct > Burst, "the burst is under way");

        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);
        long forwarded = (await scenario.Sandbox.StatisticsAsync()).Ledger.Distinct;
        await Assert.That(scenario.Gateway.Errors).Contains($" forwarded={forwarded} ");

        await scenario.StartReadyGatewayAsync(Shards);
        SandboxStatistics end = await scenario.EverythingArrivesAsync((long)Burst * Shards);
        await Assert.That(end.Ledger.Duplicates).IsEqualTo(0);
        await Assert.That(end.Discord.Identifies).IsEqualTo(Shards);
    }

    [Test]
    [Arguments(1)]
    [Arguments(2)]
    public async Task A_command_goes_to_the_connection_of_its_shard_and_one_for_all_is_sent_once_by_each_shard(int loops)
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, new GatewayConfig
        {
            Connections = Connections,
            Loops = loops,
            Forwarding = GatewayConfig.ToWorkers,
            More = "commands: {enabled: true}",
        });
        WorkerClient worker = scenario.Owned(await WorkerClient.ConnectAsync(scenario.Sandbox, ["READY", "GUILD_CREATE"]));
        await scenario.StartReadyGatewayAsync(Shards);
        await ClientsAsync(scenario);

        for (int shard = 0; shard < Shards; shard++)
        {
            await worker.CommandAsync(shard, $$$"""{"op":4,"shard":{{{shard}}},"d":{"guild_id":"{{{(ulong)(Shards + shard) << 22}}}","channel_id":null}}""");
        }
        (int Shard, string Payload)[] own = await ArrivedAsync(scenario, Shards);
        await Assert.That(own.Select(command => command.Shard).Order()).IsEquivalentTo(Enumerable.Range(0, Shards));

        await worker.CommandAllAsync("""{"op":3,"d":{"since":null,"activities":[],"status":"idle","afk":false}}""");
        (int Shard, string Payload)[] all = await ArrivedAsync(scenario, 2 * Shards);
        await Assert.That(all.Skip(Shards).Select(command => command.Shard).Order()).IsEquivalentTo(Enumerable.Range(0, Shards));
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);
        await Assert.That(scenario.Gateway.Errors).Contains($"Commands of workers: op 3: {Shards} Sent; op 4: {Shards} Sent\n");
    }

    /// <summary>Waits until every connection is there, and answers their ids.</summary>
    private static async Task<string[]> ClientsAsync(Scenario scenario)
    {
        SandboxStatistics seen = await scenario.HoldsAsync(
            statistics => statistics.Singyeong.Clients.Count(client => client.App == "gateway") == Connections, $"{Connections} connections to 신경");
        return [.. seen.Singyeong.Clients.Where(client => client.App == "gateway").Select(client => client.Id).Order()];
    }

    private static Task<(int Shard, string Payload)[]> ArrivedAsync(Scenario scenario, int count) => Eventually.HoldsAsync(
        scenario.Sandbox.CommandsAsync, commands => commands.Length >= count, $"{count} commands arrive", commands => $"{string.Join('\n', commands)}\n{scenario.Tails}");
}
