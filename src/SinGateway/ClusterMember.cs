using Microsoft.Extensions.Logging;
using SinGateway.Configuration;
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
/// <param name="notifier">Told when the gateway begins, and that it is alive.</param>
/// <param name="loggers">Of all parts.</param>
/// <param name="board">Told how far it is; listens where the configuration says.</param>
internal sealed partial class ClusterMember(
    GatewayConfiguration configuration, IReadOnlyList<int> clusters, bool standsBy, ServiceNotifier notifier, ILoggerFactory loggers, StatusBoard board)
{
    private static readonly TimeSpan SpoolRetry = TimeSpan.FromSeconds(2);

    private readonly ILogger _logger = loggers.CreateLogger("cluster");
    private readonly string _bot = BotId.FromToken(configuration.Token);

    private readonly Lock _reloading = new();
    private GatewayConfiguration? _changed;
    private Gateway? _running;

    /// <summary>From now on, whoever runs goes by the rules and the presence of <paramref name="changed"/>. Any thread.</summary>
    public void Use(GatewayConfiguration changed)
    {
        lock (_reloading)
        {
            _changed = configuration with { Forwarding = changed.Forwarding, Presence = changed.Presence };
            _running?.Use(changed);
        }
    }

    /// <summary>Runs until <paramref name="stop"/> is cancelled or someone refuses for good.</summary>
    public async Task<Outcome> RunAsync(CancellationToken stop)
    {
        // A standby has no loop yet; it is alive while its timers fire.
        using var watchdog = new LoopWatchdog(notifier, TimeProvider.System);
        try
        {
            if (configuration.Singyeong.Tls || configuration.DiscordApiBaseUrl.Scheme == Uri.UriSchemeHttps || configuration.Redis is { Tls: true })
            {
                // Without authorities every peer would be refused, again and again: better said once (G25).
                CertificateBundle.Find(Environment.GetEnvironmentVariable(CertificateBundle.Variable));
            }

            using OperationsServer? operations = configuration.Listen is { } listen
                ? await OperationsServer.StartAsync(listen, board, loggers.CreateLogger("operations"))
                : null;
            if (configuration.Redis is not { } dsn)
            {
                await using ISessionStore file = FileSessionStore.Open(configuration.StateFile, _bot, loggers.CreateLogger("state"));
                return await Create(clusters[0], null, watchdog).RunAsync(file, stop);
            }

            await using RedisConnection redis = await RedisConnection.OpenAsync(dsn, loggers.CreateLogger("redis"));
            return await RunAsync(redis, watchdog, stop);
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

    private async Task<Outcome> RunAsync(RedisConnection redis, LoopWatchdog watchdog, CancellationToken stop)
    {
        var leases = new RedisLeases(redis, configuration.RedisPrefix, _bot);
        var options = new LeaseOptions(configuration.Clustering is not null, standsBy, configuration.IsStrict, SystemCalls.BootTime, new Random());
        while (true)
        {
            board.StandBy();
            await using LeaseTenure tenure = await new LeaseStandby(leases, redis, clusters, options, _logger).WaitAsync(stop);
            board.Stage = StatusStage.Starting;
            try
            {
                if (await RunAsync(redis, leases, tenure, watchdog, stop) is { } final)
                {
                    return final;
                }
            }
            catch (SpoolInUseException inUse) when (standsBy)
            {
                // A holder that stands still has lost its lease, and keeps its files until it wakes or is killed.
                LogSpoolInUse(inUse.Message);
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
        RedisConnection redis, RedisLeases leases, LeaseTenure tenure, LoopWatchdog watchdog, CancellationToken stop)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, tenure.Lost);
        await using var store = new RedisSessionStore(redis, configuration.RedisPrefix, leases, tenure.Token);
        try
        {
            Outcome outcome = await Create(tenure.Token.Index, tenure, watchdog).RunAsync(store, either.Token);
            return outcome.Code != ExitCode.HeldElsewhere ? outcome : stop.IsCancellationRequested ? new(ExitCode.Stopped) : null;
        }
        catch (OperationCanceledException) when (tenure.IsLost && !stop.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            await tenure.VacateAsync();
        }
    }

    private Gateway Create(int cluster, LeaseTenure? tenure, LoopWatchdog watchdog)
    {
        lock (_reloading)
        {
            return _running = new Gateway(_changed ?? configuration, cluster, tenure, notifier, watchdog, loggers, board);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Cause}: the lease is given back, and taken again when the spool is free")]
    private partial void LogSpoolInUse(string cause);

    [LoggerMessage(Level = LogLevel.Information, Message = "Standing by for cluster {Cluster} again")]
    private partial void LogStandsBy(int cluster);
}
