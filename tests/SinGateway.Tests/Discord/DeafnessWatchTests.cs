using System.Runtime.CompilerServices;
using SinGateway.Discord;

namespace SinGateway.Tests.Discord;

public sealed class DeafnessWatchTests
{
    private const long Interval = 41_250;
    private const long Hour = 3_600_000;
    private const long Day = 24 * Hour;

    [Test]
    public async Task A_busy_shard_is_deaf_after_ten_minutes_of_silence()
    {
        Listener listener = new();
        listener.Hear(3 * Hour, every: 1);

        await Assert.That(listener.SilenceUntil(Hearing.Deaf)).IsBetween(DeafnessWatch.MinimumSilence, DeafnessWatch.MinimumSilence + Interval);
        await Assert.That(listener.IsDeaf).IsTrue();
    }

    [Test]
    public async Task A_slower_shard_is_deaf_after_ten_usual_gaps()
    {
        Listener listener = new();
        listener.Hear(3 * Hour, every: 2);
        long gap = listener.UsualGap;
        await Assert.That(gap).IsBetween(2 * Interval * 9 / 10, 2 * Interval * 11 / 10);

        // More than ten, because the silence counts as a gap as well.
        await Assert.That(listener.SilenceUntil(Hearing.Deaf)).IsBetween(10 * gap, 15 * gap);
    }

    [Test]
    public async Task A_shard_that_has_listened_for_twenty_minutes_has_a_usual_gap()
    {
        Listener listener = new();
        listener.Hear(20 * 60_000, every: 1);

        await Assert.That(listener.SilenceUntil(Hearing.Deaf)).IsBetween(DeafnessWatch.MinimumSilence, 2 * DeafnessWatch.MinimumSilence);
    }

    [Test]
    public async Task The_guilds_of_a_start_are_no_usual_gap()
    {
        Listener listener = new();
        listener.Hear(3 * Interval, every: 1);

        await Assert.That(listener.Silent(7 * Day)).IsEmpty();
    }

    [Test]
    public async Task A_shard_that_never_heard_anything_is_not_deaf() =>
        await Assert.That(new Listener().Silent(7 * Day)).IsEmpty();

    [Test]
    public async Task Deafness_is_told_once_and_once_more_when_it_lasts()
    {
        Listener listener = new();
        listener.Hear(3 * Hour, every: 1);

        await Assert.That(string.Join(' ', listener.Silent(7 * Day))).IsEqualTo("Deaf StillDeaf");
    }

    [Test]
    public async Task An_event_ends_deafness_and_it_can_begin_again_as_soon()
    {
        Listener listener = new();
        listener.Hear(3 * Hour, every: 1);
        long first = listener.SilenceUntil(Hearing.Deaf);
        listener.Hear(3 * Hour, every: 1);
        await Assert.That(listener.IsDeaf).IsFalse();

        await Assert.That(listener.SilenceUntil(Hearing.Deaf)).IsEqualTo(first);
    }

    [Test]
    public async Task A_silence_that_no_resume_ended_is_learned()
    {
        Listener listener = new();
        listener.Hear(3 * Hour, every: 1);
        await Assert.That(string.Join(' ', listener.Silent(8 * Hour))).IsEqualTo("Deaf StillDeaf");

        listener.Hear(16 * Hour, every: 1);
        await Assert.That(listener.Silent(12 * Hour)).IsEmpty();
    }

    [Test]
    public async Task Time_without_acks_is_not_silence()
    {
        Listener listener = new();
        listener.Hear(3 * Hour, every: 1);
        for (int i = 0; i < 5; i++)
        {
            listener.Away(8 * Hour);
            await Assert.That(listener.Look(0)).IsEqualTo(Hearing.Usual);
        }

        await Assert.That(listener.Silence).IsEqualTo(5 * Interval);
    }

    [Test]
    public async Task Acks_in_quick_succession_are_one_look()
    {
        DeafnessWatch watch = default;
        for (long now = 0; now < 3 * Hour; now += 1_000)
        {
            watch.Acknowledged(now / Interval, Interval, now);
        }

        await Assert.That(watch.UsualGap(Interval)).IsLessThan(Interval * 3).Because("an event a beat was heard");
        await Assert.That(watch.UsualGap(Interval)).IsGreaterThanOrEqualTo(Interval);
    }

    [Test]
    [Arguments(1.0 / 20)]
    [Arguments(1.0 / 5)]
    public async Task A_night_in_which_events_grow_rare_is_not_deafness(double nightRate)
    {
        foreach (int gap in (int[])[1_000, 5_000, 20_000, 60_000, 180_000, 600_000])
        {
            for (int seed = 0; seed < 5; seed++)
            {
                Listener listener = new(seed);
                List<string> said = listener.Live(30 * Day, now => DayCurve(now, nightRate) / gap);

                await Assert.That(said).IsEmpty().Because($"an event in {gap} ms at noon, seed {seed}");
            }
        }
    }

    [Test]
    public async Task Nights_without_any_event_are_told_once_and_then_known()
    {
        Listener listener = new();

        List<string> said = listener.Live(30 * Day, now => now % Day < 16 * Hour ? 1.0 / 5_000 : 0);

        await Assert.That(string.Join(' ', said)).IsEqualTo("Deaf StillDeaf");
    }

    [Test]
    public async Task It_costs_a_few_dozen_bytes() => await Assert.That(Unsafe.SizeOf<DeafnessWatch>()).IsLessThanOrEqualTo(64);

    /// <summary>Events, as a share of those at noon: highest at the start of the day, lowest twelve hours later.</summary>
    private static double DayCurve(long now, double lowest) => lowest + ((1 - lowest) * (0.5 + (0.5 * Math.Cos(2 * Math.PI * now / Day))));

    /// <summary>A shard in virtual time, whose heartbeats are always acknowledged.</summary>
    private sealed class Listener(int seed = 0)
    {
        private readonly Random _random = new(seed);
        private DeafnessWatch _watch;
        private long _now = 12_345;
        private long _events;

        public bool IsDeaf => _watch.IsDeaf;

        public long Silence => _watch.Silence;

        public long UsualGap => _watch.UsualGap(Interval);

        public Hearing Look(int events)
        {
            _now += Interval;
            _events += events;
            return _watch.Acknowledged(_events, Interval, _now);
        }

        public void Away(long duration) => _now += duration;

        /// <summary>Every n-th look finds an event, the last one too.</summary>
        public void Hear(long duration, int every)
        {
            long looks = duration / Interval / every * every;
            for (long i = 1; i <= looks; i++)
            {
                Look(i % every == 0 ? 1 : 0);
            }
        }

        /// <summary>How long it takes.</summary>
        public long SilenceUntil(Hearing hearing)
        {
            long start = _now;
            while (Look(0) != hearing)
            {
                if (_now - start > Day)
                {
                    return long.MaxValue;
                }
            }

            return _now - start;
        }

        public List<string> Silent(long duration) => Live(duration, _ => 0);

        /// <summary>What was said while events came at random, so many a millisecond.</summary>
        public List<string> Live(long duration, Func<long, double> rate)
        {
            List<string> said = [];
            for (long end = _now + duration; _now < end;)
            {
                bool comes = _random.NextDouble() < 1 - Math.Exp(-rate(_now) * Interval);
                Hearing hearing = Look(comes ? 1 : 0);
                if (hearing != Hearing.Usual)
                {
                    said.Add($"{hearing}");
                }
            }

            return said;
        }
    }
}
