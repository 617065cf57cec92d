using SinGateway.Loop;

namespace SinGateway.Tests.Loop;

public sealed class EventLoopsTests
{
    [Test]
    public async Task What_is_posted_through_all_waits_for_each_loop_to_turn()
    {
        using EventLoops loops = new(3, TimeProvider.System);
        loops.Start(_ => { });
        using ManualResetEventSlim goesOn = new();
        loops.All[1].Post(() => goesOn.Wait(RunningLoop.Patience));
        TaskCompletionSource<int> ran = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource turned = new(TaskCreationOptions.RunContinuationsAsynchronously);

        loops.PostThroughAll(() => ran.SetResult(Environment.CurrentManagedThreadId));
        loops.All[2].Post(turned.SetResult);
        await turned.Task.WaitAsync(RunningLoop.Patience);
        await Assert.That(ran.Task.IsCompleted).IsFalse();

        goesOn.Set();
        TaskCompletionSource<int> last = new(TaskCreationOptions.RunContinuationsAsynchronously);
        loops.All[2].Post(() => last.SetResult(Environment.CurrentManagedThreadId));
        await Assert.That(await ran.Task.WaitAsync(RunningLoop.Patience)).IsEqualTo(await last.Task.WaitAsync(RunningLoop.Patience));
    }

    [Test]
    public async Task Whichever_loop_fails_is_told()
    {
        using EventLoops loops = new(2, TimeProvider.System);
        TaskCompletionSource<Exception> failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        loops.Start(failed.SetResult);

        loops.All[1].Post(() => throw new InvalidOperationException("a bug"));

        await Assert.That((await failed.Task.WaitAsync(RunningLoop.Patience)).Message).IsEqualTo("a bug");
    }

    /// <summary>Two loops post to each other without an end: none may be closed while the other still turns.</summary>
    [Test]
    public async Task Loops_that_post_to_each_other_end_together()
    {
        for (int round = 0; round < 100; round++)
        {
            Exception? failure = null;
            using (EventLoops loops = new(2, TimeProvider.System))
            {
                loops.Start(seen => failure = seen);
                int hops = 0;
                TaskCompletionSource turned = new(TaskCreationOptions.RunContinuationsAsynchronously);
                loops.All[0].Post(There);
                await turned.Task.WaitAsync(RunningLoop.Patience);

                void There() => loops.All[1].Post(Back);

                void Back()
                {
                    if (++hops == 3)
                    {
                        turned.SetResult();
                    }

                    loops.All[0].Post(There);
                }
            }

            await Assert.That(failure).IsNull();
        }
    }
}
