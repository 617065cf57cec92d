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

namespace SinGateway;

/// <summary>
/// One run of the gateway: reads what is stored, asks Discord for its gateway, builds the loops and everything on them, waits until it is told
/// to stop or is refused for good, and saves. All of this is slow and happens off the loops.
/// </summary>
/// <param name="configuration">Of all processes of the bot.</param>
/// <param name="cluster">The index of this one.</param>
/// <param name="loops">Over how many loops its connections to 신경 and their shards are split, at most one for each connection (G24).</param>
/// <param name="tenure">The lease under which it runs; null without Redis.</param>
/// <param name="generation">What it does beside another shard count; null without Redis.</param>
/// <param name="services">Of the process.</param>
internal sealed partial class Gateway(
    GatewayConfiguration configuration, int cluster, int loops, LeaseTenure? tenure, GenerationTenure? generation, ProcessServices services)
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

    /// <summary>A loop has failed, in whatever state: nobody answers any more.</summary>
    private readonly TaskCompletionSource<Outcome> _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
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

    /// <summary>Lets <see cref="Use"/> reach the loops, and what was to be used since the start.</summary>
    private void BeginUse(ShardFleet fleet, int shardCount)
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
                fleet.Use(() => new RouteTable(changed.Forwarding, cluster, shardCount), [.. changed.Forwarding.Select(Policy)]);
            }

            if (!before.Presence.Equals(changed.Presence))
            {
                fleet.Show(changed.Presence);
            }
        }
    }

    /// <summary>The loops are about to end.</summary>
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
        int connections = Math.Min(configuration.SingyeongConnections, plan.Count);
        using var running = new EventLoops(Math.Min(loops, connections), TimeProvider.System);

        // Its last file operation has ended when it is disposed: the fleet closes it. With a spool there is one loop.
        var memory = new SpoolMemoryPlan(configuration.OutboxBytes, connections);
        using Spool? spool = OpenSpool(running.First, memory);
        SpoolFeed? feed = spool is null ? null : new SpoolFeed(running.First, spool, configuration.Spool!.Commits, services.Loggers.CreateLogger("spool"));
        ShardFleet fleet = Build(running, tls, info, plan, store, feed, rest, stop);
        using IDisposable? guard = tenure?.Guard(running.All, fleet.Abandon);
        if (tenure is not null)
        {
            // What Redis lost with its connection, if it was restarted, is written again (G20).
            tenure.StoreCameBack += fleet.RequireFullWrite;
        }

        running.Start(Fail);
        fleet.Start();
        BeginUse(fleet, plan.Total);
        using IDisposable watched = services.Watchdog.Watch(running.PostThroughAll);
        services.Notifier.Ready();
        if (generation is not null)
        {
            fleet.TellWhetherReady();
            generation.Watch(fleet, Retire);
        }

        _ = ReleaseStartupMemoryAsync(stop);

        using CancellationTokenRegistration asked = stop.Register(() => _ended.TrySetResult(Asked()));
        Outcome outcome = await _ended.Task;
        EndUse();
        services.Board.Stage = StatusStage.Stopping;
        tenure?.WaitNoMore();
        LogStopping(outcome.Message.Length > 0 ? outcome.Message : "asked to stop");

        Task<FleetEnd[]> ending = _retires ? fleet.RetireAsync() : fleet.StopAsync();
        using CancellationTokenRegistration hurried = _retires ? stop.Register(fleet.HurryUp) : default;
        if (await Task.WhenAny(_failed.Task, ending) == _failed.Task)
        {
            // What was committed a second before is stored.
            return await _failed.Task;
        }

        FleetEnd[] ends = await ending;
        using var savePatience = new CancellationTokenSource(LastSavePatience);
        await fleet.SaveAsync(ends, LastState, savePatience.Token);
        if (_retires)
        {
            await generation!.LeaveAsync();
        }

        return outcome;
    }

    private void Fail(Exception failure)
    {
        Outcome outcome = new(ExitCode.Unexpected, $"unexpected error on the loop, please report it: {failure}");
        _failed.TrySetResult(outcome);
        _ended.TrySetResult(outcome);
    }

    /// <summary>What the next process is to find of sessions that have ended here with this state.</summary>
    private SessionRecord[] LastState(SessionRecord[] final)
    {
        if (tenure is { IsLost: true })
        {
            return [];
        }

        // With auto the stored count would decide again at the next start (G22), and these sessions are of no use with another.
        // Those of a generation that has been replaced are dead.
        return _countIsWrong || _retires ? [.. final.Select(record => record with { SessionId = null })] : final;
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
