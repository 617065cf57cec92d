using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;

namespace SinGateway.Tests.Fixtures;

/// <summary>A clock that only the test moves, and that tells the test of each timer that is set.</summary>
internal sealed class WaitingTimeProvider : TimeProvider
{
    private readonly FakeTimeProvider _clock = new();
    private readonly Channel<TimeSpan> _timers = Channel.CreateUnbounded<TimeSpan>();

    public override long TimestampFrequency => _clock.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => _clock.GetUtcNow();

    public override long GetTimestamp() => _clock.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ITimer timer = _clock.CreateTimer(callback, state, dueTime, period);
        _timers.Writer.TryWrite(dueTime);
        return timer;
    }

    /// <summary>Returns when the next timer has been set: its time.</summary>
    public ValueTask<TimeSpan> NextTimerAsync() => _timers.Reader.ReadAsync();

    public void Advance(TimeSpan time) => _clock.Advance(time);
}
