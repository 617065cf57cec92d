using System.Net;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using SinGateway.Configuration;
using SinGateway.Discord;
using SinGateway.Forwarding;
using SinGateway.Loop;
using SinGateway.Operations;
using SinGateway.Sessions;
using SinGateway.Singyeong;
using SinGateway.Spooling;
using SinGateway.WebSockets;

namespace SinGateway;

/// <summary>What a run is built of.</summary>
internal sealed partial class Gateway
{
    /// <summary>Whether anything that is spoken to now or later is wss: 신경, the gateway, or where a session is to be resumed.</summary>
    private bool NeedsTls(ShardPlan plan, GatewayBotInfo? info) =>
        configuration.Singyeong.Tls
        || (info is null ? configuration.DiscordApiBaseUrl.Scheme == Uri.UriSchemeHttps : new Uri(info.Url).Scheme == Uri.UriSchemeWss)
        || plan.Stored.Any(record => ShardSettings.ResumeUri(record.ResumeUrl)?.Scheme == Uri.UriSchemeWss);

    /// <summary>With Redis, IDENTIFYs are agreed on with the bot's other processes.</summary>
    private IIdentifyQueue Identifies(EventLoop loop, ISessionStore store, RedisConnection? redis)
    {
        ILogger logger = services.Loggers.CreateLogger("shard");
        if (redis is null)
        {
            return new IdentifyQueue(loop, (IIdentifyLedger)store, logger);
        }

        var permits = new RedisPermits(redis, configuration.RedisPrefix, PermitTimes.OfDiscord, generation?.Prefix ?? "");
        return new SharedIdentifyQueue(loop, permits, () => RandomNumberGenerator.GetHexString(32, lowercase: true), logger);
    }

    private Spool? OpenSpool(EventLoop loop, in SpoolMemoryPlan memory) => configuration.Spool is not { } spool
        ? null
        : Spool.Open(
            new SpoolOptions
            {
                Directory = spool.Directory,
                Cluster = cluster,
                Generation = generation is { Prefix.Length: > 0 } own ? own.Prefix.Replace(':', '-') : "",
                MaxSize = spool.MaxSize,
                MemoryLimit = memory.Memory,
                BlockSize = memory.Block,
            },
            loop,
            services.Loggers.CreateLogger("spool"));

    private ShardFleet Build(
        EventLoops running,
        TlsContext? tls,
        GatewayBotInfo? info,
        ShardPlan plan,
        ISessionStore store,
        SpoolFeed? feed,
        GatewayRest rest,
        CancellationToken stop)
    {
        var resolver = new NameResolver(TimeProvider.System, (host, cancellation) => Dns.GetHostAddressesAsync(host, cancellation));
        IIdentifyQueue identifies = Identifies(running.First, store, tenure?.Connection);
        ILogger shardLogger = services.Loggers.CreateLogger("shard");
        ShardSettings[] settings = [];
        var refresh = new GatewayBotRefresh(
            rest.GetGatewayBotAsync, TimeProvider.System, Apply, () => _ended.TrySetResult(WrongToken), _logger, stop);
        settings = [.. running.All.Select(SettingsOf)];
        foreach (ShardSettings own in settings)
        {
            ShardSettings[] others = [.. settings.Where(other => other != own)];
            own.Turns.Limited += wait => Array.ForEach(others, other => other.Loop.Post(() => other.Turns.Hold(wait)));
        }

        identifies.RefreshWanted += refresh.Request;
        if (info is null)
        {
            refresh.Request();
        }
        else
        {
            identifies.Update(info.SessionStartLimit);
        }

        Dictionary<int, Session> sessions = plan.Stored.ToDictionary(
            record => record.ShardId, record => new Session(record.ShardId, record.SessionId!, record.ResumeUrl, record.Seq));
        LoopShards[] loops = [.. settings.Select((own, index) => BuildLoop(index, running.All.Count, own, plan, sessions, store, feed))];
        if (configuration.Listen is not null)
        {
            running.First.Post(new StatusPublisher(services.Board, cluster, loops, identifies, feed?.Spool, configuration.CommandsEnabled).Start);
        }

        var report = new FleetReport(loops, identifies, _logger);
        report.Progress.Said += text => ThreadPool.QueueUserWorkItem(services.Notifier.Status, text, preferLocal: false);
        return new ShardFleet(loops, report, feed, _logger);

        ShardSettings SettingsOf(EventLoop loop) => new()
        {
            Loop = loop,
            Dialer = new Dialer(loop, resolver.ResolveAsync, tls),
            Keys = new MaskingKeys(),
            Token = configuration.Token,
            Intents = configuration.Intents,
            ShardCount = plan.Total,
            LargeThreshold = configuration.LargeThreshold,
            Presence = configuration.Presence,
            Compression = configuration.Compression,
            GatewayUrl = info is null ? null : new Uri(info.Url),
            Identifies = loop == running.First ? identifies : new PostedIdentifyTurns(loop, running.First, identifies, shardLogger),
            Turns = new ResumeTurns(loop, running.All.Count),
            Revoked = new RevokedSessions(),
            GatewayUnreachable = refresh.Request,
            Random = new Random(),
            Logger = shardLogger,
            Faults = services.Board.Faults,
            GiveUp = closeCode => _ = GiveUpAsync(closeCode, plan.Total, rest, stop),
        };

        void Apply(GatewayBotInfo fresh)
        {
            // Each loop knows the URL before one of its shards is let identify: that is posted later.
            var url = new Uri(fresh.Url);
            Array.ForEach(settings, own => own.Loop.Post(() => own.GatewayUrl = url));
            running.First.Post(() => identifies.Update(fresh.SessionStartLimit));
        }
    }

