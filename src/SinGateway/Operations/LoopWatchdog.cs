namespace SinGateway.Operations;

/// <summary>
/// Tells the service manager, three times in its patience, that a loop turns: only if the loop has run what was posted to it the last time.
/// A loop that hangs or has ended is not told of, and the service is restarted.
/// </summary>
internal sealed class LoopWatchdog : IDisposable
{
    private const int BeatsInPatience = 3;

    private readonly ServiceNotifier _notifier;
    private readonly Action<Action> _post;
    private readonly ITimer _timer;
    private volatile bool _hasTurned;

    /// <param name="notifier">Told; it outlives this.</param>
    /// <param name="patience">Of the service manager.</param>
    /// <param name="post">Runs an action on the loop.</param>
    /// <param name="time">Clock of the beats.</param>
    public LoopWatchdog(ServiceNotifier notifier, TimeSpan patience, Action<Action> post, TimeProvider time)
    {
        _notifier = notifier;
        _post = post;
        _post(Turned);
        TimeSpan period = patience / BeatsInPatience;
        _timer = time.CreateTimer(_ => Beat(), null, period, period);
    }

    public void Dispose() => _timer.Dispose();

    private void Beat()
    {
        if (_hasTurned)
        {
            _hasTurned = false;
            _notifier.Alive();
            _post(Turned);
        }
    }

    private void Turned() => _hasTurned = true;
}
