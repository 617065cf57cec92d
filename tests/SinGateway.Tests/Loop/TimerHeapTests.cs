using FsCheck;
using FsCheck.Fluent;
using SinGateway.Loop;

namespace SinGateway.Tests.Loop;

public sealed class TimerHeapTests
{
    private const int Timers = 100;

    /// <summary>What may happen to the timers of a loop.</summary>
    private enum Step
    {
        Start,
        Stop,
        Fire,
    }

    /// <summary>
    /// The model is the list of running timers, sorted by due time. The loop does not run, so its clock stands at 0 and a delay is a due
    /// time.
    /// </summary>
    [Test]
    public void Whatever_is_started_stopped_and_moved_timers_fire_in_the_order_of_their_time()
    {
        Gen<(Step Step, int Timer, int Time)> step =
            from kind in Gen.Frequency((6, Gen.Constant(Step.Start)), (2, Gen.Constant(Step.Stop)), (1, Gen.Constant(Step.Fire)))
            from timer in Gen.Choose(0, Timers - 1)
            from time in Gen.Choose(0, 1_000)
            select (kind, timer, time);

        Prop.ForAll(Gen.ListOf(step, 400).ToArbitrary(), steps =>
        {
            using EventLoop loop = new(TimeProvider.System);
            Dictionary<int, long> running = [];
            List<int> fired = [];
            LoopTimer[] timers = [.. Enumerable.Range(0, Timers).Select(i => new LoopTimer(loop, () => fired.Add(i)))];
            long now = 0;
            foreach ((Step kind, int timer, int time) in steps)
            {
                switch (kind)
                {
                    case Step.Start:
                        timers[timer].Start(now + time);
                        running[timer] = now + time;
                        break;
                    case Step.Stop:
                        timers[timer].Stop();
                        running.Remove(timer);
                        break;
                    case Step.Fire:
                        now += time / 4;
                        fired.Clear();
                        loop.Timers.FireDue(now);
                        long[] expected = [.. running.Values.Where(due => due <= now).Order()];
                        if (!fired.Select(i => running[i]).SequenceEqual(expected) || fired.Distinct().Count() != fired.Count)
                        {
                            return false;
                        }

                        fired.ForEach(i => running.Remove(i));
                        break;
                }

                bool isRight = loop.Timers.Count == running.Count
                    && timers[timer].IsRunning == running.ContainsKey(timer)
                    && loop.Timers.Timeout(now) == (running.Count == 0 ? -1 : (int)Math.Max(running.Values.Min() - now, 0));
                if (!isRight)
                {
                    return false;
                }
            }

            return true;
        }).QuickCheckThrowOnFailure();
    }

    [Test]
    public async Task A_timer_that_another_one_stops_in_the_same_round_does_not_fire()
    {
        using EventLoop loop = new(TimeProvider.System);
        List<string> fired = [];
        LoopTimer later = new(loop, () => fired.Add("later"));
        LoopTimer sooner = new(loop, () =>
        {
            fired.Add("sooner");
            later.Stop();
        });
        later.Start(20);
        sooner.Start(10);

        loop.Timers.FireDue(30);

        await Assert.That(fired).IsEquivalentTo(["sooner"]);
    }

    [Test]
    public async Task A_timer_that_starts_itself_with_no_delay_does_not_hold_the_loop_up()
    {
        using EventLoop loop = new(TimeProvider.System);
        int fired = 0;
        LoopTimer timer = null!;
        timer = new LoopTimer(loop, () =>
        {
            fired++;
            timer.Start(0);
        });
        timer.Start(0);
        LoopTimer[] others = [.. Enumerable.Range(0, 10).Select(i => new LoopTimer(loop, () => { }))];
        Array.ForEach(others, other => other.Start(1_000));

        loop.Timers.FireDue(0);

        await Assert.That(fired).IsEqualTo(1).Because("one that a callback starts with no delay waits for the next round");
    }

    [Test]
    public async Task Timers_of_the_same_time_fire_in_the_order_of_their_start()
    {
        using EventLoop loop = new(TimeProvider.System);
        List<int> fired = [];
        LoopTimer[] timers = [.. Enumerable.Range(0, 20).Select(i => new LoopTimer(loop, () => fired.Add(i)))];
        Array.ForEach(timers, timer => timer.Start(10));
        timers[0].Start(10);

        loop.Timers.FireDue(10);

        await Assert.That(fired).IsEquivalentTo([.. Enumerable.Range(1, 19), 0], TUnit.Assertions.Enums.CollectionOrdering.Matching);
    }

    [Test]
    public async Task A_negative_delay_is_none()
    {
        using EventLoop loop = new(TimeProvider.System);
        new LoopTimer(loop, () => { }).Start(-5);

        await Assert.That(loop.Timers.Timeout(0)).IsEqualTo(0);
    }
}
