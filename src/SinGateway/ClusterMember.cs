using Microsoft.Extensions.Logging;
using SinGateway.Configuration;
using SinGateway.Generations;
using SinGateway.Loop;
using SinGateway.Operations;
using SinGateway.Sessions;
using SinGateway.Spooling;

namespace SinGateway;

/// <summary>
/// One process of a bot. With Redis it waits for a cluster's lease, runs the gateway while it holds it, and waits again when it has lost it
/// (G18, G19); without, the state file's lock does for one process what a lease does for many.
/// </summary>
/// <param name="configuration">Of all processes of the bot.</param>
/// <param name="clusters">The indexes that it may run: one, or all for <c>--cluster auto</c>.</param>
/// <param name="standsBy">False ends with exit code 5 where it would have to wait for another process.</param>
/// <param name="mayBeMuted">It may run beside the generation that forwards (G23).</param>
/// <param name="loops">Over how many loops a run is split (G24).</param>
/// <param name="services">Of all parts.</param>
internal sealed partial class ClusterMember(
    GatewayConfiguration configuration, IReadOnlyList<int> clusters, bool standsBy, bool mayBeMuted, int loops, ProcessServices services)
{
    private static readonly TimeSpan RedisRetry = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan SpoolRetry = TimeSpan.FromSeconds(2);

    /// <summary>
    /// For how long (ms) a cluster whose spool is held is left to others: longer than it takes to find that another cluster is free.
    /// </summary>
    private const long SpoolLeftFor = LeaseWatch.Absence + 4_000;

    private readonly ILogger _logger = services.Loggers.CreateLogger("cluster");
    private readonly string _bot = BotId.FromToken(configuration.Token);

    private readonly Lock _reloading = new();
    private GatewayConfiguration? _changed;
    private Gateway? _running;

    /// <summary>From now on, whoever runs goes by the rules and the presence of <paramref name="changed"/>. Any thread.</summary>
    public void Use(GatewayConfiguration changed)
    {
        lock (_reloading)
        {
            _changed = changed;
            _running?.Use(changed);
        }
    }

    /// <summary>Runs until <paramref name="stop"/> is cancelled or someone refuses for good.</summary>
    public async Task<Outcome> RunAsync(CancellationToken stop)
    {
        try
        {
            if (configuration.Singyeong.Tls || configuration.DiscordApiBaseUrl.Scheme == Uri.UriSchemeHttps || configuration.Redis is { Tls: true })
            {
                // Without authorities every peer would be refused, again and again: better said once (G25).
                CertificateBundle.Find(Environment.GetEnvironmentVariable(CertificateBundle.Variable));
            }

            if (configuration.Redis is not { } dsn)
            {
                await using ISessionStore file = FileSessionStore.Open(configuration.StateFile, _bot, services.Loggers.CreateLogger("state"));
                return await Create(configuration, clusters[0], null, null).RunAsync(file, stop);
            }

            await using RedisConnection redis = await RedisConnection.OpenAsync(dsn, services.Loggers.CreateLogger("redis"));
            return await RunAsync(redis, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return new(ExitCode.Stopped);
        }
        catch (Exception held) when (held is StateFileInUseException or SpoolInUseException or LeaseHeldException)
        {
            return new(ExitCode.HeldElsewhere, held.Message);
        }
        catch (IOException unusable)
        {
            return new(ExitCode.BadConfiguration, unusable.Message);
        }
    }

    private async Task<Outcome> RunAsync(RedisConnection redis, CancellationToken stop)
    {
        var generations = new RedisGenerations(redis, configuration.RedisPrefix);
        bool hasWaited = false;
        Dictionary<int, long> leftUntil = [];
        while (true)
        {
            services.Board.StandBy();
            GenerationChoice choice = await ChooseAsync(generations, stop);
            if (choice.Refusal is { } refusal)
            {
                return Refuse(refusal, hasWaited);
            }

            hasWaited = true;
            var leases = new RedisLeases(redis, configuration.RedisPrefix, _bot, choice.Prefix);
            var options = new LeaseOptions(
                configuration.Clustering is not null,
                standsBy,
                configuration.IsStrict,
                SystemCalls.BootTime,
                new Random(),
                token => CheckAsync(generations, choice, token),
                index => SystemCalls.BootTime() >= leftUntil.GetValueOrDefault(index));
            LeaseTenure taken;
            try
            {
                taken = await new LeaseStandby(leases, redis, clusters, options, _logger).WaitAsync(stop);
            }
            catch (GenerationChangedException)
            {
                continue;
            }

            await using LeaseTenure tenure = taken;
            await using var generation = new GenerationTenure(
                generations, choice, configuration.Clustering?.ClusterCount ?? 1, tenure, SystemCalls.BootTime, _logger);
            services.Board.Stage = StatusStage.Starting;
            try
            {
                if (await RunAsync(redis, leases, tenure, generation, stop) is { } final)
                {
                    return final;
                }
            }
            catch (SpoolInUseException inUse) when (standsBy)
            {
                // A holder that stands still has lost its lease, and keeps its files until it wakes or is killed.
                LogSpoolInUse(inUse.Message);
                if (clusters.Count > 1)
                {
                    leftUntil[tenure.Token.Index] = SystemCalls.BootTime() + SpoolLeftFor;
                }

                await Task.Delay(SpoolRetry, stop);
                continue;
            }

            switch (tenure.Loss)
            {
                case LeaseLoss.OtherBot:
                    return new(ExitCode.BadConfiguration, tenure.LossMessage);
                case LeaseLoss.Taken when !standsBy:
                    return new(ExitCode.HeldElsewhere, $"{tenure.LossMessage}: it took over while this process was stopped or out of reach of Redis");
                default:
                    LogStandsBy(tenure.Token.Index);
                    break;
            }
        }
    }

    /// <summary>One tenure. Null when it ended because the lease was lost.</summary>
    private async Task<Outcome?> RunAsync(
        RedisConnection redis, RedisLeases leases, LeaseTenure tenure, GenerationTenure generation, CancellationToken stop)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, tenure.Lost);
        await using var store = new RedisSessionStore(redis, configuration.RedisPrefix + generation.Prefix, leases, tenure.Token);
        try
        {
            GatewayConfiguration own = configuration.Clustering is null ? configuration with { ShardCount = generation.Count } : configuration;
            Outcome outcome = await Create(own, tenure.Token.Index, tenure, generation).RunAsync(store, either.Token);
            return outcome.Code != ExitCode.HeldElsewhere ? outcome : stop.IsCancellationRequested ? new(ExitCode.Stopped) : null;
        }
        catch (OperationCanceledException) when (tenure.IsLost && !stop.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            await generation.StopAsync();
            await tenure.VacateAsync();
        }
    }

    /// <summary>The gateway of a tenure, with what was reloaded before it.</summary>
    private Gateway Create(GatewayConfiguration own, int cluster, LeaseTenure? tenure, GenerationTenure? generation)
    {
        lock (_reloading)
        {
            own = _changed is { } changed ? own with { Forwarding = changed.Forwarding, Presence = changed.Presence } : own;
            return _running = new Gateway(own, cluster, loops, tenure, generation, services);
        }
    }

    /// <summary>Waits for Redis, without whose word nothing is started.</summary>
    private async Task<GenerationChoice> ChooseAsync(RedisGenerations generations, CancellationToken stop)
    {
        bool hasSaid = false;
        while (true)
        {
            try
            {
                return GenerationChoice.Of(await generations.LookAsync(stop), configuration, mayBeMuted);
            }
            catch (IOException away) when (away is not RedisClusterException)
            {
                if (!hasSaid)
                {
                    hasSaid = true;
                    LogAway(away.Message);
                }

                await Task.Delay(RedisRetry, stop);
            }
        }
    }

    private async Task CheckAsync(RedisGenerations generations, GenerationChoice choice, CancellationToken stop)
    {
        if (GenerationChoice.Of(await generations.LookAsync(stop), configuration, mayBeMuted) != choice)
        {
            throw new GenerationChangedException();
        }
    }

    /// <summary>A standby of a generation that has been replaced meanwhile has done its duty.</summary>
    private Outcome Refuse(string refusal, bool hasWaited)
    {
        if (!hasWaited)
        {
            return new(ExitCode.BadConfiguration, refusal);
        }

        LogReplaced(refusal);
        return new(ExitCode.Stopped);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Cause}: the lease is given back, and taken again when the spool is free")]
    private partial void LogSpoolInUse(string cause);

    [LoggerMessage(Level = LogLevel.Information, Message = "Waiting: {Cause}; nothing is started before it says which shards forward")]
    private partial void LogAway(string cause);

    [LoggerMessage(Level = LogLevel.Information, Message = "This standby is not needed any more and ends, since its shards were replaced: {Cause}")]
    private partial void LogReplaced(string cause);

    [LoggerMessage(Level = LogLevel.Information, Message = "Standing by for cluster {Cluster} again")]
    private partial void LogStandsBy(int cluster);
}
