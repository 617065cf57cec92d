using System.Net;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using SinGateway.Configuration;
using SinGateway.Discord;
using SinGateway.Forwarding;
using SinGateway.Generations;
using SinGateway.Loop;
using SinGateway.Operations;
using SinGateway.Sessions;
using SinGateway.Singyeong;
using SinGateway.Spooling;
using SinGateway.WebSockets;

namespace SinGateway;

/// <summary>
/// One run of the gateway: reads what is stored, asks Discord for its gateway, builds the loop and everything on it, waits until it is told
/// to stop or is refused for good, and saves. All of this is slow and happens off the loop.
/// </summary>
/// <param name="configuration">Of all processes of the bot.</param>
/// <param name="cluster">The index of this one.</param>
/// <param name="redis">Where IDENTIFYs are agreed on; null without Redis.</param>
/// <param name="tenure">The lease under which it runs; null without Redis.</param>
/// <param name="generation">What it does beside another shard count; null without Redis.</param>
/// <param name="services">Of the process.</param>
internal sealed partial class Gateway(
    GatewayConfiguration configuration, int cluster, RedisConnection? redis, LeaseTenure? tenure, GenerationTenure? generation, ProcessServices services)
{
    /// <summary>Descriptors beside those of the shards: 신경, store, log, and connections that are being closed while new ones are made.</summary>
    private const int OtherDescriptors = 64;

    /// <summary>When reading the file, asking Discord and the first connections are over, and their memory may go.</summary>
    private static readonly TimeSpan StartupEnds = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan LastSavePatience = TimeSpan.FromSeconds(5);

    private static readonly Outcome WrongToken = new(ExitCode.DiscordRefused, FatalClose.Unauthorized);

    private readonly ILogger _logger = services.Loggers.CreateLogger("gateway");
    private readonly string _bot = BotId.FromToken(configuration.Token);

    /// <summary>Ends with the first reason to end: asked to, or refused for good.</summary>
    private readonly TaskCompletionSource<Outcome> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _reloading = new();
    private GatewayConfiguration? _used;
    private Action<GatewayConfiguration, GatewayConfiguration>? _apply;
    private int _givesUp;
    private bool _countIsWrong;
    private volatile bool _retires;

    /// <summary>
    /// From now on, events go by the rules of <paramref name="changed"/> and sessions show its presence; nothing else of it is looked at. Any
    /// thread.
    /// </summary>
    public void Use(GatewayConfiguration changed)
    {
        lock (_reloading)
        {
            GatewayConfiguration before = _used ?? configuration;
            _used = changed;
            _apply?.Invoke(before, changed);
        }
    }

    /// <summary>Lets <see cref="Use"/> reach the loop, and what was to be used since the start.</summary>
    private void BeginUse(EventLoop loop, ShardFleet fleet, ShardSettings settings)
    {
        lock (_reloading)
        {
            _apply = Apply;
            Apply(configuration, _used ?? configuration);
        }

        void Apply(GatewayConfiguration before, GatewayConfiguration changed)
        {
            if (before.Forwarding != changed.Forwarding)
            {
                var routes = new RouteTable(changed.Forwarding, cluster, settings.ShardCount);
                UnroutedPolicy[] policies = [.. changed.Forwarding.Select(Policy)];
                loop.Post(() => fleet.Use(routes, policies));
            }

            if (!before.Presence.Equals(changed.Presence))
            {
                loop.Post(() =>
                {
                    settings.Presence = changed.Presence;
                    fleet.ShowPresence();
                });
            }
        }
    }

    /// <summary>The loop is about to end.</summary>
    private void EndUse()
    {
        lock (_reloading)
        {
            _apply = null;
        }
    }

    /// <summary>Runs until <paramref name="stop"/> is cancelled or someone refuses for good.</summary>
    /// <param name="store">The caller's to dispose.</param>
    /// <param name="stop">Asks to stop, or says that the lease is lost: the outcome is then <see cref="ExitCode.HeldElsewhere"/>.</param>
    public async Task<Outcome> RunAsync(ISessionStore store, CancellationToken stop)
    {
        LogStarting(configuration.Singyeong, configuration.Redis?.ToString() ?? configuration.StateFile, configuration.Forwarding.Count);
        using var rest = new GatewayRest(
            configuration.DiscordApiBaseUrl.OriginalString, configuration.Token, TimeProvider.System, Random.Shared, services.Loggers.CreateLogger("rest"));
        ShardPlan? plan = await ShardPlan.FromStoreAsync(configuration, cluster, store, _logger, stop);
        GatewayBotInfo? info = null;
        switch (plan?.CanResumeWithoutRest == true && generation?.IsMuted != true ? await rest.AskOnceAsync(stop) : await rest.GetGatewayBotAsync(stop))
        {
            case GatewayBotOutcome.Success success:
                info = success.Info;
                LogBudget(info.Shards, info.SessionStartLimit.Remaining, info.SessionStartLimit.MaxConcurrency);
                break;
            case GatewayBotOutcome.Refused refused:
                return new(ExitCode.DiscordRefused, refused.Message);
            case GatewayBotOutcome.Unauthorized:
                return WrongToken;
            default:
                LogWithoutRest(plan!.Stored.Count);
                break;
        }

        plan ??= await ShardPlan.FromDiscordAsync(info!.Shards, store, _logger, stop);
        if (configuration is { Clustering: null, ShardCount: null } && info is not null && info.Shards != plan.Total)
        {
            LogOtherCount(info.Shards, plan.Total);
        }

        if (generation is not null)
        {
            await generation.BeginAsync(plan.Total, stop);
            if (generation.IsMuted && await BudgetRefusalAsync(plan, info!.SessionStartLimit, store, stop) is { } refusal)
            {
                return new(ExitCode.BadConfiguration, refusal);
            }
        }

        LogPlan(plan.First, plan.First + plan.Count - 1, plan.Total, plan.Stored.Count);
        long descriptors = SystemCalls.RaiseDescriptorLimit();
        if (descriptors < plan.Count + OtherDescriptors)
        {
            return new(
                ExitCode.BadConfiguration,
                $"{plan.Count} shards need {plan.Count + OtherDescriptors} open files, and the limit here is {descriptors}: raise it (ulimit -n, LimitNOFILE)");
        }

        using TlsContext? tls = NeedsTls(plan, info) ? TlsContext.Create() : null;
        using var loop = new EventLoop(TimeProvider.System);
        var writer = new SessionWriter(store, plan.Count, services.Loggers.CreateLogger("sessions"), tenure is null ? null : tenure.OnStoreRefused);

        // Its last file operation has ended when it is disposed: the fleet closes it.
        var memory = new SpoolMemoryPlan(configuration.OutboxBytes, Math.Min(configuration.SingyeongConnections, plan.Count));
        using Spool? spool = OpenSpool(loop, memory);
        SpoolFeed? feed = spool is null ? null : new SpoolFeed(loop, spool, configuration.Spool!.Commits, services.Loggers.CreateLogger("spool"));
        (ShardFleet fleet, ShardSettings settings) = Build(loop, tls, info, plan, Identifies(loop, store), writer, feed, rest, stop);
        using IDisposable? guard = tenure?.Guard(loop, fleet.Abandon);
        if (tenure is not null)
        {
            // What Redis lost with its connection, if it was restarted, is written again (G20).
            tenure.StoreCameBack += writer.RequireFullWrite;
        }

        loop.Failed += failure => _ended.TrySetResult(new(ExitCode.Unexpected, $"unexpected error on the loop, please report it: {failure}"));
        loop.Start();
        loop.Post(fleet.Start);
        BeginUse(loop, fleet, settings);
        using IDisposable watched = services.Watchdog.Watch(loop.Post);
        services.Notifier.Ready();
        if (generation is not null)
        {
            loop.Post(fleet.TellWhetherReady);
            generation.Watch(fleet, Retire);
        }

        _ = ReleaseStartupMemoryAsync(stop);

        using CancellationTokenRegistration asked = stop.Register(() => _ended.TrySetResult(Asked()));
        Outcome outcome = await _ended.Task;
        EndUse();
        services.Board.Stage = StatusStage.Stopping;
        tenure?.WaitNoMore();
        LogStopping(outcome.Message.Length > 0 ? outcome.Message : "asked to stop");

        if (outcome.Code == ExitCode.Unexpected)
        {
            // The loop is no more; what was committed a second ago is stored.
            return outcome;
        }

        var drained = new TaskCompletionSource<SessionRecord[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        SessionRecord[] final;
        if (_retires)
        {
            loop.Post(() => fleet.Retire(drained.SetResult));
            using CancellationTokenRegistration hurried = stop.Register(() => loop.Post(fleet.HurryUp));
            final = await drained.Task;
        }
        else
        {
            loop.Post(() => fleet.Stop(drained.SetResult));
            final = await drained.Task;
        }

        using var savePatience = new CancellationTokenSource(LastSavePatience);
        if (tenure is { IsLost: true })
        {
            final = [];
        }
        else if (_countIsWrong || _retires)
        {
            // With auto the stored count would decide again at the next start (G22), and these sessions are of no use with
            // another. Those of a generation that has been replaced are dead.
            final = [.. final.Select(record => record with { SessionId = null })];
        }

        await writer.StopAsync(final, savePatience.Token);
        if (_retires)
        {
            await generation!.LeaveAsync();
        }

        return outcome;
    }

    private void Retire(string cause)
    {
        _retires = true;
        _ended.TrySetResult(new(ExitCode.Stopped, cause));
    }

    /// <summary>Why a second generation may not identify; null when the session starts that are left suffice for all of it, and the reserve.</summary>
    private async Task<string?> BudgetRefusalAsync(ShardPlan plan, SessionStartLimit limit, ISessionStore store, CancellationToken stop)
    {
        int needed = plan.Stored.Count == plan.Count ? 0 : await plan.CountWithoutSessionAsync(store, _logger, stop);
        int reserve = SessionStartBudget.ReserveOf(limit.Total);
        return needed == 0 || limit.Remaining >= needed + reserve
            ? null
            : $"{plan.Total} shards beside those that forward need {needed} IDENTIFYs, and {reserve} are kept in reserve; Discord allows {limit.Remaining} more for the next {(limit.ResetAfterMs + 59_999) / 60_000} minutes: start again after that";
    }

    private Outcome Asked() => tenure is { IsLost: true } ? new(ExitCode.HeldElsewhere, tenure.LossMessage) : new(ExitCode.Stopped);

    private static async Task ReleaseStartupMemoryAsync(CancellationToken stop)
    {
        await Task.Delay(StartupEnds, stop);
        StartupMemory.Release();
    }

    /// <summary>Whether anything that is spoken to now or later is wss: 신경, the gateway, or where a session is to be resumed.</summary>
    private bool NeedsTls(ShardPlan plan, GatewayBotInfo? info) =>
        configuration.Singyeong.Tls
        || (info is null ? configuration.DiscordApiBaseUrl.Scheme == Uri.UriSchemeHttps : new Uri(info.Url).Scheme == Uri.UriSchemeWss)
        || plan.Stored.Any(record => ShardSettings.ResumeUri(record.ResumeUrl)?.Scheme == Uri.UriSchemeWss);

    /// <summary>With Redis, IDENTIFYs are agreed on with the bot's other processes.</summary>
    private IIdentifyQueue Identifies(EventLoop loop, ISessionStore store)
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

    private (ShardFleet Fleet, ShardSettings Settings) Build(
        EventLoop loop,
        TlsContext? tls,
        GatewayBotInfo? info,
        ShardPlan plan,
        IIdentifyQueue identifies,
        SessionWriter writer,
        SpoolFeed? feed,
        GatewayRest rest,
        CancellationToken stop)
    {
        var resolver = new NameResolver(TimeProvider.System, (host, cancellation) => Dns.GetHostAddressesAsync(host, cancellation));
        var dialer = new Dialer(loop, resolver.ResolveAsync, tls);
        var keys = new MaskingKeys();
        ILogger shardLogger = services.Loggers.CreateLogger("shard");
        GatewayBotRefresh refresh = null!;
        var settings = new ShardSettings
        {
            Loop = loop,
            Dialer = dialer,
            Keys = keys,
            Token = configuration.Token,
            Intents = configuration.Intents,
            ShardCount = plan.Total,
            LargeThreshold = configuration.LargeThreshold,
            Presence = configuration.Presence,
            Compression = configuration.Compression,
            GatewayUrl = null,
            Identifies = identifies,
            Turns = new ResumeTurns(loop),
            Revoked = new RevokedSessions(),
            GatewayUnreachable = () => refresh.Request(),
            Random = new Random(),
            Logger = shardLogger,
            Faults = services.Board.Faults,
            GiveUp = closeCode => _ = GiveUpAsync(closeCode, plan.Total, rest, stop),
        };
        refresh = new GatewayBotRefresh(
            rest.GetGatewayBotAsync, TimeProvider.System, fresh => loop.Post(() => Apply(fresh)), () => _ended.TrySetResult(WrongToken), _logger, stop);
        identifies.RefreshWanted += refresh.Request;
        if (info is null)
        {
            refresh.Request();
        }
        else
        {
            Apply(info);
        }

        Dictionary<int, Session> sessions = plan.Stored.ToDictionary(
            record => record.ShardId, record => new Session(record.ShardId, record.SessionId!, record.ResumeUrl, record.Seq));
        var routes = new RouteTable(configuration.Forwarding, cluster, plan.Total);
        ShardGroup[] groups =
        [
            .. Enumerable.Range(0, Math.Min(configuration.SingyeongConnections, plan.Count)).Select(connection => BuildGroup(connection, settings, plan, sessions, routes, feed)),
        ];
        Shard[] shards = [.. groups.SelectMany(group => group.Shards).OrderBy(shard => shard.Id)];
        if (configuration.Listen is not null)
        {
            loop.Post(new StatusPublisher(services.Board, cluster, groups, settings, writer.SaveTime, feed?.Spool, configuration.CommandsEnabled).Start);
        }

        var progress = new StartProgress(loop, shards, identifies, settings.Turns, _logger);
        progress.Said += text => ThreadPool.QueueUserWorkItem(services.Notifier.Status, text, preferLocal: false);
        return (new ShardFleet(loop, groups, progress, new SessionSaver(loop, shards, plan.Total, writer), feed, _logger), settings);

        void Apply(GatewayBotInfo fresh)
        {
            settings.GatewayUrl = new Uri(fresh.Url);
            identifies.Update(fresh.SessionStartLimit);
        }
    }

    /// <summary>One 신경 connection with the shards that are its own.</summary>
    /// <param name="connection">From 0.</param>
    /// <param name="settings">Of all shards.</param>
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

    /// <summary>Ends the run with what the close code means. A wrong shard count is explained with the one that Discord recommends now.</summary>
    private async Task GiveUpAsync(int closeCode, int shardCount, GatewayRest rest, CancellationToken stop)
    {
        if (Interlocked.Exchange(ref _givesUp, 1) == 1)
        {
            return;
        }

        int? recommended = null;
        if (FatalClose.IsOfShardCount(closeCode) && await rest.AskOnceAsync(stop) is GatewayBotOutcome.Success success)
        {
            recommended = success.Info.Shards;
            _countIsWrong = configuration is { Clustering: null, ShardCount: null } && recommended != shardCount;
        }

        _ended.TrySetResult(new(ExitCode.DiscordRefused, FatalClose.Explain(closeCode, shardCount, recommended, configuration.Intents)));
    }

    /// <summary>Whoever speaks etf is answered; json and msgpack are not, when the target has ops (singyeong.md, bugs).</summary>
    private UnroutedPolicy Policy(ForwardingRule rule) => new(
        rule.Holds,
        (long)rule.HoldFor.TotalMilliseconds,
        rule.Target.Application ?? Lane.AnyApplication,
        rule.Target.HasOps && configuration.Singyeong.Encoding != SingyeongEncoding.Etf);

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

    [LoggerMessage(Level = LogLevel.Information, Message = "Starting: events go to {Broker}, sessions are kept in {Store}; forwarding rules: {Rules}")]
    private partial void LogStarting(SingyeongDsn broker, string store, int rules);

    [LoggerMessage(Level = LogLevel.Information, Message = "Discord recommends {Shards} shards; {Remaining} session starts are left today, {MaxConcurrency} at a time")]
    private partial void LogBudget(int shards, int remaining, int maxConcurrency);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Discord's REST API does not answer; {Stored} stored sessions are resumed meanwhile, and shards without one wait for it")]
    private partial void LogWithoutRest(int stored);

    [LoggerMessage(Level = LogLevel.Information, Message = "Shards {First} to {Last} of {Total}; {Stored} stored sessions to resume")]
    private partial void LogPlan(int first, int last, int total, int stored);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Discord recommends {Recommended} shards; the stored sessions are of {Kept}, which stays. Set discord.shardCount to change it, at one IDENTIFY a shard.")]
    private partial void LogOtherCount(int recommended, int kept);

    [LoggerMessage(Level = LogLevel.Information, Message = "Stopping: {Cause}")]
    private partial void LogStopping(string cause);
}
