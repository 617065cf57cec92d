using SinGateway.Sessions;

namespace SinGateway;

/// <summary>
/// Brings word to the sessions that their events in the spool are settled (G1, G14), in steps: only one mark a session is kept for what is under
/// way and one for what came behind it, however many events that are. Belongs to the loop's thread.
/// </summary>
internal sealed class SpooledSessions
{
    private Dictionary<Session, long> _underWay = [];
    private Dictionary<Session, long> _behind = [];
    private long _underWayEnd;
    private long _behindEnd;

    /// <summary>The session's event <paramref name="seq"/> will be settled with the record <paramref name="number"/>. In the order of both.</summary>
    public void Add(Session session, long seq, long number)
    {
        _behind[session] = seq;
        _behindEnd = number;
    }

    /// <summary>Every record up to <paramref name="number"/> is settled.</summary>
    public void SettleUpTo(long number)
    {
        while (_underWay.Count + _behind.Count > 0)
        {
            if (_underWay.Count == 0)
            {
                (_underWay, _behind, _underWayEnd) = (_behind, _underWay, _behindEnd);
            }

            if (number < _underWayEnd)
            {
                return;
            }

            foreach ((Session session, long seq) in _underWay)
            {
                session.SettleSpooled(seq);
            }

            _underWay.Clear();
        }
    }
}