    /// <summary>A loop's 신경 connections with their shards.</summary>
    /// <param name="index">Of the loop.</param>
    /// <param name="count">Of the loops, over which connections are dealt out in turn.</param>
    /// <param name="settings">Of the loop's shards.</param>
    /// <param name="plan">Of this process.</param>
    /// <param name="sessions">The stored ones, by shard.</param>
    /// <param name="store">Of all sessions.</param>
    /// <param name="feed">Of the spool; null without one.</param>
    private LoopShards BuildLoop(
        int index, int count, ShardSettings settings, ShardPlan plan, Dictionary<int, Session> sessions, ISessionStore store, SpoolFeed? feed)
    {
        var routes = new RouteTable(configuration.Forwarding, cluster, plan.Total);
        ShardGroup[] groups =
        [
            .. Enumerable.Range(0, Math.Min(configuration.SingyeongConnections, plan.Count))
                .Where(connection => connection % count == index)
                .Select(connection => BuildGroup(connection, settings, plan, sessions, routes, feed)),
        ];
        Shard[] shards = [.. groups.SelectMany(group => group.Shards).OrderBy(shard => shard.Id)];
        var writer = new SessionWriter(store, shards.Length, services.Loggers.CreateLogger("sessions"), tenure is null ? null : tenure.OnStoreRefused);
        return new LoopShards(settings, groups, new SessionSaver(settings.Loop, shards, plan.Total, writer), feed, _logger);
    }

    /// <summary>One 신경 connection with the shards that are its own.</summary>
    /// <param name="connection">From 0.</param>
    /// <param name="settings">Of the loop's shards.</param>
    /// <param name="plan">Of this process.</param>
    /// <param name="sessions">The stored ones, by shard.</param>
    /// <param name="routes">Of the loop.</param>
    /// <param name="feed">Of the spool; null without one.</param>
    private ShardGroup BuildGroup(
        int connection, ShardSettings settings, ShardPlan plan, Dictionary<int, Session> sessions, RouteTable routes, SpoolFeed? feed)
    {
        ILogger logger = services.Loggers.CreateLogger(configuration.SingyeongConnections == 1 ? "singyeong" : $"singyeong-{connection}");
        int[] ids = plan.ShardsOf(connection, configuration.SingyeongConnections);
        EventLoop loop = settings.Loop;
        long limit = feed is null
            ? configuration.OutboxBytes
            : new SpoolMemoryPlan(configuration.OutboxBytes, Math.Min(configuration.SingyeongConnections, plan.Count)).Outbox;
        bool isMuted = generation?.IsMuted == true;
        var delivery = new Delivery(limit, [.. configuration.Forwarding.Select(Policy)], () => loop.Now, logger, configuration.OutboxBytes / 2);
        var client = new SingyeongClient(loop, settings.Dialer, settings.Keys, Identity(plan, connection, isMuted ? [] : ids), delivery, new Random(), logger);
        client.Refused += message => _ended.TrySetResult(new(ExitCode.BrokerRefused, message));
        delivery.Poisoned += new PoisonedDispatches(client.Binary, logger, feed is null ? null : feed.SetAside).Say;
        var forwarder = new Forwarder(loop, routes, client, settings.Keys, services.Loggers.CreateLogger("forwarding"), feed);
        Shard[] shards = [.. ids.Select(id => new Shard(id, settings, forwarder, sessions.GetValueOrDefault(id)))];
        var group = new ShardGroup(
            connection,
            loop,
            client,
            forwarder,
            shards,
            plan.Total,
            configuration.WhenFull,
            logger,
            configuration.CommandsEnabled,
            isMuted ? Identity(plan, connection, ids) : null);
        feed?.Connect(group, ids);
        return group;
    }

    private UnroutedPolicy Policy(ForwardingRule rule) => UnroutedPolicy.Of(rule, configuration.Singyeong.Encoding);

    /// <summary>
    /// The client id says bot, shard count, cluster, connection and fence by four (G21): never one that the holder before may still have,
    /// and never more than four, since 신경 remembers each for ever.
    /// </summary>
    private SingyeongIdentity Identity(ShardPlan plan, int connection, int[] shards)
    {
        SingyeongDsn dsn = configuration.Singyeong;
        string clientId = $"singateway-{_bot}-{plan.Total}-{cluster}-{connection}-{(tenure?.Token.Fence ?? 0) % 4}";
        var uri = new UriBuilder(dsn.Tls ? "wss" : "ws", dsn.Host, dsn.Port, "/gateway/websocket") { Query = $"encoding={dsn.EncodingName}" }.Uri;
        return new SingyeongIdentity(
            uri,
            clientId,
            SingyeongMessages.Heartbeat(clientId),
            SingyeongMessages.Identify(
                clientId, dsn.ApplicationId, dsn.Password, cluster, shards, plan.Total, configuration.SingyeongNamespace, configuration.SingyeongMetadata),
            dsn.Encoding);
    }
}
