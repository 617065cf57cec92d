using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>Workers that list slots of guilds share the guilds: each gets all of its own, in order, and nothing else.</summary>
[ParallelLimiter<FewAtATime>]
internal sealed class GuildSlotTests
{
    private const int Slots = 16;

    private const string ToSlots = """
        forwarding:
          type: "send"
          target:
            application: "worker"
            ops:
              - {"path":"/slots","op":"$contains","to":{"value":"{{GUILD_SLOT:16}}"}}
          events: ["GUILD_CREATE", "MESSAGE_CREATE"]
        """;

    [Test]
    public async Task A_worker_gets_all_of_the_guilds_in_its_slots_in_order()
    {
        const int Shards = 4, Guilds = 10, Bursts = 3, EventsOfShard = 500, Workers = 3;
        await using Scenario scenario = await Scenario.StartAsync(
            $"--shards {Shards} --max-concurrency {Shards} --guilds {Guilds}", new GatewayConfig { Forwarding = ToSlots });
        List<(WorkerClient Client, int[] Slots)> workers = [];
        for (int i = 0; i < Workers; i++)
        {
            int[] slots = [.. Enumerable.Range(0, Slots).Where(slot => slot % Workers == i)];
            workers.Add((scenario.Owned(await WorkerClient.ConnectAsync(scenario.Sandbox, [], $"worker-{i}", slots)), slots));
        }

        await scenario.StartReadyGatewayAsync(Shards);
        for (int burst = 0; burst < Bursts; burst++)
        {
            await scenario.Sandbox.BurstAsync(EventsOfShard);
        }
        const int Messages = Shards * Bursts * EventsOfShard;
        await Eventually.HoldsAsync(
            () => workers.Sum(worker => worker.Client.Count("MESSAGE_CREATE")) >= Messages,
            "every message is delivered",
            () => string.Join('\n', workers.Select(worker => worker.Client.Explain)));
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);

        await Assert.That(workers.Sum(worker => worker.Client.Count("MESSAGE_CREATE"))).IsEqualTo(Messages);
        await Assert.That(workers.Sum(worker => worker.Client.Count("GUILD_CREATE"))).IsEqualTo(Shards * Guilds);
        await Assert.That(workers.Sum(worker => worker.Client.SeqsOfGuild.Count)).IsEqualTo(Shards * Guilds);
        foreach ((WorkerClient client, int[] slots) in workers)
        {
            await Assert.That(client.SeqsOfGuild.Count).IsGreaterThan(0);
            foreach ((ulong guild, IReadOnlyCollection<long> seqs) in client.SeqsOfGuild.Select(pair => (pair.Key, (IReadOnlyCollection<long>)pair.Value)))
            {
                await Assert.That(slots).Contains((int)((guild >> 22) % Slots));
                await Assert.That(seqs.Count).IsEqualTo(1 + Bursts * EventsOfShard / Guilds);
                await Assert.That(seqs.SequenceEqual(seqs.Order())).IsTrue();
            }
        }
    }
}
