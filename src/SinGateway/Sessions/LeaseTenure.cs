using Microsoft.Extensions.Logging;
using SinGateway.Loop;

namespace SinGateway.Sessions;

/// <summary>
/// The time in which a process holds a cluster's lease: renews it each second, off the loops, and tells the loops when it is lost (G19). A
/// process that cannot reach Redis goes on holding it, unless it is strict.
/// </summary>
internal sealed partial class LeaseTenure : IAsyncDisposable
{
    private static readonly TimeSpan RenewalPeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan VacatePatience = TimeSpan.FromSeconds(3);

    private readonly RedisLeases _leases;
    private readonly RedisConnection _connection;
    private readonly LeaseHold _hold;
    private readonly Func<long> _clock;
    private readonly ILogger _logger;
    private readonly List<EventLoop> _loops = [];
    private readonly SemaphoreSlim _hurry = new(0);
    private readonly CancellationTokenSource _lost = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _renewing;
    private string? _lossMessage;

    /// <param name="leases">Where the lease stands.</param>
    /// <param name="connection">Through which; stays its owner's.</param>
    /// <param name="token">The lease as it was taken.</param>
    /// <param name="runId">In which instance of Redis.</param>
    /// <param name="takenAt">When it was asked for, in ms of <paramref name="clock"/>.</param>
    /// <param name="isStrict"><c>clustering.strict</c></param>
    /// <param name="clock">CLOCK_BOOTTIME in ms.</param>
    /// <param name="logger">Told when it is lost, and when a loop stood still.</param>
    public LeaseTenure(
        RedisLeases leases, RedisConnection connection, LeaseToken token, string runId, long takenAt, bool isStrict, Func<long> clock, ILogger logger)
    {
        _leases = leases;
        _connection = connection;
        Token = token;
        _hold = new LeaseHold(takenAt, runId, isStrict);
        _clock = clock;
        _logger = logger;
        connection.Reconnected += RaiseStoreCameBack;
        _renewing = RenewAsync();
    }

    /// <summary>Redis may have lost what it was given: every session must be written again (G20). Any thread.</summary>
    public event Action? StoreCameBack;

    public LeaseToken Token { get; }

    /// <summary>Through which it is held; not this tenure's to dispose.</summary>
    public RedisConnection Connection => _connection;

    public LeaseLoss Loss => _hold.Loss;

    public bool IsLost => _hold.IsLost;

    /// <summary>Cancelled when the lease is lost.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>Why it is lost, for the operator.</summary>
    public string LossMessage => Volatile.Read(ref _lossMessage) ?? "";

    /// <summary>
    /// Puts a gate before each of <paramref name="loops"/>, which are not started yet. <paramref name="lost"/> is called on a loop's thread
    /// with that loop, before it reads or writes anything more, and must end all on it that forwards. The result is disposed before the loops.
    /// </summary>
    public IDisposable Guard(IReadOnlyList<EventLoop> loops, Action<EventLoop> lost)
    {
        foreach (EventLoop loop in loops)
        {
            loop.Gate = new LeaseGate(_hold, _clock, OnAwaitsRenewal, () => lost(loop));
        }

        lock (_loops)
        {
            _loops.AddRange(loops);
        }

        return new Guarded(this);
    }

    /// <summary>The sessions' store met another holder.</summary>
    public void OnStoreRefused(LeaseLostException refusal) => Lose(LeaseLoss.Taken, refusal.Message);

    /// <summary>The process ends: a loop that stands still until Redis answers is not waited for; its shards close.</summary>
    public void WaitNoMore()
    {
        _hold.WaitNoMore();
        WakeLoops();
    }

