using SinGateway.Discord;

namespace SinGateway.Tests.Discord;

public sealed class SendLimiterTests
{
    private const int DiscordsInterval = 41_250;
    private const long Minute = 60_000;

    /// <summary>Commands that fit into a window beside everything that is kept free for others.</summary>
    private const int CommandsInWindow = SendLimiter.Limit - 3 - 1 - SendLimiter.ReplyReserve;

    [Test]
    public async Task Commands_leave_room_for_heartbeats_the_handshake_and_answers()
    {
        SendLimiter limiter = Ready();

        await Assert.That(TakeAll(limiter, SendKind.Command, 0)).IsEqualTo(CommandsInWindow);
        await Assert.That(TakeAll(limiter, SendKind.Reply, 0)).IsEqualTo(SendLimiter.ReplyReserve);
        await Assert.That(TakeAll(limiter, SendKind.Heartbeat, 0)).IsEqualTo(4);
    }

    [Test]
    public async Task A_command_may_go_when_the_oldest_leaves_the_window()
    {
        SendLimiter limiter = Ready();
        limiter.Take(SendKind.Command, 0);
        TakeAll(limiter, SendKind.Command, 1_000);

        await Assert.That(limiter.Take(SendKind.Command, 5_000)).IsEqualTo(SendLimiter.Window - 5_000);
        await Assert.That(limiter.Take(SendKind.Command, SendLimiter.Window)).IsEqualTo(0);
        await Assert.That(limiter.Take(SendKind.Command, SendLimiter.Window)).IsEqualTo(1_000);
    }

    [Test]
    public async Task The_window_slides_and_does_not_start_anew()
    {
        SendLimiter limiter = Ready();
        TakeAll(limiter, SendKind.Command, Minute - 1);

        await Assert.That(limiter.Take(SendKind.Command, Minute + 1)).IsGreaterThan(0);
    }

    [Test]
    public async Task The_sixth_presence_waits_for_the_first_to_be_twenty_seconds_old()
    {
        SendLimiter limiter = Ready();
        for (int i = 0; i < SendLimiter.PresenceLimit; i++)
        {
            await Assert.That(limiter.Take(SendKind.Presence, i)).IsEqualTo(0);
        }

        await Assert.That(limiter.Take(SendKind.Presence, 1_000)).IsEqualTo(SendLimiter.PresenceWindow - 1_000);
        await Assert.That(limiter.Take(SendKind.Command, 1_000)).IsEqualTo(0).Because("it is not the commands' limit");
    }

    [Test]
    public async Task Before_HELLO_only_a_few_answers_are_sent_and_the_handshake_always()
    {
        SendLimiter limiter = new();

        await Assert.That(TakeAll(limiter, SendKind.Reply, 0)).IsEqualTo(SendLimiter.ReplyReserve);
        await Assert.That(limiter.Take(SendKind.Command, 0)).IsGreaterThan(0);
        await Assert.That(limiter.Take(SendKind.Handshake, 0)).IsEqualTo(0);
    }

    [Test]
    [Arguments(100)]
    [Arguments(1_000)]
    [Arguments(7_777)]
    [Arguments(41_250)]
    [Arguments(45_000)]
    [Arguments(600_000)]
    public async Task Whatever_is_wanted_no_window_holds_more_than_the_limits_and_everything_gets_its_turn(int interval)
    {
        for (int seed = 0; seed < 20; seed++)
        {
            Schedule schedule = new(interval, seed);
            schedule.Run(10 * Minute);

            await Assert.That(schedule.MostIn(Minute, _ => true)).IsLessThanOrEqualTo(120).Because($"seed {seed}");
            await Assert.That(schedule.MostIn(20_000, kind => kind == SendKind.Presence)).IsLessThanOrEqualTo(5).Because($"seed {seed}");
            await Assert.That(schedule.Waiting).IsEqualTo(0).Because($"seed {seed}: everything is admitted in the end");

            // Below half a second the limit has no room for every heartbeat.
            if (interval >= 1_000)
            {
                await Assert.That(schedule.RefusedHeartbeats).IsEqualTo(0).Because($"seed {seed}");
            }
        }
    }

