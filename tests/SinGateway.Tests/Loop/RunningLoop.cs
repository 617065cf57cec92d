using Microsoft.Extensions.Time.Testing;
using SinGateway.Loop;

namespace SinGateway.Tests.Loop;

/// <summary>
/// An event loop on its own thread for the length of one test. What belongs to the loop is touched through <see cref="RunAsync(Action)"/>.
/// </summary>
internal sealed class RunningLoop : IDisposable
{
    /// <summary>When a test that waits is given up: far beyond what the slowest machine needs.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly FakeTimeProvider? _time;

    /// <param name="time">The loop's clock, which then stands still but for <see cref="AdvanceAsync"/>; null for the real one.</param>
    public RunningLoop(FakeTimeProvider? time = null)
    {
        _time = time;
        Loop = new EventLoop(time ?? TimeProvider.System);
        Loop.Start();
    }

    public EventLoop Loop { get; }

    public Task RunAsync(Action action) => RunAsync(() =>
    {
        action();
        return true;
    });

    public Task<T> RunAsync<T>(Func<T> function)
    {
        TaskCompletionSource<T> result = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Loop.Post(() =>
        {
            try
            {
                result.SetResult(function());
            }
            catch (Exception failure)
            {
                result.SetException(failure);
            }
        });
        return result.Task.WaitAsync(Patience);
    }

    /// <summary>Completes at the end of a whole turn: what was posted before has run, and so have the timers that are due.</summary>
    public Task TurnAsync()
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Loop.Post(() => Loop.AtEndOfTurn(done.SetResult));
        return done.Task.WaitAsync(Patience);
    }

    /// <summary>Lets time pass; timers that others start with no delay have fired too.</summary>
    public async Task AdvanceAsync(long milliseconds)
    {
        _time!.Advance(TimeSpan.FromMilliseconds(milliseconds));
        for (int turn = 0; turn < 3; turn++)
        {
            await TurnAsync();
        }
    }

    /// <summary>
    /// Turns until <paramref name="condition"/> holds on the loop; time passes by <paramref name="step"/> ms when the clock is a fake one,
    /// once in a real millisecond at most: what happens off the loop meanwhile must not come hours late because its thread had to wait.
    /// </summary>
    public async Task UntilAsync(Func<bool> condition, long step = 0)
    {
        using CancellationTokenSource patience = new(Patience);
        using PeriodicTimer real = new(TimeSpan.FromMilliseconds(1));
        while (!await RunAsync(condition))
        {
            patience.Token.ThrowIfCancellationRequested();
            if (step > 0)
            {
                await real.WaitForNextTickAsync(patience.Token);
                _time!.Advance(TimeSpan.FromMilliseconds(step));
            }

            await TurnAsync();
        }
    }

    public void Dispose() => Loop.Dispose();
}
