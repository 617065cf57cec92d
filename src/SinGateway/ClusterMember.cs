using Microsoft.Extensions.Logging;
using SinGateway.Configuration;
using SinGateway.Loop;
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
/// <param name="loggers">Of all parts.</param>
internal sealed partial class ClusterMember(GatewayConfiguration configuration, IReadOnlyList<int> clusters, bool standsBy, ILoggerFactory loggers)
{
    private static readonly TimeSpan SpoolRetry = TimeSpan.FromSeconds(2);

    private readonly ILogger _logger = loggers.CreateLogger("cluster");
    private readonly string _bot = BotId.FromToken(configuration.Token);

    /// <summary>Runs until <paramref name="stop"/> is cancelled or someone refuses for good.</summary>
    public async Task<Outcome> RunAsync(CancellationToken stop)
    {
        try
        {
            if (configuration.Redis is not { } dsn)
            {
                await using ISessionStore file = FileSessionStore.Open(configuration.StateFile, _bot, loggers.CreateLogger("state"));
                return await new Gateway(configuration, clusters[0], null, null, loggers).RunAsync(file, stop);
            }

            await using RedisConnection redis = await RedisConnection.OpenAsync(dsn, loggers.CreateLogger("redis"));
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
        var leases = new RedisLeases(redis, configuration.RedisPrefix, _bot);
        var options = new LeaseOptions(configuration.Clustering is not null, standsBy, configuration.IsStrict, SystemCalls.BootTime, new Random());
        while (true)
        {
            await using LeaseTenure tenure = await new LeaseStandby(leases, redis, clusters, options, _logger).WaitAsync(stop);
            try
            {
                if (await RunAsync(redis, leases, tenure, stop) is { } final)
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
    private async Task<Outcome?> RunAsync(RedisConnection redis, RedisLeases leases, LeaseTenure tenure, CancellationToken stop)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, tenure.Lost);
        await using var store = new RedisSessionStore(redis, configuration.RedisPrefix, leases, tenure.Token);
        try
        {
            Outcome outcome = await new Gateway(configuration, tenure.Token.Index, redis, tenure, loggers).RunAsync(store, either.Token);
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Cause}: the lease is given back, and taken again when the spool is free")]
    private partial void LogSpoolInUse(string cause);

    [LoggerMessage(Level = LogLevel.Information, Message = "Standing by for cluster {Cluster} again")]
    private partial void LogStandsBy(int cluster);
}
