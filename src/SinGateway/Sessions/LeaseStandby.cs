using Microsoft.Extensions.Logging;

namespace SinGateway.Sessions;

/// <summary>
/// Waits for the lease of one of some cluster indexes and takes it (G18). Looks twice a second, and says what it waits for, once, and again
/// when that changes.
/// </summary>
/// <param name="leases">Where they stand.</param>
/// <param name="connection">Through which; stays its owner's.</param>
/// <param name="indexes">One, or all for <c>--cluster auto</c>: the first that is free is taken.</param>
/// <param name="options">How it waits.</param>
/// <param name="logger">Told what is waited for.</param>
internal sealed partial class LeaseStandby(
    RedisLeases leases, RedisConnection connection, IReadOnlyList<int> indexes, LeaseOptions options, ILogger logger)
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    /// <summary>A holder that has ended is gone from Redis after this, in ms: one that is still there lives.</summary>
    private const long HolderLives = LeaseHold.Length + 500;

    private readonly LeaseWatch _watch = new(indexes.Count);
    private readonly string _owner = LeaseToken.NewOwner(options.Random);
    private long _allHeldSince = -1;
    private string _said = "";

    /// <summary>
    /// Returns with the lease. Throws <see cref="LeaseHeldException"/> when all are held and the process is to be no standby, <see
    /// cref="OtherBotException"/> and <see cref="RedisClusterException"/>; Redis that is away is waited for.
    /// </summary>
    public async Task<LeaseTenure> WaitAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Period);
        while (true)
        {
            if (await TryAsync(stop).ConfigureAwait(false) is { } tenure)
            {
                return tenure;
            }

            await timer.WaitForNextTickAsync(stop).ConfigureAwait(false);
        }
    }

    private async Task<LeaseTenure?> TryAsync(CancellationToken stop)
    {
        try
        {
            if (options.BeforeLook is { } beforeLook)
            {
                await beforeLook(stop).ConfigureAwait(false);
            }

            long askedAt = options.Clock();
            LeaseLook look = await leases.LookAsync(indexes, stop).ConfigureAwait(false);
            _watch.Look(look, askedAt, options.Clock());
            leases.RequireBot(look.Bot);
            while (_watch.Next(options.Clock()) is { } free)
            {
                long takenAt = options.Clock();
                if (options.MayTake?.Invoke(indexes[free]) != false
                    && await leases.TakeAsync(indexes[free], look.RunId, _watch.View(free), _owner, stop).ConfigureAwait(false) is { } token)
                {
                    LogTaken(NameOf(token.Index));
                    return new LeaseTenure(leases, connection, token, look.RunId, takenAt, options.IsStrict, options.Clock, logger);
                }

                _watch.Refused(free);
            }

            Explain();
        }
        catch (IOException away) when (away is not (OtherBotException or RedisClusterException or LeaseHeldException))
        {
            _watch.LoseContact();
            _allHeldSince = -1;
            Say($"{away.Message}; nothing is started before it says that nobody else runs {Subject()}");
        }

        return null;
    }

    private void Explain()
    {
        string[] holders = [.. Enumerable.Range(0, indexes.Count).Select(i => _watch.View(i).Holder).OfType<string>()];
        if (holders.Length < indexes.Count)
        {
            _allHeldSince = -1;
            int free = Enumerable.Range(0, indexes.Count).First(i => _watch.View(i).Holder is null);
            Say($"nobody holds {NameOf(indexes[free])}; this process starts it in {LeaseWatch.Absence / 1000} s, unless a holder that lost touch with Redis comes back");
            return;
        }

        long now = options.Clock();
        _allHeldSince = _allHeldSince < 0 ? now : _allHeldSince;
        int known = Math.Max(Array.FindIndex(holders, holder => holder.Length > 0), 0);
        string held = indexes.Count == 1
            ? $"{NameOf(indexes[0])} is held by {LeaseToken.Describe(holders[0])}"
            : $"all {indexes.Count} clusters are held by other processes (cluster {indexes[known]} by {LeaseToken.Describe(holders[known])})";
        if (options.StandsBy)
        {
            Say($"{held}; this process is its standby and takes over when it ends");
        }
        else if (now - _allHeldSince >= HolderLives)
        {
            throw new LeaseHeldException(
                $"{held}: stop that one, {Alternative()}, or leave --no-standby out to wait for its end");
        }
    }

    private string Alternative() => !options.IsClustered ? "or give this one its own redisPrefix if it is another bot"
        : indexes.Count == 1 ? "or give this one another --cluster" : "or raise clustering.clusterCount";

    private string Subject() => indexes.Count == 1 ? NameOf(indexes[0]) : "a cluster";

    private string NameOf(int index) => options.IsClustered ? $"cluster {index}" : "this bot";

    private void Say(string situation)
    {
        if (situation != _said)
        {
            _said = situation;
            LogWaiting(situation);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Waiting: {Situation}")]
    private partial void LogWaiting(string situation);

    [LoggerMessage(Level = LogLevel.Information, Message = "This process holds the lease of {Cluster}")]
    private partial void LogTaken(string cluster);
}

/// <summary>How a process waits for a lease, and holds it.</summary>
/// <param name="IsClustered">Else the one index, 0, stands for the whole bot.</param>
/// <param name="StandsBy">False gives up when the lease is held (<c>--no-standby</c>).</param>
/// <param name="IsStrict"><c>clustering.strict</c></param>
/// <param name="Clock">CLOCK_BOOTTIME in ms.</param>
/// <param name="Random">Names the process.</param>
/// <param name="BeforeLook">Asked each time before the leases are looked at; what it throws ends the wait, unless Redis is away.</param>
/// <param name="MayTake">Whether a lease that is free may be taken now, by its index; null for always.</param>
internal sealed record LeaseOptions(
    bool IsClustered,
    bool StandsBy,
    bool IsStrict,
    Func<long> Clock,
    Random Random,
    Func<CancellationToken, Task>? BeforeLook = null,
    Func<int, bool>? MayTake = null);

/// <summary>The lease is held by a process that lives, and this one is not to wait (exit code 5).</summary>
internal sealed class LeaseHeldException(string message) : IOException(message);
