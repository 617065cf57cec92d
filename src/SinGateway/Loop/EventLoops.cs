namespace SinGateway.Loop;

/// <summary>
/// The loops of a run, each on a thread of its own. The first is also where things are decided that concern all of them. They end together:
/// none is closed while another one, which might still post to it, turns.
/// </summary>
internal sealed class EventLoops : IDisposable
{
    private readonly EventLoop[] _all;

    /// <param name="count">1 at least.</param>
    /// <param name="time">Their clock.</param>
    public EventLoops(int count, TimeProvider time) => _all = [.. Enumerable.Range(0, count).Select(_ => new EventLoop(time))];

    public IReadOnlyList<EventLoop> All => _all;

    public EventLoop First => _all[0];

    /// <summary>Once. <paramref name="failed"/> is called on the thread of a loop that something threw on (<see cref="EventLoop.Failed"/>).</summary>
    public void Start(Action<Exception> failed)
    {
        for (int i = 0; i < _all.Length; i++)
        {
            _all[i].Failed += failed;
            _all[i].Start(_all.Length == 1 ? "loop" : $"loop-{i}");
        }
    }

    /// <summary>Runs <paramref name="action"/> on the last loop, when every one has turned. Any thread.</summary>
    public void PostThroughAll(Action action)
    {
        for (int i = _all.Length - 1; i >= 0; i--)
        {
            (EventLoop loop, Action then) = (_all[i], action);
            action = () => loop.Post(then);
        }

        action();
    }

    public void Dispose()
    {
        foreach (EventLoop loop in _all)
        {
            loop.End();
        }

        foreach (EventLoop loop in _all)
        {
            loop.Dispose();
        }
    }
}
