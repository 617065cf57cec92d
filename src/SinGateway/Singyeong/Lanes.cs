using SinGateway.Sessions;

namespace SinGateway.Singyeong;

/// <summary>
/// The lanes of one 신경 connection whose messages find no receiver (G8, G9). A lane that flows is nowhere: it begins with the first message
/// that comes back and ends when one was taken, so a gateway without trouble pays nothing for it. Time is an argument; belongs to the loop's
/// thread.
/// </summary>
internal sealed class Lanes
{
    /// <summary>Beyond as many targets, they share lanes by hash (G8).</summary>
    public const int Maximum = 1_024;

    /// <summary>What a message costs beside its frame, in bytes: two objects and their list's.</summary>
    private const int Overhead = 256;

    private readonly Dictionary<ulong, Lane> _lanes = [];

    /// <summary>Lanes that hold.</summary>
    public int Count => _lanes.Count;

    /// <summary>Messages in all lanes.</summary>
    public int Messages { get; private set; }

    /// <summary>What they take of the outbox' limit (G9).</summary>
    public long Bytes { get; private set; }

    public IEnumerable<Lane> All => _lanes.Values;

    /// <summary>The lane that holds this target, or null while it flows.</summary>
    public Lane? Find(ulong target) =>
        _lanes.Count == 0 ? null : _lanes.GetValueOrDefault(target) ?? _lanes.GetValueOrDefault(target % Maximum);

    /// <summary>The lane of a target that was refused now.</summary>
    public Lane Begin(ulong target, string application, bool costsConnection, long now)
    {
        if (Find(target) is { } known)
        {
            return known;
        }

        // Nothing is known of what shares a lane, so the most careful is assumed: any receiver may be its own, and a retry costs.
        Lane lane = _lanes.Count < Maximum ? new(target, application, costsConnection) : new(target % Maximum, Lane.AnyApplication, costsConnection: true);
        lane.Refused(now);
        _lanes.Add(lane.Target, lane);
        return lane;
    }

    /// <summary>A message waits from now on; its frame is copied. Answers what waits.</summary>
    /// <param name="lane">From this object.</param>
    /// <param name="note">Its start is its place among the lane's messages.</param>
    /// <param name="frame">Borrowed.</param>
    /// <param name="session">Is not committed beyond the event until it is settled; null when the spool keeps it.</param>
    /// <param name="holdFor">ms since receipt until it is dropped.</param>
    public HeldDispatch Hold(Lane lane, in FrameNote note, ReadOnlySpan<byte> frame, Session? session, long holdFor)
    {
        HeldDispatch dispatch = new(note, session, frame.ToArray(), note.ReceivedAt + holdFor);
        lane.Add(dispatch);
        session?.Hold(note.Seq, note.Rule);
        Messages++;
        Bytes += frame.Length + Overhead;
        return dispatch;
    }

    /// <summary>The first message leaves its lane; a lane without messages flows again.</summary>
    public HeldDispatch TakeFirst(Lane lane)
    {
        HeldDispatch dispatch = lane.TakeFirst();
        Forget(dispatch);
        if (lane.Count == 0)
        {
            _lanes.Remove(lane.Target);
        }

        return dispatch;
    }

    /// <summary>Takes out the messages that have waited for too long.</summary>
    /// <param name="now">The loop's ms.</param>
    /// <param name="probed">A lane whose first message is on its way, which stays.</param>
    /// <param name="taken">Is given each.</param>
    public void TakeExpired(long now, Lane? probed, Action<HeldDispatch> taken)
    {
        foreach (Lane lane in _lanes.Values)
        {
            if (lane.FirstDeadline > now)
            {
                continue;
            }

            lane.TakeExpired(now, sparesFirst: lane == probed, dispatch =>
            {
                Forget(dispatch);
                taken(dispatch);
            });
            if (lane.Count == 0)
            {
                _lanes.Remove(lane.Target);
            }
        }
    }

    /// <summary>The lane whose retry is due the longest; null when none is.</summary>
    public Lane? Due(long now)
    {
        Lane? due = null;
        foreach (Lane lane in _lanes.Values)
        {
            if (lane.RetryAt <= now && (due is null || lane.RetryAt < due.RetryAt))
            {
                due = lane;
            }
        }

        return due;
    }

    /// <summary>When there is next something to do: a retry, or a message that expires; null without lanes.</summary>
    public long? NextDue()
    {
        long next = long.MaxValue;
        foreach (Lane lane in _lanes.Values)
        {
            next = Math.Min(next, Math.Min(lane.RetryAt, lane.FirstDeadline));
        }

        return next == long.MaxValue ? null : next;
    }

    private void Forget(HeldDispatch dispatch)
    {
        Messages--;
        Bytes -= dispatch.Frame.Length + Overhead;
    }

    /// <summary>A client of <paramref name="application"/> has connected: its lanes are due as soon as G9 allows.</summary>
    public void ReceiverConnected(string application, long now)
    {
        foreach (Lane lane in _lanes.Values)
        {
            if (lane.Application == application || lane.Application == Lane.AnyApplication)
            {
                lane.ReceiverConnected(now);
            }
        }
    }
}
