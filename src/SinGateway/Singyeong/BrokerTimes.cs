using SinGateway.Loop;
using SinGateway.Operations;

namespace SinGateway.Singyeong;

/// <summary>
/// How long what goes to one 신경 takes. Belongs to the loop's thread.
/// </summary>
/// <remarks>
/// An event's time begins with the turn of the loop that read it from Discord's socket (the clock is read when epoll returns, so what the turn does
/// before counts; what was in the spool since is known to the ms), and ends when a write has handed its dispatch to 신경's socket. All dispatches of one turn share a mark in a queue, with the
/// position in the outbox where the last of them ends: a write reads the clock once and counts every mark that it passes, whole. Nothing is kept
/// for an event. The queue is bounded: while it would be longer, turns that lie within 1/512 of the time it covers share a mark, which has the
/// first one's beginning. What a lane holds, and what is sent again after a lost connection, is not counted.
/// </remarks>
internal sealed class BrokerTimes(EventLoop loop)
{
    private const int FirstMarks = 64;
    private const int MaximumMarks = 1_024;

    private readonly Queue<long> _heartbeats = new();

    /// <summary>A ring whose length is a power of two.</summary>
    private Mark[] _marks = new Mark[FirstMarks];
    private int _first;
    private int _count;

    /// <summary>What is not further than this behind a mark's beginning joins it: 0 but for a queue that was full, in the loop's timestamps.</summary>
    private long _width;

    /// <summary>From the bytes read from Discord to the bytes written to 신경.</summary>
    public Histogram EventLatency { get; } = new(Histogram.Seconds);

    /// <summary>From a barrier's heartbeat to its ack.</summary>
    public Histogram BarrierTime { get; } = new(Histogram.Seconds);

    /// <summary>
    /// A dispatch stands in the outbox and ends at <paramref name="end"/>; its event was read at <paramref name="readAt"/>, a timestamp of the
    /// loop: this turn's, or the older one of an event that waited elsewhere.
    /// </summary>
    public void Added(long end, long readAt)
    {
        ref Mark last = ref At(_count - 1); // any, when there is none
        if (_count > 0 && readAt >= last.ReadAt && readAt - last.ReadAt <= _width)
        {
            last.End = end;
            last.Dispatches++;
            return;
        }

        if (_count == _marks.Length)
        {
            MakeRoom();
        }

        At(_count++) = new Mark { ReadAt = readAt, End = end, Dispatches = 1 };
    }

    /// <summary>Everything before <paramref name="sent"/> was handed to the socket.</summary>
    public void Written(long sent)
    {
        if (_count == 0 || At(0).End > sent)
        {
            return;
        }

        long now = loop.ReadTimestamp();
        while (_count > 0 && At(0).End <= sent)
        {
            EventLatency.Observe(loop.Microseconds(At(0).ReadAt, now), At(0).Dispatches);
            _first++;
            _count--;
        }

        _width = _count == 0 ? 0 : _width;
    }

    public void HeartbeatSent() => _heartbeats.Enqueue(loop.Timestamp);

    /// <summary>The oldest heartbeat was acknowledged.</summary>
    public void Acknowledged()
    {
        if (_heartbeats.TryDequeue(out long sentAt))
        {
            BarrierTime.Observe(loop.Microseconds(sentAt, loop.ReadTimestamp()));
        }
    }

    /// <summary>The connection is gone: its heartbeats will not be answered.</summary>
    public void Lost() => _heartbeats.Clear();

    private ref Mark At(int index) => ref _marks[(_first + index) & (_marks.Length - 1)];

    private void MakeRoom()
    {
        if (_count < MaximumMarks)
        {
            Mark[] more = new Mark[_marks.Length * 2];
            for (int i = 0; i < _count; i++)
            {
                more[i] = At(i);
            }

            (_marks, _first) = (more, 0);
            return;
        }

        long first = long.MaxValue, latest = long.MinValue;
        for (int i = 0; i < _count; i++)
        {
            first = Math.Min(first, At(i).ReadAt);
            latest = Math.Max(latest, At(i).ReadAt);
        }

        _width = ((latest - first) / (MaximumMarks / 2)) + 1;
        int kept = 1;
        for (int i = 1; i < _count; i++)
        {
            Mark mark = At(i);
            ref Mark last = ref At(kept - 1);
            if (mark.ReadAt - last.ReadAt <= _width)
            {
                // Also when it is older: what waited in the spool comes behind what came later.
                last.ReadAt = Math.Min(last.ReadAt, mark.ReadAt);
                last.End = mark.End;
                last.Dispatches += mark.Dispatches;
            }
            else
            {
                At(kept++) = mark;
            }
        }

        _count = kept;
    }

    /// <summary>The dispatches of one turn, or of neighbouring ones.</summary>
    private struct Mark
    {
        /// <summary>The loop's timestamp.</summary>
        public long ReadAt;

        /// <summary>Where the last of them ends in the outbox.</summary>
        public long End;

        public long Dispatches;
    }
}
