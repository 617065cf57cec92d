namespace SinGateway.Operations;

/// <summary>
/// Tells the service manager, three times in its patience, that the loops turn: only if they have run what was posted to them the last time.
/// A loop that hangs is not told of, and the service is restarted. Before there is a loop, and after its end, it tells while timers fire.
/// </summary>
internal sealed class LoopWatchdog : IDisposable
{
    private const int BeatsInPatience = 3;

    private readonly ServiceNotifier _notifier;
    private readonly ITimer? _timer;
    private volatile Action<Action> _post = RunHere;
    private volatile bool _hasTurned = true;

    /// <param name="notifier">Told, as often as its patience wants; not at all when it has none. It outlives this.</param>
    /// <param name="time">Clock of the beats.</param>
    public LoopWatchdog(ServiceNotifier notifier, TimeProvider time)
    {
        _notifier = notifier;
        if (notifier.WatchdogPatience is { } patience)
        {
            TimeSpan period = patience / BeatsInPatience;
            _timer = time.CreateTimer(_ => Beat(), null, period, period);
        }
    }

    /// <summary>Watches a loop until the result is disposed, which must be before the loop's end.</summary>
    /// <param name="post">Runs an action on the loop; with several, when each of them has turned.</param>
    public IDisposable Watch(Action<Action> post)
    {
        _hasTurned = false;
        _post = post;
        post(Turned);
        return new Watched(this);
    }

    public void Dispose() => _timer?.Dispose();

    private static void RunHere(Action action) => action();

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

    private sealed class Watched(LoopWatchdog watchdog) : IDisposable
    {
        public void Dispose()
        {
            watchdog._post = RunHere;
            watchdog._hasTurned = true;
        }
    }
}
