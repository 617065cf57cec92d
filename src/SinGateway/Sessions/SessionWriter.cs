using System.Diagnostics;
using Microsoft.Extensions.Logging;
using SinGateway.Operations;

namespace SinGateway.Sessions;

/// <summary>
/// Takes changed sessions from the loop and saves them off it. There is one buffer: the loop's while nothing is being saved, the save's
/// while it runs. So the loop never waits and never allocates; while the store is slow it tries again at its next turn, with newer values.
/// </summary>
/// <param name="store">Owned by the caller; no one else saves these shards until <see cref="StopAsync"/> has returned.</param>
/// <param name="capacity">The largest number of records in a save: the shards of the loop.</param>
/// <param name="logger">Told once when saving starts to fail, and once when it works again.</param>
/// <param name="leaseLost">Called when the store refuses since another process has the sessions; any thread. Null where there are no leases.</param>
internal sealed partial class SessionWriter(ISessionStore store, int capacity, ILogger logger, Action<LeaseLostException>? leaseLost = null) : IThreadPoolWorkItem
{
    private const int Idle = 0;
    private const int Saving = 1;
    private const int StoppingWhileSaving = 2;
    private const int Stopped = 3;

    private readonly SessionRecord[] _buffer = new SessionRecord[capacity];
    private readonly TaskCompletionSource _lastSaveEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count;
    private int _state;
    private bool _needsFullWrite;
    private bool _failing;

    /// <summary>Whether the store may have lost what it was given, so that every session must be written again (G20).</summary>
    public bool NeedsFullWrite => Volatile.Read(ref _needsFullWrite);

    /// <summary>Loop thread. Whether the store holds everything that was submitted.</summary>
    public bool HasSaved => Volatile.Read(ref _state) == Idle && !NeedsFullWrite;

    /// <summary>What saves take that succeed. Any thread may read.</summary>
    public Histogram SaveTime { get; } = new(Histogram.Seconds);

    /// <summary>Says that the store came back, perhaps without its data. Any thread.</summary>
    public void RequireFullWrite() => Volatile.Write(ref _needsFullWrite, true);

    /// <summary>
    /// Loop thread. False while a save is under way. Else the buffer is the caller's until it calls <see cref="Submit"/>, which it must
    /// when
    /// <paramref name="everything"/> is true (then with every session, not only the changed ones), and need not when nothing has changed.
    /// </summary>
    public bool TryBegin(out Span<SessionRecord> buffer, out bool everything)
    {
        if (Volatile.Read(ref _state) != Idle)
        {
            buffer = default;
            everything = false;
            return false;
        }

        // Taken here and set again by a failure, so that a store which comes back during this save is not missed.
        everything = Interlocked.Exchange(ref _needsFullWrite, false);
        buffer = _buffer;
        return true;
    }

    /// <summary>
    /// Loop thread, after a <see cref="TryBegin"/>. Hands the first <paramref name="count"/> records of the buffer to the save.
    /// </summary>
    public void Submit(int count)
    {
        _count = count;
        if (Interlocked.CompareExchange(ref _state, Saving, Idle) == Idle)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    /// <summary>
    /// Once, when the loop submits no more: waits for the save under way and saves <paramref name="final"/>, the last state of every
    /// session. A store that fails, or outlasts the token, is logged; nothing is thrown.
    /// </summary>
    public async Task StopAsync(ReadOnlyMemory<SessionRecord> final, CancellationToken cancellationToken)
    {
        try
        {
            if (Interlocked.CompareExchange(ref _state, Stopped, Idle) != Idle
                && Interlocked.CompareExchange(ref _state, StoppingWhileSaving, Saving) == Saving)
            {
                await _lastSaveEnded.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            }

            Volatile.Write(ref _state, Stopped);
            await store.SaveAsync(final, cancellationToken).ConfigureAwait(false);
        }
        catch (LeaseLostException lost)
        {
            leaseLost?.Invoke(lost);
        }
        catch (Exception e)
        {
            LogLastSaveFailed(logger, final.Length, e);
        }
    }

    void IThreadPoolWorkItem.Execute() => _ = SaveAsync();

    private async Task SaveAsync()
    {
        try
        {
            long started = Stopwatch.GetTimestamp();
            await store.SaveAsync(_buffer.AsMemory(0, _count), CancellationToken.None).ConfigureAwait(false);
            SaveTime.Observe((long)Stopwatch.GetElapsedTime(started).TotalMicroseconds);
            if (_failing)
            {
                _failing = false;
                LogSavedAgain(logger);
            }
        }
        catch (LeaseLostException lost)
        {
            // Not stored, and never will be by this writer.
            RequireFullWrite();
            leaseLost?.Invoke(lost);
        }
        catch (Exception e)
        {
            // Whatever it was: a writer that dies here would stop saving without a word.
            RequireFullWrite();
            if (!_failing)
            {
                _failing = true;
                LogSaveFailed(logger, e);
            }
        }

        if (Interlocked.CompareExchange(ref _state, Idle, Saving) == StoppingWhileSaving)
        {
            _lastSaveEnded.SetResult();
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "sessions are not saved until the store is back; a restart would replay the events since the last save")]
    private static partial void LogSaveFailed(ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "the store is back, sessions are saved again")]
    private static partial void LogSavedAgain(ILogger logger);

    [LoggerMessage(Level = LogLevel.Error, Message = "the last state of {Count} sessions is not saved; the next start replays the events since the last save")]
    private static partial void LogLastSaveFailed(ILogger logger, int count, Exception exception);
}
