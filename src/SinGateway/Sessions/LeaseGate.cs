using SinGateway.Loop;

namespace SinGateway.Sessions;

/// <summary>
/// Keeps a loop from reading and writing while its process may not be the holder of its lease (G19): after the process was stopped for
/// longer than the lease lives, until a renewal that was asked for after it woke; and for good once the lease is lost. A process that runs
/// and cannot reach Redis goes on, unless it is strict. Belongs to the loop's thread.
/// </summary>
/// <param name="hold">The lease.</param>
/// <param name="clock">CLOCK_BOOTTIME in ms.</param>
/// <param name="awaitsRenewal">Called when the loop stands still until a renewal; must not block.</param>
/// <param name="lost">Called once, on the loop's thread, before anything else that it does: ends everything on it without forwarding.</param>
internal sealed class LeaseGate(LeaseHold hold, Func<long> clock, Action<long> awaitsRenewal, Action lost) : ILoopGate
{
    private long _lastAt = hold.RenewedAt;
    private long _mustBeRenewedAfter;
    private bool _toldLost;

    public bool IsOpen()
    {
        long now = clock();
        long stoppedFor = now - _lastAt;
        _lastAt = now;
        if (stoppedFor > LeaseHold.Length && hold.HasRunOut(now) && !_toldLost)
        {
            // Once more while it waits: an answer from before this stop is as old as the stop.
            _mustBeRenewedAfter = now;
            hold.Stopped(now);
            awaitsRenewal(stoppedFor);
        }

        return (_mustBeRenewedAfter == 0 && !hold.IsLost && !hold.IsOverdue(now)) || Decide(now);
    }

    /// <summary>Whether the loop may go on; one whose lease is lost may, as nothing is left on it that reads or writes.</summary>
    private bool Decide(long now)
    {
        bool isUnverified = hold.RenewedAt < _mustBeRenewedAfter;
        if (hold.WaitsNoMore && (isUnverified || hold.IsOverdue(now)))
        {
            hold.Lose(LeaseLoss.Unverified);
        }

        if (hold.IsLost)
        {
            if (!_toldLost)
            {
                _toldLost = true;
                lost();
            }

            _mustBeRenewedAfter = 0;
            return true;
        }

        if (isUnverified || hold.IsOverdue(now))
        {
            return false;
        }

        _mustBeRenewedAfter = 0;
        return true;
    }
}
