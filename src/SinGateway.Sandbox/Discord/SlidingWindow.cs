namespace SinGateway.Sandbox.Discord;

/// <summary>So many events in any stretch of so many ms, as Discord counts a connection's sends.</summary>
internal sealed class SlidingWindow(int limit, long milliseconds)
{
    private readonly Queue<long> _times = new();

    /// <summary>Counts one at <paramref name="now"/>; false when it is one too many.</summary>
    public bool TryAdd(long now)
    {
        _times.Enqueue(now);
        while (now - _times.Peek() > milliseconds)
        {
            _times.Dequeue();
        }
        return _times.Count <= limit;
    }
}
