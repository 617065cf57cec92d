using Microsoft.Extensions.Time.Testing;
using SinGateway.Loop;

namespace SinGateway.Tests.Loop;

public sealed class EventLoopTests
{
    [Test]
    public async Task Posts_of_many_threads_run_once_each_and_in_the_order_of_their_thread()
    {
        const int Threads = 8;
        const int Posts = 100_000;
        using RunningLoop running = new();
        int[] next = new int[Threads];
        int disorder = 0;
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(thread => new Thread(() =>
        {
            for (int i = 0; i < Posts; i++)
            {
                int number = i;
                running.Loop.Post(() => disorder += next[thread]++ == number ? 0 : 1);
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());

        await running.TurnAsync();

        await Assert.That(disorder).IsEqualTo(0);
        await Assert.That(next).IsEquivalentTo(Enumerable.Repeat(Posts, Threads));
    }

    [Test]
    public async Task Behind_a_closed_gate_nothing_runs_and_nothing_is_lost()
    {
        Gate gate = new();
        using EventLoop loop = new(TimeProvider.System) { Gate = gate };
        int descriptor = SystemCalls.EventCreate();
        TaskCompletionSource started = new(TaskCreationOptions.RunContinuationsAsynchronously), done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        List<string> ran = [];
        loop.Post(() =>
        {
            loop.Watch(descriptor, SystemCalls.PollIn, new Pollable(_ =>
            {
                SystemCalls.Consume(descriptor);
                ran.Add("read");
                loop.AtEndOfTurn(done.SetResult);
            }));
            new LoopTimer(loop, () => ran.Add("timer")).Start(0);
            loop.AtEndOfTurn(() => ran.Add("write"));
            gate.IsClosed = true;
            started.SetResult();
        });
        loop.Start();
        await started.Task.WaitAsync(RunningLoop.Patience);
        SystemCalls.Signal(descriptor);
        loop.Post(() => ran.Add("post"));
        int asked = gate.Asked;
        loop.Wake();
        while (Volatile.Read(ref gate.Asked) < asked + 2)
        {
            loop.Wake();
            await Task.Yield();
        }

        await Assert.That(ran.Except(["timer"])).IsEmpty().Because("the timer was due before the gate closed");
        gate.IsClosed = false;
        loop.Wake();
        await done.Task.WaitAsync(RunningLoop.Patience);
        await Assert.That(ran).IsEquivalentTo(["timer", "post", "write", "read"]);
    }

    [Test]
    public async Task An_open_gate_is_asked_again_and_again_though_nothing_happens()
    {
        // Else a loop that has nothing to do looks like a process that was stopped.
        Gate gate = new();
        using EventLoop loop = new(TimeProvider.System) { Gate = gate };
        loop.Start();
        using PeriodicTimer period = new(TimeSpan.FromMilliseconds(20));
        using CancellationTokenSource patience = new(RunningLoop.Patience);
        while (Volatile.Read(ref gate.Asked) < 3)
        {
            await period.WaitForNextTickAsync(patience.Token);
        }
    }

    [Test]
    public async Task A_loop_behind_a_closed_gate_can_be_stopped()
    {
        Gate gate = new() { IsClosed = true };
        EventLoop loop = new(TimeProvider.System) { Gate = gate };
        bool ran = false;
        loop.Start();
        loop.Post(() => ran = true);
        while (Volatile.Read(ref gate.Asked) < 2)
        {
            loop.Wake();
            await Task.Yield();
        }

        loop.Dispose();
        await Assert.That(ran).IsFalse();
    }

    [Test]
    public async Task What_is_posted_by_a_post_runs_too()
    {
        using RunningLoop running = new();
        TaskCompletionSource inner = new(TaskCreationOptions.RunContinuationsAsynchronously);

        running.Loop.Post(() => running.Loop.Post(inner.SetResult));

        await inner.Task.WaitAsync(RunningLoop.Patience);
    }

    [Test]
    public async Task An_event_of_a_closed_descriptor_does_not_reach_the_one_that_took_its_place()
    {
        using RunningLoop running = new();
        EventLoop loop = running.Loop;
        int first = SystemCalls.EventCreate(), second = SystemCalls.EventCreate();
        int calls = 0, newCalls = 0, newDescriptor = -1;
        ulong firstWatch = 0, secondWatch = 0, newWatch = 0;
        Pollable replacement = new(_ =>
        {
            newCalls++;
            SystemCalls.Consume(newDescriptor);
        });

        // Both are ready in one turn; whoever is called first closes the other, whose number and place in the table are taken at once.
        void Replace(int own, ulong otherWatch, int other)
        {
            calls++;
            SystemCalls.Consume(own);
            loop.Unwatch(otherWatch, other);
            SystemCalls.Close(other);
            newDescriptor = SystemCalls.EventCreate();
            newWatch = loop.Watch(newDescriptor, SystemCalls.PollIn, replacement);
        }

        await running.RunAsync(() =>
        {
            SystemCalls.Signal(first);
            SystemCalls.Signal(second);
            firstWatch = loop.Watch(first, SystemCalls.PollIn, new Pollable(_ => Replace(first, secondWatch, second)));
            secondWatch = loop.Watch(second, SystemCalls.PollIn, new Pollable(_ => Replace(second, firstWatch, first)));
        });
        await running.UntilAsync(() => calls > 0);
        await running.TurnAsync();

        await Assert.That(calls).IsEqualTo(1);
        await Assert.That(newCalls).IsEqualTo(0);
        await Assert.That((uint)newWatch == (uint)firstWatch || (uint)newWatch == (uint)secondWatch).IsTrue().Because("the place is reused");
        await Assert.That(newWatch).IsNotEqualTo(firstWatch);
        await Assert.That(newWatch).IsNotEqualTo(secondWatch);

        await running.RunAsync(() => SystemCalls.Signal(newDescriptor));
        await running.UntilAsync(() => newCalls > 0);
        await Assert.That(newCalls).IsEqualTo(1);
    }

    [Test]
    public async Task What_is_asked_for_at_the_end_of_a_turn_runs_after_everyone_who_was_ready()
    {
        using RunningLoop running = new();
        List<string> order = [];

        await running.RunAsync(() =>
        {
            running.Loop.Post(() => order.Add("ready, next turn"));
            running.Loop.AtEndOfTurn(() => order.Add("end"));
            new LoopTimer(running.Loop, () => order.Add("timer")).Start(0);
        });
        await running.TurnAsync();

        await Assert.That(order).IsEquivalentTo(["timer", "end", "ready, next turn"], TUnit.Assertions.Enums.CollectionOrdering.Matching);
    }

    [Test]
    public async Task What_is_asked_for_while_the_turn_ends_runs_in_the_next_turn_without_waiting()
    {
        using RunningLoop running = new();
        List<string> order = [];
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        running.Loop.Post(() => running.Loop.AtEndOfTurn(() =>
        {
            order.Add("first end");
            running.Loop.AtEndOfTurn(() =>
            {
                order.Add("second end");
                done.SetResult();
            });
            running.Loop.Post(() => order.Add("post"));
        }));
        await done.Task.WaitAsync(RunningLoop.Patience);

        await Assert.That(order).IsEquivalentTo(["first end", "post", "second end"], TUnit.Assertions.Enums.CollectionOrdering.Matching);
    }

    [Test]
    public async Task A_timer_of_the_loop_fires_when_its_time_has_come_and_not_before()
    {
        using RunningLoop running = new(new FakeTimeProvider());
        int fired = 0;
        await running.RunAsync(() => new LoopTimer(running.Loop, () => fired++).Start(1_000));

        await running.AdvanceAsync(999);
        await Assert.That(fired).IsEqualTo(0);

        await running.AdvanceAsync(1);
        await Assert.That(fired).IsEqualTo(1);

        await running.AdvanceAsync(10_000);
        await Assert.That(fired).IsEqualTo(1);
    }

    [Test]
    public async Task A_timer_wakes_a_loop_that_has_nothing_else_to_do()
    {
        using RunningLoop running = new();
        TaskCompletionSource fired = new(TaskCreationOptions.RunContinuationsAsynchronously);

        await running.RunAsync(() => new LoopTimer(running.Loop, fired.SetResult).Start(20));

        await fired.Task.WaitAsync(RunningLoop.Patience);
    }

    private sealed class Pollable(Action<uint> onReady) : IPollable
    {
        public void OnReady(uint events) => onReady(events);
    }

    private sealed class Gate : ILoopGate
    {
        public volatile bool IsClosed;
        public int Asked;

        public bool IsOpen()
        {
            Interlocked.Increment(ref Asked);
            return !IsClosed;
        }
    }
}