    [Test]
    public async Task An_idle_shard_pays_about_a_hundred_bytes()
    {
        Keep(Ready());
        long before = GC.GetAllocatedBytesForCurrentThread();
        SendLimiter limiter = Ready();
        limiter.Take(SendKind.Handshake, 0);
        for (long beat = 1; beat < 100; beat++)
        {
            limiter.Take(SendKind.Heartbeat, beat * DiscordsInterval);
        }

        long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        Keep(limiter);
        await Assert.That(bytes).IsLessThanOrEqualTo(128);
    }

    private static void Keep(SendLimiter limiter)
    {
        limiter.Take(SendKind.Heartbeat, 0);
        GC.KeepAlive(limiter);
    }

    private static SendLimiter Ready()
    {
        SendLimiter limiter = new();
        limiter.SetHeartbeatInterval(DiscordsInterval);
        return limiter;
    }

    private static int TakeAll(SendLimiter limiter, SendKind kind, long now)
    {
        int taken = 0;
        while (limiter.Take(kind, now) == 0)
        {
            taken++;
        }

        return taken;
    }

    /// <summary>
    /// One connection in virtual time: heartbeats at their interval, floods of opcode 1, commands and presences at random, each asking again
    /// when it was told to.
    /// </summary>
    private sealed class Schedule(int interval, int seed)
    {
        private readonly Random _random = new(seed);
        private readonly SendLimiter _limiter = new();
        private readonly List<(long Time, SendKind Kind)> _sent = [];
        private readonly long[] _askAgainAt = new long[2];
        private readonly int[] _waiting = new int[2];

        public int RefusedHeartbeats { get; private set; }

        public int Waiting => _waiting[0] + _waiting[1];

        public void Run(long duration)
        {
            TakeReplies(0, _random.Next(10));
            _limiter.SetHeartbeatInterval(interval);
            Take(SendKind.Handshake, 0);
            long beatAt = (long)(interval * _random.NextDouble());
            long now = 0;
            for (; now < duration; now += _random.Next(1, 400))
            {
                // A loop is never early, and what is late moves what follows.
                if (now >= beatAt)
                {
                    long wait = Take(SendKind.Heartbeat, now);
                    RefusedHeartbeats += wait > 0 ? 1 : 0;
                    beatAt = now + (wait > 0 ? wait : interval);
                }

                TakeReplies(now, _random.Next(100) == 0 ? _random.Next(300) : 0);
                _waiting[0] += _random.Next(300) == 0 ? _random.Next(60) : 0;
                _waiting[1] += _random.Next(300) == 0 ? _random.Next(6) : 0;
                Drain(0, SendKind.Command, now);
                Drain(1, SendKind.Presence, now);
            }

            for (long end = now + (600 * Minute); now < end && Waiting > 0; now += 1_000)
            {
                Drain(0, SendKind.Command, now);
                Drain(1, SendKind.Presence, now);
            }
        }

        public int MostIn(long window, Func<SendKind, bool> counts)
        {
            List<long> times = [.. _sent.Where(sent => counts(sent.Kind)).Select(sent => sent.Time)];
            int most = 0;
            for (int first = 0, end = 0; first < times.Count; first++)
            {
                while (end < times.Count && times[end] <= times[first] + window)
                {
                    end++;
                }

                most = Math.Max(most, end - first);
            }

            return most;
        }

        private void Drain(int queue, SendKind kind, long now)
        {
            while (_waiting[queue] > 0 && now >= _askAgainAt[queue])
            {
                long wait = Take(kind, now);
                _askAgainAt[queue] = now + wait;
                _waiting[queue] -= wait == 0 ? 1 : 0;
            }
        }

        private void TakeReplies(long now, int count)
        {
            for (int i = 0; i < count; i++)
            {
                Take(SendKind.Reply, now);
            }
        }

        private long Take(SendKind kind, long now)
        {
            long wait = _limiter.Take(kind, now);
            if (wait == 0)
            {
                _sent.Add((now, kind));
            }

            return wait;
        }
    }
}
