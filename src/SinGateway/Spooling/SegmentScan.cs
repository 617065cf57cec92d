namespace SinGateway.Spooling;

/// <summary>What a segment file holds, found by reading all of it: at the start, of the one segment that a crash may have torn.</summary>
internal sealed class SegmentScan : IDisposable
{
    private const long LargestFile = SpoolOptions.LargestSegment + SpoolFormat.MaximumPayload + SpoolFormat.RecordHeader;

    // How far apart numbers in one segment can be; without it, every second byte of a payload would be tried as a record.
    private const long NumberWindow = 1L << 32;

    // As much as a segment holds, or its one record.
    private readonly SpoolBlock _block = new(SpoolOptions.LargestSegment);

    /// <summary>Whether the header is intact.</summary>
    public bool HasHeader { get; private set; }

    public long First { get; private set; }

    public long Confirmed { get; private set; }

    /// <summary>The last record before anything unreadable; 0 when there is none.</summary>
    public long Last { get; private set; }

    /// <summary>Where the intact records end.</summary>
    public long End { get; private set; }

    public long FileLength { get; private set; }

    /// <summary>
    /// The largest number of an intact record behind something unreadable; 0 when there is none, and what is there is the torn end of the
    /// last write.
    /// </summary>
    public long LastBeyond { get; private set; }

    public bool IsWhole => End == FileLength;

    /// <summary>Reads the header alone.</summary>
    public void ReadHeader(ISpoolFiles files, string name) => With(files, name, file =>
    {
        Span<byte> header = stackalloc byte[SpoolFormat.SegmentHeader];
        Take(header[..files.Read(file, header, 0)]);
    });

    /// <param name="files">Of the spool.</param>
    /// <param name="name">The segment.</param>
    /// <param name="from">No record before it is expected; for a segment whose header does not say.</param>
    public void ReadAll(ISpoolFiles files, string name, long from) => With(files, name, file =>
    {
        int length = (int)Math.Min(FileLength, LargestFile);
        _block.EnsureCapacity(Math.Max(length, SpoolFormat.SegmentHeader));
        ReadOnlySpan<byte> bytes = _block.Bytes[..files.Read(file, _block.Bytes[..length], 0)];
        Take(bytes);
        First = HasHeader ? First : from;
        Walk(bytes);
        if (!IsWhole)
        {
            Search(bytes);
        }
    });

    public void Dispose() => _block.Dispose();

    private void With(ISpoolFiles files, string name, Action<int> read)
    {
        Last = End = LastBeyond = First = Confirmed = 0;
        int file = files.Open(name);
        try
        {
            FileLength = files.Length(file);
            read(file);
        }
        finally
        {
            files.Close(file);
        }
    }

    private void Take(ReadOnlySpan<byte> bytes)
    {
        HasHeader = SpoolFormat.TryReadSegmentHeader(bytes, out long first, out long confirmed);
        First = first;
        Confirmed = confirmed;
    }

    private void Walk(ReadOnlySpan<byte> bytes)
    {
        if (!HasHeader)
        {
            return;
        }

        End = SpoolFormat.SegmentHeader;
        while (RecordAt(bytes, (int)End, Math.Max(Last + 1, First)) is var size and > 0)
        {
            Last = SpoolFormat.RecordNumber(bytes[(int)End..]);
            End += size;
        }
    }

    private void Search(ReadOnlySpan<byte> bytes)
    {
        for (int at = (int)End + 1; at + SpoolFormat.RecordHeader <= bytes.Length; at++)
        {
            if (RecordAt(bytes, at, Math.Max(Math.Max(Last, LastBeyond) + 1, First)) is var size and > 0)
            {
                LastBeyond = SpoolFormat.RecordNumber(bytes[at..]);
                at += size - 1;
            }
        }
    }

    /// <summary>The size of an intact record with at least that number; 0 when there is none.</summary>
    private static int RecordAt(ReadOnlySpan<byte> bytes, int at, long from)
    {
        if (bytes.Length - at < SpoolFormat.RecordHeader)
        {
            return 0;
        }

        ReadOnlySpan<byte> rest = bytes[at..];
        long size = SpoolFormat.RecordSize(rest);
        long number = SpoolFormat.RecordNumber(rest);
        bool plausible = size <= rest.Length && number >= from && number - from < NumberWindow;
        return plausible && SpoolFormat.IsIntact(rest[..(int)size]) ? (int)size : 0;
    }
}
