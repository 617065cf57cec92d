using System.Net;
using Microsoft.Extensions.Logging;
using SinGateway.Configuration;
using SinGateway.Discord;
using SinGateway.Forwarding;
using SinGateway.Loop;
using SinGateway.Operations;
using SinGateway.Sessions;
using SinGateway.Singyeong;
using SinGateway.WebSockets;

namespace SinGateway;

/// <summary>
/// One run of the gateway: reads what is stored, asks Discord for its gateway, builds the loop and everything on it, waits until it is told
/// to stop or is refused for good, and saves. All of this is slow and happens off the loop.
/// </summary>
internal sealed partial class Gateway(GatewayConfiguration configuration, int cluster, ILoggerFactory loggers)
{
    /// <summary>Descriptors beside those of the shards: 신경, store, log, and connections that are being closed while new ones are made.</summary>
    private const int OtherDescriptors = 64;

    /// <summary>How long a store that is away at the start is left alone between two tries.</summary>
    private static readonly TimeSpan StoreRetry = TimeSpan.FromSeconds(2);

    /// <summary>When reading the file, asking Discord and the first connections are over, and their memory may go.</summary>
    private static readonly TimeSpan StartupEnds = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan LastSavePatience = TimeSpan.FromSeconds(5);

    private readonly ILogger _logger = loggers.CreateLogger("gateway");
    private readonly string _bot = BotId.FromToken(configuration.Token);

    /// <summary>Ends with the first reason to end: asked to, or refused for good.</summary>
    private readonly TaskCompletionSource<Outcome> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Runs until <paramref name="stop"/> is cancelled or someone refuses for good.</summary>
    public async Task<Outcome> RunAsync(CancellationToken stop)
    {
        try
        {
            if (configuration.Redis is not { } dsn)
            {
                await using ISessionStore file = FileSessionStore.Open(configuration.StateFile, _bot, loggers.CreateLogger("state"));
                return await RunAsync(file, null, stop);
            }

            await using RedisConnection redis = await RedisConnection.OpenAsync(dsn, loggers.CreateLogger("redis"));
            await using var store = new RedisSessionStore(redis, configuration.RedisPrefix);
            return await RunAsync(store, redis, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return new(ExitCode.Stopped);
        }
        catch (StateFileInUseException inUse)
        {
            return new(ExitCode.HeldElsewhere, inUse.Message);
        }
        catch (IOException unusable)
        {
            return new(ExitCode.BadConfiguration, unusable.Message);
        }
    }

    /// <param name="store">The caller's to dispose.</param>
    /// <param name="redis">The connection of the store, if it is Redis.</param>
    /// <param name="stop">Asks to stop.</param>
    private async Task<Outcome> RunAsync(ISessionStore store, RedisConnection? redis, CancellationToken stop)
    {
        using var rest = new GatewayRest(
            configuration.DiscordApiBaseUrl.OriginalString, configuration.Token, TimeProvider.System, Random.Shared, loggers.CreateLogger("rest"));
        GatewayBotInfo info;
        switch (await rest.GetGatewayBotAsync(stop))
        {
            case GatewayBotOutcome.Success success:
                info = success.Info;
                break;
            case GatewayBotOutcome.Refused refused:
                return new(ExitCode.DiscordRefused, refused.Message);
            default:
                return new(ExitCode.DiscordRefused, "Discord refuses the token (HTTP 401): set token to the bot's current one from the Developer Portal");
        }

        (ShardRange range, IReadOnlyList<SessionRecord> stored) = await LoadSessionsAsync(store, info.Shards, stop);
        LogPlan(range.First, range.First + range.Count - 1, range.Total, stored.Count, info.SessionStartLimit.Remaining, info.SessionStartLimit.MaxConcurrency);

        long descriptors = SystemCalls.RaiseDescriptorLimit();
        if (descriptors < range.Count + OtherDescriptors)
        {
            return new(
                ExitCode.BadConfiguration,
                $"{range.Count} shards need {range.Count + OtherDescriptors} open files, and the limit here is {descriptors}: raise it (ulimit -n, LimitNOFILE)");
        }

        bool usesTls = configuration.Singyeong.Tls || new Uri(info.Url).Scheme == Uri.UriSchemeWss;
        using TlsContext? tls = usesTls ? TlsContext.Create() : null;
        using var loop = new EventLoop(TimeProvider.System);
        var writer = new SessionWriter(store, range.Count, loggers.CreateLogger("sessions"));
        if (redis is not null)
        {
            // What Redis lost with its connection, if it was restarted, is written again (G20).
            redis.Reconnected += writer.RequireFullWrite;
        }

        ShardGroup group = Build(loop, tls, info, range, stored, writer);
        loop.Failed += failure => _ended.TrySetResult(new(ExitCode.Unexpected, $"unexpected error on the loop, please report it: {failure}"));
        loop.Start();
        loop.Post(group.Start);
        _ = ReleaseStartupMemoryAsync(stop);

        using CancellationTokenRegistration asked = stop.Register(() => _ended.TrySetResult(new(ExitCode.Stopped)));
        Outcome outcome = await _ended.Task;
        LogStopping(outcome.Message.Length > 0 ? outcome.Message : "asked to stop");

        if (outcome.Code == ExitCode.Unexpected)
        {
            // The loop is no more; what was committed a second ago is stored.
            return outcome;
        }

        var drained = new TaskCompletionSource<SessionRecord[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(() => group.Stop(() => drained.SetResult(group.FinalRecords())));
        using var patience = new CancellationTokenSource(LastSavePatience);
        await writer.StopAsync(await drained.Task, patience.Token);
        return outcome;
    }

    private static async Task ReleaseStartupMemoryAsync(CancellationToken stop)
    {
        await Task.Delay(StartupEnds, stop);
        StartupMemory.Release();
    }

    /// <summary>
    /// Which shards are ours, and their sessions. Without clustering and with <c>auto</c>, stored sessions decide on the count, since they
    /// can be resumed only with the count that they were identified with (G22).
    /// </summary>
    private async Task<(ShardRange Range, IReadOnlyList<SessionRecord> Stored)> LoadSessionsAsync(ISessionStore store, int recommended, CancellationToken stop)
    {
        ShardRange range = configuration.Clustering is { } clustering
            ? new(cluster * clustering.ClusterShards, clustering.ClusterShards, clustering.TotalShards)
            : new(0, configuration.ShardCount ?? recommended, configuration.ShardCount ?? recommended);
        IReadOnlyList<SessionRecord> stored = await LoadAsync(store, range, stop);
        if (configuration is { Clustering: null, ShardCount: null })
        {
            int kept = stored.Select(record => record.ShardCount).FirstOrDefault(count => count > 0);
            if (kept > 0 && kept != range.Total)
            {
                LogOtherCount(recommended, kept);
                range = new(0, kept, kept);
                stored = await LoadAsync(store, range, stop);
            }
        }

        return (range, [.. stored.Where(record => record.SessionId is not null && (record.ShardCount == 0 || record.ShardCount == range.Total))]);
    }

    /// <summary>Reads the store, for as long as it takes: to start without the sessions would cost an IDENTIFY for each of them.</summary>
    private async Task<IReadOnlyList<SessionRecord>> LoadAsync(ISessionStore store, ShardRange range, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                return await store.LoadAsync(range.First, range.Count, stop);
            }
            catch (IOException away)
            {
                LogStoreAway(away.Message);
                await Task.Delay(StoreRetry, stop);
            }
        }
    }

