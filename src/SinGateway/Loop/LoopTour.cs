namespace SinGateway.Loop;

/// <summary>
/// Goes from loop to loop and does something on each, so that what all of them contribute to has one writer at a time and needs no lock. On
/// one loop it is a call. A tour waits for as long as a loop stands still. Belongs to the first loop's thread, but for the visits.
/// </summary>
internal sealed class LoopTour
{
    private readonly EventLoop[] _loops;
    private readonly Action<int> _visit;
    private readonly Action _ended;
    private readonly PostedAction[] _legs;

    /// <param name="loops">In their order.</param>
    /// <param name="visit">Called with the index of each loop, on its thread.</param>
    /// <param name="ended">Called on the first loop after the last visit.</param>
    public LoopTour(IEnumerable<EventLoop> loops, Action<int> visit, Action ended)
    {
        _loops = [.. loops];
        _visit = visit;
        _ended = ended;

        // The way home is the first one's, which is not posted to otherwise.
        _legs = [.. _loops.Select((_, i) => new PostedAction(i == 0 ? End : () => Visit(i)))];
    }

    /// <summary>It has not come back yet; there is one at a time.</summary>
    public bool IsUnderWay { get; private set; }

    /// <summary>Not while one is under way.</summary>
    public void Start()
    {
        _loops[0].AssertOnThread();
        IsUnderWay = true;
        Visit(0);
    }

    private void Visit(int index)
    {
        _loops[index].AssertOnThread();
        _visit(index);
        int next = (index + 1) % _loops.Length;
        if (_loops.Length == 1)
        {
            End();
        }
        else
        {
            _loops[next].Post(_legs[next]);
        }
    }

    private void End()
    {
        IsUnderWay = false;
        _ended();
    }
}
