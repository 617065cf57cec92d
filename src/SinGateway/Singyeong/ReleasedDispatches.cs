using SinGateway.Sessions;

namespace SinGateway.Singyeong;

/// <summary>
/// Copies of events that hold their session and are on their way: each is settled when the outbox is confirmed up to its end, unless it came
/// back before that. Belongs to the loop's thread.
/// </summary>
internal sealed class ReleasedDispatches
{
    private readonly Queue<Released> _onTheirWay = new();

    /// <summary>Those that came back: where the frame ended that is not to settle them.</summary>
    private readonly HashSet<long> _cameBack = [];

    public bool IsEmpty => _onTheirWay.Count == 0;

    /// <param name="end">Of its frame in the outbox.</param>
    /// <param name="session">Holds the copy until it is settled.</param>
    /// <param name="note">Of the frame.</param>
    public void Add(long end, Session session, in FrameNote note) => _onTheirWay.Enqueue(new Released(end, session, note.Seq, note.Rule));

    /// <summary>The outbox is confirmed up to <paramref name="position"/>.</summary>
    public void Settle(long position)
    {
        while (_onTheirWay.TryPeek(out Released first) && first.End <= position)
        {
            _onTheirWay.Dequeue();
            if (!_cameBack.Remove(first.End))
            {
                first.Session.Settle(first.Seq, first.Rule);
            }
        }
    }

    /// <summary>The frame waits again: answers its session, or null when it is not one of these.</summary>
    public Session? TakeBack(in FrameNote frame)
    {
        foreach (Released released in _onTheirWay)
        {
            if (released.End == frame.End)
            {
                _cameBack.Add(released.End);
                return released.Session;
            }
        }

        return null;
    }

    private readonly record struct Released(long End, Session Session, long Seq, int Rule);
}
