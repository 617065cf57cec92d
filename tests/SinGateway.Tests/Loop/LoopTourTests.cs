using SinGateway.Loop;

namespace SinGateway.Tests.Loop;

public sealed class LoopTourTests
{
    [Test]
    public async Task It_visits_each_loop_on_its_thread_in_order_and_ends_on_the_first()
    {
        using RunningLoop first = new(), second = new(), third = new();
        RunningLoop[] all = [first, second, third];
        int[] threads = await Task.WhenAll(all.Select(running => running.RunAsync(() => Environment.CurrentManagedThreadId)));
        List<(int Visited, int Thread)> seen = [];
        TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        LoopTour tour = new(
            all.Select(running => running.Loop),
            index => seen.Add((index, Environment.CurrentManagedThreadId)),
            () =>
            {
                seen.Add((-1, Environment.CurrentManagedThreadId));
                ended.SetResult();
            });

        await first.RunAsync(tour.Start);
        await ended.Task.WaitAsync(RunningLoop.Patience);

        await Assert.That(seen).IsEquivalentTo([(0, threads[0]), (1, threads[1]), (2, threads[2]), (-1, threads[0])], TUnit.Assertions.Enums.CollectionOrdering.Matching);
    }

    [Test]
    public async Task On_one_loop_it_is_over_when_the_call_returns()
    {
        using RunningLoop running = new();
        List<string> seen = [];
        LoopTour tour = new([running.Loop], index => seen.Add($"visit {index}"), () => seen.Add("ended"));

        bool isUnderWay = await running.RunAsync(() =>
        {
            tour.Start();
            seen.Add("returned");
            return tour.IsUnderWay;
        });

        await Assert.That(string.Join(", ", seen)).IsEqualTo("visit 0, ended, returned");
        await Assert.That(isUnderWay).IsFalse();
    }

    [Test]
    public async Task It_is_under_way_while_a_loop_stands_still_and_can_begin_again_after_it()
    {
        using RunningLoop first = new(), second = new();
        int ends = 0;
        LoopTour tour = new([first.Loop, second.Loop], _ => { }, () => ends++);
        using ManualResetEventSlim goesOn = new();
        second.Loop.Post(() => goesOn.Wait(RunningLoop.Patience));

        await first.RunAsync(tour.Start);
        await first.TurnAsync();
        await Assert.That(await first.RunAsync(() => (tour.IsUnderWay, ends))).IsEqualTo((true, 0));

        goesOn.Set();
        await first.UntilAsync(() => ends == 1);
        await first.RunAsync(tour.Start);
        await first.UntilAsync(() => ends == 2);
        await Assert.That(await first.RunAsync(() => tour.IsUnderWay)).IsFalse();
    }
}
