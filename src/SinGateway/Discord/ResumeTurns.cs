using SinGateway.Loop;

namespace SinGateway.Discord;

/// <summary>
/// Lets shards that resume connect one after the other when there are many: at the start, or when an outage cut all of them. Discord does
/// not limit RESUMEs, but asks to stagger mass reconnects, and a thousand TLS handshakes at once would keep the loop from its heartbeats.
/// A token bucket: some go at once, the rest a hundred a second; each of several loops has its share of it. Belongs to the loop's thread.
/// </summary>
internal sealed class ResumeTurns
{
    /// <summary>Shards that connect at once, on all loops.</summary>
    public const int Burst = 32;

    /// <summary>Between two turns of all loops when more wait, in ms.</summary>
    public const int Interval = 10;

    private readonly EventLoop _loop;
    private readonly LoopTimer _timer;
    private readonly Queue<Action> _waiting = new();
    private readonly long _interval;
    private readonly long _saved;

    /// <summary>When the bucket is full again; each turn moves it by one interval.</summary>
    private long _fullAt;

    private long _heldUntil;

    /// <param name="loop">Of the shards.</param>
    /// <param name="loops">That share Discord's patience.</param>
    public ResumeTurns(EventLoop loop, int loops = 1)
    {
        _loop = loop;
        _interval = Interval * loops;
        _saved = (Math.Max(Burst / loops, 1) - 1) * _interval;
        _timer = new LoopTimer(loop, GiveTurns);
        _fullAt = _heldUntil = loop.Now;
    }

    /// <summary>Shards that wait.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Calls <paramref name="come"/> when it is the caller's turn: within this call if nobody waits.</summary>
    public void Request(Action come)
    {
        _waiting.Enqueue(come);
        GiveTurns();
    }

    /// <summary>Raised by <see cref="Limit"/>: the other loops have the same address.</summary>
    public event Action<long>? Limited;

    /// <summary>Discord limits connections from this address: nobody has a turn for this many ms.</summary>
    public void Limit(long milliseconds)
    {
        Hold(milliseconds);
        Limited?.Invoke(milliseconds);
    }

    /// <summary>Nobody of this loop has a turn for this many ms.</summary>
    public void Hold(long milliseconds) => _heldUntil = Math.Max(_heldUntil, _loop.Now + milliseconds);

    private void GiveTurns()
    {
        while (_waiting.Count > 0)
        {
            long next = Math.Max(_heldUntil, _fullAt - _saved);
            if (next > _loop.Now)
            {
                _timer.Start(next - _loop.Now);
                return;
            }

            _fullAt = Math.Max(_fullAt, _loop.Now) + _interval;
            _waiting.Dequeue()();
        }
    }
}
