using System.Diagnostics;

namespace SinGateway.Sandbox.Singyeong;

/// <summary>
/// Makes the server as slow as the real one (about 3,000 messages a second): each message moves the time of the next one on. Shared by all
/// connections, as the real server's processors are.
/// </summary>
internal sealed class Throttle(int rate)
{
    // So much may be done at once, since no timer is finer than a few ms.
    private static readonly long Slack = Stopwatch.Frequency / 200;

    private readonly Lock _gate = new();
    private long _next;

    /// <summary>Messages a second; 0 for no limit.</summary>
    public int Rate { get; set; } = rate;

    /// <summary>Counts one message; the answer is how long to wait before the next.</summary>
    public TimeSpan Take()
    {
        int messages = Rate;
        if (messages == 0)
        {
            return TimeSpan.Zero;
        }
        lock (_gate)
        {
            long now = Stopwatch.GetTimestamp();
            _next = Math.Max(_next, now - Slack) + Stopwatch.Frequency / messages;
            return _next - now > Slack ? Stopwatch.GetElapsedTime(now, _next) : TimeSpan.Zero;
        }
    }
}