    private ShardGroup Build(
        EventLoop loop, TlsContext? tls, GatewayBotInfo info, ShardRange range, IReadOnlyList<SessionRecord> stored, SessionWriter writer)
    {
        var resolver = new NameResolver(TimeProvider.System, (host, cancellation) => Dns.GetHostAddressesAsync(host, cancellation));
        var dialer = new Dialer(loop, resolver.ResolveAsync, tls);
        var keys = new MaskingKeys();
        var client = new SingyeongClient(
            loop, dialer, keys, Identity(range), configuration.OutboxBytes, new Random(), loggers.CreateLogger("singyeong"));
        client.Refused += message => _ended.TrySetResult(new(ExitCode.BrokerRefused, message));

        ILogger shardLogger = loggers.CreateLogger("shard");
        var forwarder = new Forwarder(new RouteTable(configuration.Forwarding, cluster), client, keys, loggers.CreateLogger("forwarding"));
        SessionStartLimit limit = info.SessionStartLimit;
        var settings = new ShardSettings
        {
            Loop = loop,
            Dialer = dialer,
            Keys = keys,
            Token = configuration.Token,
            Intents = configuration.Intents,
            ShardCount = range.Total,
            Compression = configuration.Compression,
            GatewayUrl = new Uri(info.Url),
            Identifies = new IdentifyQueue(loop, limit.MaxConcurrency, limit.Total, limit.Remaining, limit.ResetAfterMs, shardLogger),
            Turns = new ResumeTurns(loop),
            Revoked = new RevokedSessions(),
            GatewayUnreachable = () => { },
            Receiver = forwarder,
            Random = new Random(),
            Logger = shardLogger,
            GiveUp = closeCode => _ended.TrySetResult(new(ExitCode.DiscordRefused, FatalClose.Explain(closeCode, range.Total, info.Shards))),
        };
        Dictionary<int, Session> sessions = stored.ToDictionary(
            record => record.ShardId, record => new Session(record.ShardId, record.SessionId!, record.ResumeUrl, record.Seq));
        Shard[] shards = [.. Enumerable.Range(range.First, range.Count).Select(id => new Shard(id, settings, sessions.GetValueOrDefault(id)))];
        return new ShardGroup(loop, client, forwarder, shards, range.Total, writer, _logger);
    }

    /// <summary>
    /// The client id says bot, shard count, cluster, connection and fence (G21), so that it is the same after every start.
    /// </summary>
    private SingyeongIdentity Identity(ShardRange range)
    {
        SingyeongDsn dsn = configuration.Singyeong;
        string clientId = $"singateway-{_bot}-{range.Total}-{cluster}-0-0";
        var uri = new UriBuilder(dsn.Tls ? "wss" : "ws", dsn.Host, dsn.Port, "/gateway/websocket") { Query = $"encoding={dsn.EncodingName}" }.Uri;
        int[] shards = [.. Enumerable.Range(range.First, range.Count)];
        return new SingyeongIdentity(
            uri,
            clientId,
            SingyeongMessages.Heartbeat(clientId),
            SingyeongMessages.Identify(clientId, dsn.ApplicationId, dsn.Password, cluster, shards, range.Total),
            dsn.Encoding);
    }

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Shards {First} to {Last} of {Total}; {Stored} stored sessions to resume; {Remaining} session starts left today, {MaxConcurrency} at a time")]
    private partial void LogPlan(int first, int last, int total, int stored, int remaining, int maxConcurrency);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Discord recommends {Recommended} shards; the stored sessions are of {Kept}, which stays. Set discord.shardCount to change it, at one IDENTIFY a shard.")]
    private partial void LogOtherCount(int recommended, int kept);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Cause}; no shard starts before its stored session is known, trying again")]
    private partial void LogStoreAway(string cause);

    [LoggerMessage(Level = LogLevel.Information, Message = "Stopping: {Cause}")]
    private partial void LogStopping(string cause);

    /// <summary>Shards [First, First + Count) of Total.</summary>
    private readonly record struct ShardRange(int First, int Count, int Total);
}
