using SinGateway.Sessions;

namespace SinGateway.Singyeong;

/// <summary>
/// The barriers of one 신경 connection: heartbeats at known positions of its outbox. The server handles a connection's messages in order, so
/// the ack of one proves that everything before its position was processed; then the sessions whose events lie there are committed up to
/// where they were (G1, G2). Acks carry no name and come in order. Belongs to the loop's thread.
/// </summary>
internal sealed class Barriers
{
    private readonly List<Session> _awaiting = [];
    private readonly Queue<(Session Session, long Seq)> _covered = new();
    private readonly Queue<Barrier> _open = new();

    /// <summary>True when events arrived that no barrier covers yet.</summary>
    public bool IsDue => _awaiting.Count > 0;

    /// <summary>Barriers that are not acknowledged.</summary>
    public int Open => _open.Count;

    /// <summary>Of them, those whose heartbeat was sent.</summary>
    public int Sent { get; private set; }

    /// <summary>True when nothing that arrived is left to be confirmed.</summary>
    public bool IsSettled => _open.Count == 0 && _awaiting.Count == 0;

    /// <summary>Position of the latest barrier.</summary>
    public long LastPosition { get; private set; }

    /// <summary>
    /// The session has events for the next barrier; called once for each <see cref="Session.Receive"/> that answers true.
    /// </summary>
    public void Await(Session session) => _awaiting.Add(session);

    /// <summary>A barrier behind everything that arrived so far, at the outbox's end.</summary>
    public void Begin(long position)
    {
        foreach (Session session in _awaiting)
        {
            _covered.Enqueue((session, session.Cover()));
        }

        _open.Enqueue(new Barrier(position, _awaiting.Count));
        _awaiting.Clear();
        LastPosition = position;
    }

    /// <summary>Where the next barrier is to be sent; null when all are.</summary>
    public long? NextUnsent()
    {
        int index = 0;
        foreach (Barrier barrier in _open)
        {
            if (index++ == Sent)
            {
                return barrier.Position;
            }
        }

        return null;
    }

    public void MarkSent() => Sent++;

    /// <summary>The oldest sent barrier was acknowledged: commits its sessions and returns its position; null when none was sent.</summary>
    public long? Acknowledge()
    {
        if (Sent == 0)
        {
            return null;
        }

        Sent--;
        Barrier barrier = _open.Dequeue();
        for (int i = 0; i < barrier.Sessions; i++)
        {
            (Session session, long seq) = _covered.Dequeue();
            session.Commit(seq);
        }

        return barrier.Position;
    }

    /// <summary>The session of an event that is not confirmed yet.</summary>
    public Session SessionOf(int shardId, ulong tag)
    {
        foreach (Session session in _awaiting)
        {
            if (session.ShardId == shardId && DispatchNonce.Tag(session.Tag) == tag)
            {
                return session;
            }
        }

        foreach ((Session session, _) in _covered)
        {
            if (session.ShardId == shardId && DispatchNonce.Tag(session.Tag) == tag)
            {
                return session;
            }
        }

        throw new InvalidOperationException("an unconfirmed frame belongs to no session");
    }

    /// <summary>After a lost connection: every open barrier is to be sent again, where it was.</summary>
    public void Rewind() => Sent = 0;

    private readonly record struct Barrier(long Position, int Sessions);
}
