namespace SinGateway.Sandbox.Discord;

/// <summary>Something that is withheld a number of times: whoever it hits waits until the next release.</summary>
internal sealed class Hold
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _released = NewRelease();

    public Countdown Countdown { get; } = new();

    /// <summary>The release to wait for, or null when this one is not withheld.</summary>
    public Task? Take(int? shard = null)
    {
        lock (_gate)
        {
            return Countdown.Take(shard) ? _released.Task : null;
        }
    }

    /// <summary>Withholds no more, and lets go what was withheld.</summary>
    public void Release()
    {
        lock (_gate)
        {
            Countdown.Set(0);
            _released.SetResult();
            _released = NewRelease();
        }
    }

    private static TaskCompletionSource NewRelease() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
