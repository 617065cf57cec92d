namespace SinGateway.Loop;

/// <summary>
/// A one-shot timer of one loop. Made once by its owner and started again and again, so that a running gateway allocates none.
/// Belongs to the loop's thread.
/// </summary>
internal sealed class LoopTimer(EventLoop loop, Action callback)
{
    /// <summary>When it fires, in the loop's milliseconds.</summary>
    internal long Due { get; private set; }

    /// <summary>Tells timers of the same time apart: the one that was started first fires first.</summary>
    internal long Order { get; set; }

    /// <summary>Where it stands in the loop's heap; -1 when it is not running.</summary>
    internal int HeapIndex { get; set; } = -1;

    public bool IsRunning => HeapIndex >= 0;

    /// <summary>Fires once after <paramref name="milliseconds"/>; a running timer is moved.</summary>
    public void Start(long milliseconds)
    {
        loop.AssertOnThread();
        Stop();
        Due = loop.Now + Math.Max(milliseconds, 0);
        loop.Timers.Add(this);
    }

    public void Stop()
    {
        loop.AssertOnThread();
        if (IsRunning)
        {
            loop.Timers.Remove(this);
        }
    }

    internal void Fire() => callback();
}
