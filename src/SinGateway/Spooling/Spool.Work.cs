using Microsoft.Extensions.Logging;

namespace SinGateway.Spooling;

/// <summary>How the spool chooses its next file operation, and what it makes of the result.</summary>
internal sealed partial class Spool
{
    /// <summary>How often reading the same place may fail before it counts as damaged.</summary>
    public const int MaximumReadFailures = 10;

    private ISpoolWork? _lastWork;
    private long _lastFailure = -LongestRetry;

    /// <summary>Starts what is due, in turn, so that neither reading nor writing starves.</summary>
    private void Pump()
    {
        if (_running is not null || _listener is null || _finalUpkeepDone || _disposed)
        {
            return;
        }

        bool started = _lastWork == _writer
            ? TryStartRead() || TryStartUpkeep() || TryStartWrite()
            : _lastWork == _reader ? TryStartUpkeep() || TryStartWrite() || TryStartRead() : TryStartWrite() || TryStartRead() || TryStartUpkeep();
        if (!started && _closed is not null)
        {
            _upkeep.Closes = _tickIsDue = true;
            StartUpkeep();
        }
    }

    private void Run(ISpoolWork work, Action completed)
    {
        _running = _lastWork = work;
        _thread.Run(work, completed);
    }

    private bool TryStartWrite()
    {
        bool isDue = _closed is not null ? _pendingBytes > 0 && !_finalWriteFailed : IsFailing ? !_retryWrite.IsRunning : _pendingBytes > 0;
        if (!isDue)
        {
            return false;
        }

        _writingFrom = Math.Max(_durable + 1, _memory.First);
        _writer.Batch.Clear();
        _memory.Collect(_writingFrom, _writer.Batch);
        _writer.Confirmed = Confirmed;
        // Numbers in a segment have no gap: what was confirmed before it was written is not written.
        _writer.StartsNewSegment = _startsNewSegment || (_writer.Batch.Count > 0 && _writingFrom != _durable + 1);
        _startsNewSegment = false;
        Run(_writer, _onWritten);
        return true;
    }

    private void OnWritten()
    {
        _running = null;
        foreach (SegmentWriter.Progress progress in _writer.Flushed)
        {
            bool isNew = _segments.Count == 0 || _segments[^1] != progress.Segment;
            if (isNew)
            {
                _segments.Add(progress.Segment);
            }

            long bytes = progress.Length - progress.Segment.Length;
            progress.Segment.Length = progress.Length;
            progress.Segment.Last = progress.Last;
            _segmentBytes += bytes;
            _pendingBytes -= isNew ? bytes - SpoolFormat.SegmentHeader : bytes;
            _durable = Math.Max(_durable, progress.Last);
        }

        if (_disposed)
        {
            return;
        }

        ReleaseMemory();
        if (_writer.Error is { } cause)
        {
            WriteFailed(cause);
        }
        else if (IsFailing)
        {
            IsFailing = false;
            LogWorking(_directory.Path);
            _listener!.OnWorking();
        }

        if (_writer.Flushed.Count > 0)
        {
            _listener!.OnDurable(Durable);
        }

        TellRoom();
        Pump();
    }

    private void WriteFailed(string cause)
    {
        _startsNewSegment = true;
        if (_closed is not null)
        {
            _finalWriteFailed = true;
            return;
        }

        // A disk that is full again at once must not say so every second.
        _retryDelay = IsFailing || _loop.Now - _lastFailure < LongestRetry ? Math.Min(_retryDelay * 2, LongestRetry) : ShortestRetry;
        _lastFailure = _loop.Now;
        _retryWrite.Start(_retryDelay);
        if (!IsFailing)
        {
            IsFailing = true;
            LogFailed(_directory.Path, cause);
            _listener!.OnFailed(cause);
        }
    }

    private bool TryStartRead()
    {
        long from = Math.Max(_next, _readAhead.End + 1);
        if (_closed is not null || _retryRead.IsRunning || !_readAhead.HasFreeBlock || from > _durable || from >= _memory.First)
        {
            return false;
        }

        if (SegmentOf(from) is not { } segment)
        {
            return false;
        }

        _readAhead.Begin(segment, from);
        Run(_reader, _onRead);
        return true;
    }

    /// <summary>Where the first record from a number on is; null when none of them is left on the disk.</summary>
    private SpoolSegment? SegmentOf(long from)
    {
        foreach (SpoolSegment segment in _segments)
        {
            if (segment.Last >= from)
            {
                return segment;
            }
        }

        return null;
    }

    /// <summary>Goes past numbers that the disk does not have, since they were lost; called when nothing is read ahead.</summary>
    private void SkipMissing()
    {
        long from = Math.Max(_next, _readAhead.End + 1);
        if (from <= _durable && from < _memory.First && SegmentOf(from) is null)
        {
            _readAhead.SkipTo(Math.Min(_durable, _memory.First - 1));
        }

        _next = Math.Max(_next, _readAhead.End + 1);
    }

    private void OnRead()
    {
        _running = null;
        _readAhead.Completed();
        if (_disposed)
        {
            return;
        }

        SpoolSegment segment = _reader.Segment!;
        bool isDamaged = _reader.IsDamaged;
        if (_reader.Error is { } cause)
        {
            if (++_readFailures == 1)
            {
                LogReadFails(_directory.Path, segment.Name, cause);
            }

            isDamaged = _readFailures >= MaximumReadFailures;
            if (!isDamaged && _closed is null)
            {
                _retryRead.Start(ShortestRetry);
            }
        }

        if (_reader.Last > 0)
        {
            _readFailures = 0;
        }
        else if (isDamaged)
        {
            _readFailures = 0;
            SkipRest(segment);
        }

        if (_wantsRead && (_reader.Last > 0 || isDamaged))
        {
            _wantsRead = false;
            if (_readAhead.IsEmpty)
            {
                SkipMissing();
            }

            _listener!.OnReadReady();
        }

        Pump();
    }

