using SinGateway.Sessions;

namespace SinGateway.Singyeong;

/// <summary>
/// Messages that were held in a lane and are on their way again: each is settled when the outbox is confirmed up to its end, unless it came
/// back once more before that. Belongs to the loop's thread.
/// </summary>
internal sealed class ReleasedDispatches
{
    private readonly Queue<(long End, HeldDispatch Dispatch)> _onTheirWay = new();

    /// <summary>Those that came back: where the frame ended that is not to settle them.</summary>
    private readonly HashSet<long> _cameBack = [];

    public bool IsEmpty => _onTheirWay.Count == 0;

    /// <param name="end">Of its frame in the outbox.</param>
    /// <param name="dispatch">Its session holds the event until it is settled.</param>
    public void Add(long end, HeldDispatch dispatch) => _onTheirWay.Enqueue((end, dispatch));

    /// <summary>The outbox is confirmed up to <paramref name="position"/>.</summary>
    public void Settle(long position)
    {
        while (_onTheirWay.TryPeek(out (long End, HeldDispatch Dispatch) first) && first.End <= position)
        {
            _onTheirWay.Dequeue();
            if (!_cameBack.Remove(first.End))
            {
                first.Dispatch.Session.Settle(first.Dispatch.Note.Seq, first.Dispatch.Note.Rule);
            }
        }
    }

    /// <summary>The frame waits again: answers its session, or null when it is not one of these.</summary>
    public Session? TakeBack(in FrameNote frame)
    {
        foreach ((long end, HeldDispatch dispatch) in _onTheirWay)
        {
            if (end == frame.End)
            {
                _cameBack.Add(end);
                return dispatch.Session;
            }
        }

        return null;
    }
}
