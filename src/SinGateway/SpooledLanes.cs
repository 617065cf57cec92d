using SinGateway.Sessions;
using SinGateway.Singyeong;

namespace SinGateway;

/// <summary>
/// Held messages that are in the spool too (G9): their sessions wait for them until they are on the disk; the copy that is sent is the lane's, so
/// the record is passed over when its turn comes. Belongs to the loop's thread.
/// </summary>
internal sealed class SpooledLanes
{
    private readonly Queue<(long Number, Session Session, long Seq, int Rule)> _held = new();

    /// <summary>The records, until they are passed.</summary>
    private readonly Queue<long> _unread = new();

    /// <summary>Of them, those whose copy was settled before.</summary>
    private readonly HashSet<long> _settled = [];

    /// <summary>The message, which holds its session, is in the spool under this number, larger than all before.</summary>
    public void Add(long number, HeldDispatch held)
    {
        _unread.Enqueue(number);
        _held.Enqueue((number, held.Session!, held.Note.Seq, held.Note.Rule));
    }

    /// <summary>Whether a lane has this record, whose turn has come; asked in the order of numbers.</summary>
    public bool Has(long number)
    {
        while (_unread.TryPeek(out long next) && next < number)
        {
            // It was damaged on the disk; the lane's copy is not.
            _unread.Dequeue();
            _settled.Remove(next);
        }

        return _unread.TryPeek(out long first) && first == number;
    }

    /// <summary>The record, which a lane has, is passed over; answers whether its copy is still open.</summary>
    public bool Pass()
    {
        long number = _unread.Dequeue();
        return !_settled.Remove(number);
    }

    /// <summary>The lane's copy is settled, and the record's turn has not come yet.</summary>
    public void Settle(long number) => _settled.Add(number);

    /// <summary>Every record up to <paramref name="number"/> is on the disk, or confirmed.</summary>
    public void LetGo(long number)
    {
        while (_held.TryPeek(out (long Number, Session Session, long Seq, int Rule) first) && first.Number <= number)
        {
            _held.Dequeue();
            first.Session.Settle(first.Seq, first.Rule);
        }
    }
}
