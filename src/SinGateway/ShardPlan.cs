using Microsoft.Extensions.Logging;
using SinGateway.Configuration;
using SinGateway.Discord;
using SinGateway.Sessions;

namespace SinGateway;

/// <summary>Which shards this process runs: [First, First + Count) of Total, and their sessions that the store knows.</summary>
internal sealed partial class ShardPlan
{
    /// <summary>Where the count of stored sessions is looked for: shards that are first to identify.</summary>
    private const int FirstShards = 16;

    /// <summary>How long a store that is away at the start is left alone between two tries.</summary>
    private static readonly TimeSpan StoreRetry = TimeSpan.FromSeconds(2);

    private ShardPlan(int first, int count, int total, IReadOnlyList<SessionRecord> stored)
    {
        First = first;
        Count = count;
        Total = total;
        Stored = [.. stored.Where(record => record.SessionId is not null && (record.ShardCount == 0 || record.ShardCount == total))];
    }

    public int First { get; }

    public int Count { get; }

    public int Total { get; }

    /// <summary>Those that can be resumed: sessions of this shard count, or of a count that nobody wrote down (G22).</summary>
    public IReadOnlyList<SessionRecord> Stored { get; }

    /// <summary>
    /// Sessions can be resumed with what is known of them alone, so an outage of Discord's REST API need not keep them waiting until they
    /// are too old.
    /// </summary>
    public bool CanResumeWithoutRest => Stored.Count > 0 && Stored.All(record => ShardSettings.ResumeUri(record.ResumeUrl) is not null);

    /// <summary>
    /// The shards whose events connection <paramref name="connection"/> of <paramref name="connections"/> carries: each one's neighbours are
    /// on other connections, so that a slice of busy shards is spread.
    /// </summary>
    public int[] ShardsOf(int connection, int connections) =>
        [.. Enumerable.Range(First, Count).Where(shard => (shard - First) % connections == connection)];

    /// <summary>
    /// The plan as far as file and store decide it; null when the count is Discord's to say: without clustering, with <c>auto</c> and
    /// without stored sessions (G22).
    /// </summary>
    public static async Task<ShardPlan?> FromStoreAsync(
        GatewayConfiguration configuration, int cluster, ISessionStore store, ILogger logger, CancellationToken stop)
    {
        if (configuration.Clustering is { } clustering)
        {
            return await LoadAsync(store, cluster * clustering.ClusterShards, clustering.ClusterShards, clustering.TotalShards, logger, stop);
        }

        int count = configuration.ShardCount ?? StoredCount(await LoadAsync(store, 0, FirstShards, logger, stop));
        return count > 0 ? await LoadAsync(store, 0, count, count, logger, stop) : null;
    }

    /// <summary>The plan with the count that Discord recommends, or with that of any stored session.</summary>
    public static async Task<ShardPlan> FromDiscordAsync(int recommended, ISessionStore store, ILogger logger, CancellationToken stop)
    {
        int stored = StoredCount(await LoadAsync(store, 0, recommended, logger, stop));
        int count = stored > 0 ? stored : recommended;
        return await LoadAsync(store, 0, count, count, logger, stop);
    }

    /// <summary>How many of the bot's shards, in all processes, have no session that can be resumed.</summary>
    public async Task<int> CountWithoutSessionAsync(ISessionStore store, ILogger logger, CancellationToken stop) =>
        Total - (await LoadAsync(store, 0, Total, Total, logger, stop)).Stored.Count;

    private static int StoredCount(IReadOnlyList<SessionRecord> stored) => stored.Select(record => record.ShardCount).FirstOrDefault(count => count > 0);

    private static async Task<ShardPlan> LoadAsync(ISessionStore store, int first, int count, int total, ILogger logger, CancellationToken stop) =>
        new(first, count, total, await LoadAsync(store, first, count, logger, stop));

    /// <summary>Reads the store, for as long as it takes: to start without the sessions would cost an IDENTIFY for each of them.</summary>
    private static async Task<IReadOnlyList<SessionRecord>> LoadAsync(ISessionStore store, int first, int count, ILogger logger, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                return await store.LoadAsync(first, count, stop);
            }
            catch (IOException away)
            {
                LogStoreAway(logger, away.Message);
                await Task.Delay(StoreRetry, stop);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Cause}; no shard starts before its stored session is known, trying again")]
    private static partial void LogStoreAway(ILogger logger, string cause);
}
