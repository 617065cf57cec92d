namespace SinGateway.Sessions;

/// <summary>Why a lease is not held any more.</summary>
internal enum LeaseLoss
{
    None,

    /// <summary>Another process holds it, or has held it since.</summary>
    Taken,

    /// <summary>Another bot uses the same keys.</summary>
    OtherBot,

    /// <summary>Redis was out of reach for too long, and the configuration is strict.</summary>
    OutOfReach,

    /// <summary>The process was stopped for longer than its lease, and what happened meanwhile cannot be known.</summary>
    Unverified,
}

/// <summary>
/// What a process knows of the lease that it holds, and what an answer of Redis means for it (G19). Told by the one who renews it, read by
/// loops. Once lost, it stays lost. Pure: it is told the time, in ms of CLOCK_BOOTTIME, which runs on while a machine sleeps.
/// </summary>
/// <param name="takenAt">When it was asked for.</param>
/// <param name="runId">The instance of Redis in which it was taken.</param>
/// <param name="isStrict"><c>clustering.strict</c>: shards close 8 s after the last renewal.</param>
internal sealed class LeaseHold(long takenAt, string runId, bool isStrict)
{
    /// <summary>How long a lease lives in Redis without a renewal, in ms.</summary>
    public const long Length = 4_000;

    /// <summary>After how long without a renewal a strict process gives up, in ms; nobody can have taken the lease before that.</summary>
    public const long Patience = 8_000;

    private long _renewedAt = takenAt;
    private long _toldAt = takenAt;
    private long _stoppedUntil;
    private int _loss;
    private volatile bool _waitsNoMore;

    /// <summary>When the last renewal that Redis granted was asked for.</summary>
    public long RenewedAt => Interlocked.Read(ref _renewedAt);

    public LeaseLoss Loss => (LeaseLoss)Volatile.Read(ref _loss);

    public bool IsLost => Loss != LeaseLoss.None;

    /// <summary>Whether who waits for Redis' word must rather give up: the process ends.</summary>
    public bool WaitsNoMore => _waitsNoMore;

    /// <summary>
    /// Before a renewal is asked for. False when it is too late for one: the lease is lost.
    /// </summary>
    public bool MayRenew(long now) => !IsLost && !GivesUp(now);

    /// <summary>
    /// A renewal that was asked for at <paramref name="askedAt"/> was granted by the instance <paramref name="run"/>; <paramref
    /// name="anew"/> when Redis did not know the lease any more. False when that proves nothing, and the lease is lost: a process that was
    /// stopped meets an instance which may have forgotten a holder in between.
    /// </summary>
    public bool Renewed(long askedAt, string run, bool anew, long now)
    {
        Tell(now);
        if (anew && run != runId && Interlocked.Read(ref _stoppedUntil) > RenewedAt && Lose(LeaseLoss.Unverified))
        {
            return false;
        }

        runId = run;
        Interlocked.Exchange(ref _renewedAt, askedAt);
        return true;
    }

    /// <summary>A renewal failed: Redis is out of reach.</summary>
    public void Failed(long now) => GivesUp(now);

    /// <summary>The process was stopped for longer than the lease lives, until <paramref name="now"/>.</summary>
    public void Stopped(long now) => Interlocked.Exchange(ref _stoppedUntil, now);

    /// <summary>The first reason counts. True for the call that lost it.</summary>
    public bool Lose(LeaseLoss reason) => Interlocked.CompareExchange(ref _loss, (int)reason, (int)LeaseLoss.None) == (int)LeaseLoss.None;

    public void WaitNoMore() => _waitsNoMore = true;

    /// <summary>A strict process must not forward any more.</summary>
    public bool IsOverdue(long now) => isStrict && now - RenewedAt >= Patience;

    /// <summary>For how long a strict process may wait for a renewal, in ms; null when it may for ever.</summary>
    public long? TimeLeft(long now) => isStrict ? Math.Max(RenewedAt + Patience - now, 0) : null;

    /// <summary>The lease has run out in Redis, unless it was renewed in the meantime.</summary>
    public bool HasRunOut(long now) => now - RenewedAt > Length;

    private bool GivesUp(long now)
    {
        Tell(now);
        if (!IsOverdue(now))
        {
            return false;
        }

        Lose(LeaseLoss.OutOfReach);
        return true;
    }

    /// <summary>Renewals, granted or failed, are told in much shorter times, unless the process is stopped.</summary>
    private void Tell(long now)
    {
        if (now - _toldAt > Patience)
        {
            Stopped(now);
        }

        _toldAt = now;
    }
}
