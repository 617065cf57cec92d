using Microsoft.Extensions.Logging.Abstractions;
using SinGateway.Configuration;
using SinGateway.Sessions;
using SinGateway.Tests.Configuration;

namespace SinGateway.Tests;

public sealed class ShardPlanTests
{
    [Test]
    public async Task With_clustering_the_file_decides()
    {
        ShardPlan plan = (await FromStoreAsync(new Store(), shardCount: null, clustering: new ClusteringOptions(4, 8), cluster: 2))!;

        await Assert.That((plan.First, plan.Count, plan.Total, plan.Stored.Count)).IsEqualTo((16, 8, 32, 0));
    }

    [Test]
    public async Task A_number_decides_against_what_is_stored()
    {
        ShardPlan plan = (await FromStoreAsync(new Store(Record(0, 4), Record(1, 4)), shardCount: 8))!;

        await Assert.That((plan.Total, plan.Stored.Count)).IsEqualTo((8, 0)).Because("sessions of another count cannot be resumed");
    }

    [Test]
    public async Task With_auto_the_stored_count_stays_without_asking_Discord()
    {
        ShardPlan plan = (await FromStoreAsync(new Store(Record(1, 4), Record(3, 4)), shardCount: null))!;

        await Assert.That((plan.First, plan.Count, plan.Total, plan.Stored.Count)).IsEqualTo((0, 4, 4, 2));
    }

    [Test]
    public async Task With_auto_and_nothing_stored_Discord_decides()
    {
        Store store = new();

        await Assert.That(await FromStoreAsync(store, shardCount: null)).IsNull();
        ShardPlan plan = await ShardPlan.FromDiscordAsync(16, store, NullLogger.Instance, CancellationToken.None);
        await Assert.That((plan.First, plan.Count, plan.Total)).IsEqualTo((0, 16, 16));
    }

    [Test]
    public async Task Sessions_without_a_count_match_any()
    {
        Store store = new(Record(0, 0), Record(1, 0));

        await Assert.That(await FromStoreAsync(store, shardCount: null)).IsNull().Because("they do not say how many shards there are");
        ShardPlan plan = await ShardPlan.FromDiscordAsync(2, store, NullLogger.Instance, CancellationToken.None);
        await Assert.That(plan.Stored.Count).IsEqualTo(2);
    }

    [Test]
    public async Task A_stored_session_far_behind_decides_too()
    {
        ShardPlan plan = await ShardPlan.FromDiscordAsync(64, new Store(Record(40, 48)), NullLogger.Instance, CancellationToken.None);

        await Assert.That((plan.Total, plan.Stored.Count)).IsEqualTo((48, 1));
    }

    [Test]
    [Arguments("wss://gateway-1.example", true)]
    [Arguments(null, false)]
    [Arguments("https://gateway-1.example", false)]
    public async Task Sessions_that_say_where_to_resume_do_not_wait_for_the_REST_API(string? resumeUrl, bool expected)
    {
        ShardPlan plan = (await FromStoreAsync(new Store(Record(0, 2), Record(1, 2) with { ResumeUrl = resumeUrl }), shardCount: 2))!;

        await Assert.That(plan.CanResumeWithoutRest).IsEqualTo(expected);
        await Assert.That((await FromStoreAsync(new Store(), shardCount: 2))!.CanResumeWithoutRest).IsFalse();
    }

    [Test]
    [Arguments(1)]
    [Arguments(3)]
    [Arguments(8)]
    public async Task Each_shard_is_on_one_connection_and_each_connection_has_its_share(int connections)
    {
        ShardPlan plan = (await FromStoreAsync(new Store(), shardCount: null, clustering: new ClusteringOptions(4, 8), cluster: 2))!;

        int[][] shards = [.. Enumerable.Range(0, connections).Select(connection => plan.ShardsOf(connection, connections))];

        await Assert.That(shards.SelectMany(own => own).Order()).IsEquivalentTo(Enumerable.Range(16, 8));
        await Assert.That(shards.Max(own => own.Length) - shards.Min(own => own.Length)).IsLessThanOrEqualTo(1);
    }

    private static Task<ShardPlan?> FromStoreAsync(Store store, int? shardCount, ClusteringOptions? clustering = null, int cluster = 0) =>
        ShardPlan.FromStoreAsync(
            Sample.Load(Sample.Text).Configuration! with { ShardCount = shardCount, Clustering = clustering },
            cluster,
            store,
            NullLogger.Instance,
            CancellationToken.None);

    private static SessionRecord Record(int shardId, int shardCount) =>
        new() { ShardId = shardId, ShardCount = shardCount, SessionId = $"session-{shardId}", ResumeUrl = "wss://gateway-0.example", Seq = 1 };

    private sealed class Store(params SessionRecord[] records) : ISessionStore
    {
        public ValueTask<IReadOnlyList<SessionRecord>> LoadAsync(int firstShard, int count, CancellationToken cancellationToken) =>
            new([.. records.Where(record => record.ShardId >= firstShard && record.ShardId < firstShard + count)]);

        public ValueTask SaveAsync(ReadOnlyMemory<SessionRecord> saved, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
