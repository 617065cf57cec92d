namespace SinGateway.Spooling;

/// <summary>
/// Records that were read from the disk before somebody asks for them: two blocks, one being given out and one ready or being filled.
/// Belongs to the loop's thread.
/// </summary>
internal sealed class SpoolReadAhead(SegmentReader reader, int blockSize) : IDisposable
{
    private SpoolBlock _current = new(blockSize);
    private SpoolBlock _next = new(blockSize);

    /// <summary>Every record up to it was read, or turned out to be lost.</summary>
    public long End { get; private set; }

    /// <summary>Whether a block is free for <see cref="Begin"/>.</summary>
    public bool HasFreeBlock => _next.Start == _next.End;

    /// <summary>Whether records wait here.</summary>
    public bool IsEmpty => _current.Start == _current.End && _next.Start == _next.End;

    /// <summary>
    /// The first record from <paramref name="from"/> on, which stays until <see cref="Pass"/>. It holds until the next call.
    /// </summary>
    public bool TryPeek(long from, out SpoolRecord record)
    {
        while (true)
        {
            if (_current.Start == _current.End)
            {
                _current.Clear();
                if (_next.Start == _next.End)
                {
                    record = default;
                    return false;
                }

                (_current, _next) = (_next, _current);
            }

            ReadOnlySpan<byte> bytes = _current.Bytes[_current.Start.._current.End];
            if (SpoolFormat.RecordNumber(bytes) >= from)
            {
                record = SpoolFormat.ReadRecord(bytes);
                return true;
            }

            Pass();
        }
    }

    /// <summary>Goes past the record that was found last; nothing when none was.</summary>
    public void Pass()
    {
        if (_current.Start < _current.End)
        {
            _current.Start += (int)SpoolFormat.RecordSize(_current.Bytes[_current.Start.._current.End]);
        }
    }

    /// <summary>Sets the reader up for the records of a segment from <paramref name="from"/> on; the caller runs it.</summary>
    public void Begin(SpoolSegment segment, long from)
    {
        if (reader.Segment != segment)
        {
            reader.Segment = segment;
            reader.Offset = SpoolFormat.SegmentHeader;
        }

        reader.SegmentEnd = segment.Length;
        reader.From = from;
        // The block may only be touched by the reader now, so it must not look filled before the reader has ended.
        reader.Block = _next;
        _next = Filling;
    }

    /// <summary>The reader has run.</summary>
    public void Completed()
    {
        _next = reader.Block;
        if (reader.Last > 0)
        {
            End = reader.Last;
        }
    }

    /// <summary>What has not been read up to <paramref name="number"/> never will be.</summary>
    public void SkipTo(long number) => End = Math.Max(End, number);

    public void Dispose()
    {
        _current.Dispose();
        _next.Dispose();
    }

    /// <summary>Stands for the block that the reader has.</summary>
    private SpoolBlock Filling { get; } = new(blockSize);
}
