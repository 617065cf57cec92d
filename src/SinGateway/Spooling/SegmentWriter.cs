namespace SinGateway.Spooling;

/// <summary>
/// Appends batches of records to segments and flushes them: one fsync a batch, and one for each segment that it fills. After a failure the
/// segment is cut back to what was flushed before and never written again; the same records go into a new one, because a page that
/// could not be flushed may be gone (the kernel reports a failed write-back once and then takes the page for clean).
/// </summary>
internal sealed class SegmentWriter(ISpoolFiles files, long segmentSize, long nextIndex) : ISpoolWork
{
    private readonly byte[] _header = new byte[SpoolFormat.SegmentHeader];
    private long _nextIndex = nextIndex;
    private SpoolSegment? _segment;
    private int _file = -1;
    private long _flushedLength;
    private long _writtenLength;
    private long _writtenLast;
    private bool _mustCutBack;

    /// <summary>In: the records to write, sealed on the way; may be empty, to find out whether the disk works.</summary>
    public List<SpoolMemory.Part> Batch { get; } = [];

    /// <summary>In: the confirmed mark, for the header of a new segment.</summary>
    public long Confirmed { get; set; }

    /// <summary>In: write to no existing segment any more.</summary>
    public bool StartsNewSegment { get; set; }

    /// <summary>Out: how far each segment is durable now, oldest first. A failure may come after some of it.</summary>
    public List<Progress> Flushed { get; } = [];

    /// <summary>Out: null when all is durable.</summary>
    public string? Error { get; private set; }

    public void Execute()
    {
        Flushed.Clear();
        Error = null;
        try
        {
            WriteBatch();
        }
        catch (SpoolFileException e)
        {
            Error = e.Message;
            _mustCutBack = _segment is not null;
        }
    }

    /// <summary>
    /// Off the loop, while nothing else runs: the next batch begins a new segment. One that must be cut back stays open until it is.
    /// </summary>
    public void Finish()
    {
        if (!_mustCutBack)
        {
            Close();
        }
    }

    /// <summary>The same, whatever is left undone.</summary>
    public void Close()
    {
        if (_file >= 0)
        {
            files.Close(_file);
        }

        _file = -1;
        _segment = null;
    }

    private void WriteBatch()
    {
        if (_mustCutBack)
        {
            CutBack();
        }

        if (StartsNewSegment)
        {
            Close();
        }

        if (Batch.Count == 0)
        {
            Probe();
            return;
        }

        foreach (SpoolMemory.Part part in Batch)
        {
            Write(part.Bytes);
        }

        Flush();
    }

    private void Write(Span<byte> records)
    {
        int start = 0;
        int end = 0;
        while (end < records.Length)
        {
            int size = (int)SpoolFormat.RecordSize(records[end..]);
            long number = SpoolFormat.RecordNumber(records[end..]);
            long length = _writtenLength + (end - start);
            if (_segment is null || (length + size > segmentSize && length > SpoolFormat.SegmentHeader))
            {
                Put(records[start..end]);
                start = end;
                if (_segment is not null)
                {
                    Flush();
                }

                Begin(number);
            }

            SpoolFormat.Seal(records.Slice(end, size));
            end += size;
            _writtenLast = number;
        }

        Put(records[start..]);
    }

    private void Put(ReadOnlySpan<byte> records)
    {
        if (!records.IsEmpty)
        {
            files.Write(_file, records, _writtenLength);
            _writtenLength += records.Length;
        }
    }

    private void Flush()
    {
        files.Sync(_file);
        _flushedLength = _writtenLength;
        Flushed.Add(new Progress(_segment!, _flushedLength, _writtenLast));
    }

    private void Begin(long first)
    {
        Close();
        SpoolSegment segment = new(_nextIndex) { First = first };
        _file = files.Create(segment.Name);
        _nextIndex++;
        _segment = segment;
        _flushedLength = 0;
        SpoolFormat.WriteSegmentHeader(_header, first, Confirmed);
        files.Write(_file, _header, 0);
        files.SyncDirectory("");
        _writtenLength = SpoolFormat.SegmentHeader;
    }

    // What was tried and not flushed goes, so that it takes no room twice; while that fails, so does the disk.
    private void CutBack()
    {
        if (_flushedLength <= SpoolFormat.SegmentHeader)
        {
            files.Delete(_segment!.Name);
        }
        else
        {
            files.Truncate(_file, _flushedLength);
            files.Sync(_file);
        }

        Close();
        _mustCutBack = false;
    }

    private void Probe()
    {
        if (_segment is null)
        {
            string name = SpoolSegment.NameOf(_nextIndex);
            files.Delete(name);
            int file = files.Create(name);
            try
            {
                files.Write(file, _header, 0);
                files.Sync(file);
            }
            finally
            {
                files.Close(file);
                files.Delete(name);
            }
        }
    }

    /// <param name="Segment">A new one, or that of the batch before.</param>
    /// <param name="Length">Its durable bytes.</param>
    /// <param name="Last">The last record in them.</param>
    public readonly record struct Progress(SpoolSegment Segment, long Length, long Last);
}
