using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace SinGateway.Operations;

/// <summary>
/// Writes entries to a stream that may block (a full pipe, a stopped terminal) without ever blocking the caller: they are queued, and
/// beyond <see cref="Capacity"/> they are dropped and counted. Who takes them from the queue folds those that repeat
/// (<see cref="RepeatedEntries"/>) and makes them text.
/// </summary>
internal sealed class LineWriter : IDisposable
{
    /// <summary>Entries that may wait.</summary>
    public const int Capacity = 4096;

    // A reader that stopped reading must not keep the process from ending.
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Null: a window of the repeated entries ends.</summary>
    private readonly Channel<LogEntry?> _entries = Channel.CreateBounded<LogEntry?>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly RepeatedEntries _repeated = new();
    private readonly TextWriter _output;
    private readonly Func<LogEntry, string> _format;
    private readonly TimeProvider _time;
    private readonly long _startedAt;
    private readonly ITimer _windowEnds;
    private readonly Task _writing;
    private int _dropped;

    /// <param name="output">Where to; stays the caller's.</param>
    /// <param name="format">Makes an entry a line, with its newline. Called on one thread at a time.</param>
    /// <param name="time">For windows, and for entries of the log's own.</param>
    public LineWriter(TextWriter output, Func<LogEntry, string> format, TimeProvider time)
    {
        _output = output;
        _format = format;
        _time = time;
        _startedAt = time.GetTimestamp();
        _windowEnds = time.CreateTimer(_ => _entries.Writer.TryWrite(null), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _writing = Task.Run(WriteEntriesAsync);
    }

    private long Now => (long)_time.GetElapsedTime(_startedAt).TotalMilliseconds;

    public void Write(LogEntry entry)
    {
        if (!_entries.Writer.TryWrite(entry))
        {
            Interlocked.Increment(ref _dropped);
        }
    }

    /// <summary>Writes what is queued and what was kept back, for two seconds at most.</summary>
    public void Dispose()
    {
        _windowEnds.Dispose();
        _entries.Writer.TryComplete();
        _writing.Wait(DrainTimeout);
    }

    private async Task WriteEntriesAsync()
    {
        try
        {
            while (await _entries.Reader.WaitToReadAsync().ConfigureAwait(false))
            {
                while (_entries.Reader.TryRead(out LogEntry? entry))
                {
                    WriteEnded(Now);
                    if (entry is not null && _repeated.MayBeWritten(entry, Now))
                    {
                        _output.Write(_format(entry));
                    }
                }

                int dropped = Interlocked.Exchange(ref _dropped, 0);
                if (dropped > 0)
                {
                    _output.Write(_format(new LogEntry(_time.GetLocalNow(), LogLevel.Warning, "log", default, $"stderr was too slow to take {dropped} entries: they are dropped")
                    {
                        Values = [new("Dropped", dropped)],
                    }));
                }

                _output.Flush();
                if (_repeated.NextEnd is { } end)
                {
                    WakeAt(end);
                }
            }

            WriteEnded(long.MaxValue);
            _output.Flush();
        }
        catch (IOException)
        {
            // stderr is gone; there is nowhere left to say so.
        }
    }

    private void WriteEnded(long now)
    {
        foreach (LogEntry last in _repeated.TakeEnded(now))
        {
            _output.Write(_format(last with { Time = _time.GetLocalNow() }));
        }
    }

    private void WakeAt(long end)
    {
        try
        {
            // A millisecond more, since the clock is cut to whole ones.
            _windowEnds.Change(TimeSpan.FromMilliseconds(Math.Max(end - Now, 0) + 1), Timeout.InfiniteTimeSpan);
        }
        catch (ObjectDisposedException)
        {
            // The end of the queue is next, and with it everything is written.
        }
    }
}
