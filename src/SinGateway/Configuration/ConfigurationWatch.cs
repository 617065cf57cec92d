using SinGateway.Loop;

namespace SinGateway.Configuration;

/// <summary>
/// Tells when a file has changed, however: written in place, replaced by another, or reached through a symbolic link that now leads
/// elsewhere, as in a mounted ConfigMap. It is looked at once a second, which costs one system call and works on every file system; inotify
/// would have to follow each link of the path. A change is told when the file has stayed the same for a second.
/// </summary>
internal sealed class ConfigurationWatch : IDisposable
{
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly string _file;
    private readonly Action _changed;
    private readonly ITimer _timer;
    private (ulong, ulong, long, uint, long, uint)? _seen;
    private bool _isChanging;

    /// <param name="file">Need not exist all the time.</param>
    /// <param name="time">Its timers call on a pool thread.</param>
    /// <param name="changed">Called there, one call at a time; may read the file.</param>
    public ConfigurationWatch(string file, TimeProvider time, Action changed)
    {
        _file = file;
        _changed = changed;
        _seen = SystemCalls.Stamp(file);
        _timer = time.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Wait();
    }

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        var now = SystemCalls.Stamp(_file);
        if (now != _seen)
        {
            _seen = now;
            _isChanging = true;
        }
        else if (_isChanging)
        {
            _isChanging = false;
            _changed();
        }

        Wait();
    }

    private void Wait()
    {
        try
        {
            _timer.Change(Period, Timeout.InfiniteTimeSpan);
        }
        catch (ObjectDisposedException)
        {
            // It was the last look.
        }
    }
}