    /// <summary>The rest of a segment cannot be read: it is lost, and the next one goes on.</summary>
    private void SkipRest(SpoolSegment segment)
    {
        long from = Math.Max(Math.Max(_next, _readAhead.End + 1), segment.First);
        long lost = segment.Last - from + 1;
        segment.IsDamaged = true;
        _startsNewSegment |= segment == _segments[^1];
        _readAhead.SkipTo(segment.Last);
        Lost += lost;
        LogDamaged(_directory.Path, segment.Name, lost);
    }

    private bool TryStartUpkeep()
    {
        bool isDue = _poison.Count > 0 || _upkeep.Drained.Count > 0 || (_segments.Count > 1 && _segments[0].Last <= Confirmed);
        if (!(isDue && !_upkeepFailing) && !_tickIsDue)
        {
            return false;
        }

        StartUpkeep();
        return true;
    }

    private void StartUpkeep()
    {
        bool isQuiet = _pendingBytes == 0 && _memory.Last <= Confirmed;
        int drained = 0;
        while (drained < _segments.Count && _segments[drained].Last <= Confirmed && (drained < _segments.Count - 1 || (_tickIsDue && isQuiet)))
        {
            _upkeep.Drained.Add(_segments[drained++]);
        }

        _upkeep.FinishesSegment = drained == _segments.Count && drained > 0;
        _segments.RemoveRange(0, drained);
        _upkeep.Poison.AddRange(_poison);
        _poison.Clear();
        if (_tickIsDue && Confirmed != _storedPosition)
        {
            _upkeep.Position = Confirmed;
        }

        _tickIsDue = false;
        Run(_upkeep, _onUpkept);
    }

    private void OnUpkept()
    {
        _running = null;
        _segmentBytes -= _upkeep.Freed;
        _brokenBytes = _directory.Broken.Size;
        _poisonBytes = _upkeep.Poison.Sum(poison => (long)poison.Content.Length) + _poison.Sum(poison => (long)poison.Content.Length);
        if (_upkeep.StoredPosition is { } stored)
        {
            _storedPosition = stored;
        }

        if (_upkeep.Error is { } cause && !_upkeepFailing)
        {
            LogUpkeepFails(_directory.Path, cause);
        }

        _upkeepFailing = _upkeep.Error is not null;
        if (_upkeep.Closes)
        {
            Finish();
            return;
        }

        if (_disposed)
        {
            return;
        }

        if (_closed is null && !_tick.IsRunning && (_upkeepFailing || Confirmed != _storedPosition))
        {
            _tick.Start(PositionInterval);
        }

        TellRoom();
        Pump();
    }

    private void Finish()
    {
        _finalUpkeepDone = true;
        long unsaved = Math.Max(_memory.Last - Durable, 0);
        if (unsaved > 0)
        {
            LogUnsaved(_directory.Path, unsaved);
        }

        if (_upkeep.Poison.Count > 0)
        {
            LogPoisonUnsaved(_directory.Path, _upkeep.Poison.Count);
        }

        _directory.Dispose();
        _closed!(unsaved);
    }

    private void OnTick()
    {
        _tickIsDue = true;
        if (_pendingBytes == 0)
        {
            _memory.ReleaseSpare();
        }

        Pump();
    }

    /// <summary>Not at the first byte that is free: who waits would come and be refused again and again.</summary>
    private void TellRoom()
    {
        if (_refused && !IsFailing && _closed is null && !_memory.IsHalfFull && SizeWith(0) <= _options.MaxSize / 4 * 3)
        {
            _refused = false;
            _listener!.OnRoom();
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "spool {Path}: {Count} events ({Bytes} bytes) are left from before and are forwarded first")]
    private partial void LogFound(string path, long count, long bytes);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "spool {Path} cannot be written ({Cause}); events wait in memory and shards are held back until it can. Make room or repair the disk")]
    private partial void LogFailed(string path, string cause);

    [LoggerMessage(Level = LogLevel.Information, Message = "spool {Path} can be written again")]
    private partial void LogWorking(string path);

    [LoggerMessage(Level = LogLevel.Error, Message = "spool {Path}: {Segment} cannot be read ({Cause}); it is tried again. Check the disk")]
    private partial void LogReadFails(string path, string segment, string cause);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "spool {Path}: {Segment} is damaged, {Count} events in it are lost; the file will be kept as {Segment}.broken-N. Check the disk")]
    private partial void LogDamaged(string path, string segment, long count);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "spool {Path}: its position, its drained files or poisoned events cannot be written down yet ({Cause}); it is tried again every second")]
    private partial void LogUpkeepFails(string path, string cause);

    [LoggerMessage(Level = LogLevel.Error, Message = "spool {Path}: {Count} events could not be written before the end; Discord sends them again where it can")]
    private partial void LogUnsaved(string path, long count);

    [LoggerMessage(Level = LogLevel.Error, Message = "spool {Path}: {Count} poisoned events could not be written to poison/ before the end; they are gone")]
    private partial void LogPoisonUnsaved(string path, int count);
}