    /// <summary>
    /// Gives the lease back, so that the next process need not wait; the caller forwards nothing any more. A Redis that is out of reach
    /// forgets it by itself.
    /// </summary>
    public async Task VacateAsync()
    {
        await EndAsync().ConfigureAwait(false);
        if (IsLost)
        {
            return;
        }

        try
        {
            using var patience = new CancellationTokenSource(VacatePatience);
            await _leases.VacateAsync(Token, patience.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            LogNotVacated(e.Message);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync().ConfigureAwait(false);
        _connection.Reconnected -= RaiseStoreCameBack;
        _hurry.Dispose();
        _lost.Dispose();
        _ended.Dispose();
    }

    private async Task EndAsync()
    {
        await _ended.CancelAsync().ConfigureAwait(false);
        await _renewing.ConfigureAwait(false);
    }

    private async Task RenewAsync()
    {
        try
        {
            while (!IsLost)
            {
                await _hurry.WaitAsync(RenewalPeriod, _ended.Token).ConfigureAwait(false);
                await RenewOnceAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
        }
    }

    private async Task RenewOnceAsync()
    {
        long askedAt = _clock();
        if (!_hold.MayRenew(askedAt))
        {
            SayTooLate();
            return;
        }

        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(_ended.Token);
            if (_hold.TimeLeft(askedAt) is { } timeLeft)
            {
                patience.CancelAfter(TimeSpan.FromMilliseconds(timeLeft));
            }

            (bool anew, string runId) = await _leases.RenewAsync(Token, patience.Token).ConfigureAwait(false);
            if (!_hold.Renewed(askedAt, runId, anew, _clock()))
            {
                SayLost("this process was stopped, and Redis, which was restarted meanwhile, may have forgotten that another one took over");
                return;
            }

            WakeLoops();
            if (anew)
            {
                LogAnew(Token.Index);
                RaiseStoreCameBack();
            }
        }
        catch (LeaseLostException taken)
        {
            Lose(LeaseLoss.Taken, taken.Message);
        }
        catch (OtherBotException other)
        {
            Lose(LeaseLoss.OtherBot, other.Message);
        }
        catch (Exception e) when (e is IOException || (e is OperationCanceledException && !_ended.IsCancellationRequested))
        {
            _hold.Failed(_clock());
            SayTooLate();
        }
    }

    private void Lose(LeaseLoss loss, string message)
    {
        if (_hold.Lose(loss))
        {
            SayLost(message);
        }
    }

    private void SayTooLate()
    {
        if (Loss == LeaseLoss.OutOfReach)
        {
            SayLost("it could not be renewed for 8 s, and clustering.strict is set");
        }
    }

    private void SayLost(string message)
    {
        if (Interlocked.CompareExchange(ref _lossMessage, message, null) is not null)
        {
            return;
        }

        LogLost(Token.Index, message);
        WakeLoops();
        _lost.Cancel();
    }

    private void WakeLoops()
    {
        lock (_loops)
        {
            foreach (EventLoop loop in _loops)
            {
                loop.Wake();
            }
        }
    }

    private void OnAwaitsRenewal(long stoppedFor)
    {
        LogStopped(stoppedFor, Token.Index);
        _hurry.Release();
    }

    private sealed class Guarded(LeaseTenure tenure) : IDisposable
    {
        public void Dispose()
        {
            lock (tenure._loops)
            {
                tenure._loops.Clear();
            }
        }
    }

    private void RaiseStoreCameBack() => StoreCameBack?.Invoke();

    [LoggerMessage(Level = LogLevel.Warning, Message = "This process stood still for {Milliseconds} ms: it forwards nothing until Redis says that cluster {Cluster} is still its own")]
    private partial void LogStopped(long milliseconds, int cluster);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The lease of cluster {Cluster} is lost, its shards are closed at once: {Cause}")]
    private partial void LogLost(int cluster, string cause);

    [LoggerMessage(Level = LogLevel.Information, Message = "Redis did not know the lease of cluster {Cluster} any more, and nobody has taken it: it is written again, and so are all sessions")]
    private partial void LogAnew(int cluster);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The lease could not be given back ({Cause}): the next process of this cluster waits about 12 s")]
    private partial void LogNotVacated(string cause);
}
