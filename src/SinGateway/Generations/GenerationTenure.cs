using Microsoft.Extensions.Logging;
using SinGateway.Sessions;

namespace SinGateway.Generations;

/// <summary>
/// The part of a lease's tenure that is about generations (G23): tells Redis each second, off the loops, what this process does, and carries
/// out what <see cref="GenerationLife"/> makes of the answer.
/// </summary>
/// <param name="generations">Where it stands.</param>
/// <param name="choice">The generation of this process.</param>
/// <param name="clusters">Its processes.</param>
/// <param name="tenure">The lease of this one: without it nothing is reported, as that would write it anew.</param>
/// <param name="clock">CLOCK_BOOTTIME in ms.</param>
/// <param name="logger">Told of each change.</param>
internal sealed partial class GenerationTenure(
    RedisGenerations generations, GenerationChoice choice, int clusters, LeaseTenure tenure, Func<long> clock, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FarewellPatience = TimeSpan.FromSeconds(3);

    private readonly ILogger _logger = logger;
    private readonly GenerationLife _life = new(choice.IsMuted);
    private readonly CancellationTokenSource _ended = new();
    private GenerationReport _report = null!;
    private Task _watching = Task.CompletedTask;
    private bool _isForwarding;

    /// <summary>All shards have been ready once, muted or not.</summary>
    private bool _wasReady;
    private string _said = "";

    /// <summary>Shard and cluster keys stand behind it.</summary>
    public string Prefix => choice.Prefix;

    /// <summary>Its shards, as far as they are settled before the stored sessions are read.</summary>
    public int? Count => choice.Count;

    /// <summary>Events are not forwarded yet.</summary>
    public bool IsMuted => _life.Phase == GenerationPhase.Muted;

    /// <summary>
    /// Once, before anything starts: says that this process forwards with <paramref name="count"/> shards, or learns that it is to be muted.
    /// Returns when Redis has answered.
    /// </summary>
    public async Task BeginAsync(int count, CancellationToken stop)
    {
        _report = new GenerationReport(choice, count, clusters, tenure.Token);
        _isForwarding = !IsMuted;
        using var timer = new PeriodicTimer(Period);
        while (await TryReportAsync(stop).ConfigureAwait(false) is null)
        {
            await timer.WaitForNextTickAsync(stop).ConfigureAwait(false);
        }

        _isForwarding = !IsMuted;
        if (IsMuted)
        {
            LogMuted(count);
        }
    }

    /// <summary>Once, after <see cref="BeginAsync"/>: goes on until it is disposed, or has called <paramref name="retire"/>.</summary>
    public void Watch(IMutedFleet fleet, Action<string> retire) => _watching = WatchAsync(fleet, retire);

    /// <summary>Nothing is left that another generation does not forward, and this process ends.</summary>
    public async Task LeaveAsync()
    {
        await StopAsync().ConfigureAwait(false);
        try
        {
            using var patience = new CancellationTokenSource(FarewellPatience);
            await generations.ReportAsync(_report, GenerationState.Gone, patience.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or LeaseLostException or OperationCanceledException)
        {
            // It is forgotten after half a minute.
        }
    }

    /// <summary>Nothing is reported any more: a report would renew a lease that was given back.</summary>
    public async Task StopAsync()
    {
        await _ended.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        _ended.Dispose();
    }

    private async Task WatchAsync(IMutedFleet fleet, Action<string> retire)
    {
        try
        {
            using var timer = new PeriodicTimer(Period);
            while (await timer.WaitForNextTickAsync(_ended.Token).ConfigureAwait(false))
            {
                GenerationPhase before = _life.Phase;
                GenerationSight? sight = await TryReportAsync(_ended.Token, fleet).ConfigureAwait(false);
                if (_life.Phase == GenerationPhase.Retired)
                {
                    retire($"{_report.Count} shards are replaced by {Active(sight)}, which forward now");
                    return;
                }

                if (_life.Phase == GenerationPhase.Forwarding && !_isForwarding)
                {
                    await fleet.UnmuteAsync().WaitAsync(_ended.Token).ConfigureAwait(false);
                    _isForwarding = true;
                    LogForwards(_report.Count);
                }

                Explain(before, sight);
            }
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
        }
    }

    /// <summary>Null when Redis is away, or the lease is lost, which its tenure finds out by itself.</summary>
    private async Task<GenerationSight?> TryReportAsync(CancellationToken stop, IMutedFleet? fleet = null)
    {
        bool isReady = fleet?.IsReady == true;
        _wasReady |= isReady;
        GenerationState state = _isForwarding && _life.Phase == GenerationPhase.Forwarding ? _wasReady ? GenerationState.Forwards : GenerationState.Begins
            : IsMuted && isReady ? GenerationState.Ready
            : GenerationState.Waits;
        if (tenure.IsLost)
        {
            return null;
        }

        try
        {
            GenerationSight sight = await generations.ReportAsync(_report, state, stop).ConfigureAwait(false);
            _life.See(sight.Active, _report.Count, sight.Unmuting, isReady, clock());
            return sight;
        }
        catch (Exception e) when (e is IOException or LeaseLostException)
        {
            _life.Wait(isReady, clock());
            return null;
        }
    }

    private static string Active(GenerationSight? sight) => sight?.Active is { } active ? $"{active}" : "others";

    private void Explain(GenerationPhase before, GenerationSight? sight)
    {
        if (_life.Phase == GenerationPhase.Leaving && before != GenerationPhase.Leaving)
        {
            LogLeaves(Active(sight), _report.Count);
        }
        else if (_life.Phase == GenerationPhase.Forwarding && sight is { Active: { } active, Unmuting: > 0 and var unmuting } && active != _report.Count)
        {
            Say($"{active} shards take over; {unmuting} of their clusters do not forward yet, so these {_report.Count} go on");
        }
        else if (IsMuted && sight is { Absent: { Length: > 0 } absent } && absent.Split(':') is [var count, var cluster])
        {
            Say($"these shards are ready; cluster {cluster} of those with {count} shards is not, or does not answer");
        }
    }

    private void Say(string situation)
    {
        if (situation != _said)
        {
            _said = situation;
            LogWaits(situation);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Muted: another generation forwards. Nothing is forwarded here until all {Count} shards of the bot are ready; stop these processes to call it off")]
    private partial void LogMuted(int count);

    [LoggerMessage(Level = LogLevel.Information, Message = "All is ready: the {Count} shards of this generation forward from now on")]
    private partial void LogForwards(int count);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Active} shards forward now; these {Count} do so for five more seconds, and end")]
    private partial void LogLeaves(string active, int count);

    [LoggerMessage(Level = LogLevel.Information, Message = "Changing over: {Situation}")]
    private partial void LogWaits(string situation);
}
