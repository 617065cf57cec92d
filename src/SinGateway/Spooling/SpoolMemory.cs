using SinGateway.Loop;

namespace SinGateway.Spooling;

/// <summary>
/// Records that are not yet durable, and a few that are and will soon be read: a queue of finished records in chunks of 256 KiB from the
/// kernel, in the order of their numbers without a gap. Records do not move and do not change once appended (but for their checksum, which
/// the writer adds), so the file thread may write them while the loop reads them. Belongs to the loop's thread.
/// </summary>
/// <param name="limit">Bytes of chunks; one record may be larger when nothing else is held.</param>
internal sealed unsafe class SpoolMemory(long limit) : IDisposable
{
    public const int ChunkSize = 256 * 1024;

    private const int SpareChunks = 2;
    private const int PageSize = 4096;

    private readonly Stack<Chunk> _spare = new();
    private Chunk? _first;
    private Chunk? _last;

    /// <summary>Bytes of memory held, spare chunks not counted.</summary>
    public long ReservedBytes { get; private set; }

    /// <summary>The number of the first record held; <see cref="long.MaxValue"/> when there is none.</summary>
    public long First => _first?.First ?? long.MaxValue;

    /// <summary>The number of the last record held; 0 when there is none.</summary>
    public long Last => _last?.Last ?? 0;

    public bool IsHalfFull => ReservedBytes > limit / 2;

    public bool HasRoom(int size) =>
        (_last is not null && _last.Capacity - _last.Length >= size) || _first is null || ReservedBytes + CapacityFor(size) <= limit;

    /// <summary>Copies a record under a number, the one behind <see cref="Last"/> when there is one.</summary>
    public void Append(in SpoolRecord record, long number, int size)
    {
        if (_last is null || _last.Capacity - _last.Length < size)
        {
            Chunk chunk = size <= ChunkSize && _spare.TryPop(out Chunk? spare) ? spare : new Chunk(CapacityFor(size));
            chunk.First = number;
            ReservedBytes += chunk.Capacity;
            _ = _last is null ? _first = chunk : _last.Next = chunk;
            _last = chunk;
        }

        SpoolFormat.WriteRecord(new Span<byte>(_last.Memory + _last.Length, size), record, number);
        _last.Length += size;
        _last.Last = number;
    }

    /// <summary>Adds to <paramref name="parts"/> where the records from <paramref name="from"/> on lie; returns their bytes.</summary>
    public long Collect(long from, List<Part> parts)
    {
        long bytes = 0;
        for (Chunk? chunk = _first; chunk is not null; chunk = chunk.Next)
        {
            if (chunk.Last >= from)
            {
                int offset = OffsetOf(chunk, from);
                parts.Add(new Part(chunk.Memory + offset, chunk.Length - offset));
                bytes += chunk.Length - offset;
            }
        }

        return bytes;
    }

    /// <summary>The record of this number, which is held.</summary>
    public SpoolRecord Read(long number)
    {
        Chunk chunk = _first!;
        while (chunk.Last < number)
        {
            chunk = chunk.Next!;
        }

        int offset = OffsetOf(chunk, number);
        chunk.CursorNumber = number;
        chunk.CursorOffset = offset;
        return SpoolFormat.ReadRecord(new ReadOnlySpan<byte>(chunk.Memory + offset, chunk.Length - offset));
    }

    /// <summary>The last record of the oldest chunk; 0 when there is none.</summary>
    public long FirstChunkLast => _first?.Last ?? 0;

    /// <summary>Gives back the oldest chunk; returns the bytes of its records from <paramref name="from"/> on.</summary>
    public long ReleaseFirst(long from)
    {
        Chunk chunk = _first!;
        long bytes = chunk.Last >= from ? chunk.Length - OffsetOf(chunk, from) : 0;
        _first = chunk.Next;
        if (_first is null)
        {
            _last = null;
        }

        ReservedBytes -= chunk.Capacity;
        if (chunk.Capacity == ChunkSize && _spare.Count < SpareChunks)
        {
            chunk.Clear();
            _spare.Push(chunk);
        }
        else
        {
            chunk.Free();
        }

        return bytes;
    }

    /// <summary>Nothing was appended for a while: gives the spare chunks back to the kernel.</summary>
    public void ReleaseSpare()
    {
        while (_spare.TryPop(out Chunk? chunk))
        {
            chunk.Free();
        }
    }

    public void Dispose()
    {
        while (_first is not null)
        {
            ReleaseFirst(long.MaxValue);
        }

        ReleaseSpare();
    }

    private static int CapacityFor(int size) => size <= ChunkSize ? ChunkSize : (size + PageSize - 1) / PageSize * PageSize;

    // From where the last search in this chunk ended, since both readers and writers go forward.
    private static int OffsetOf(Chunk chunk, long number)
    {
        bool ahead = chunk.CursorNumber >= chunk.First && chunk.CursorNumber <= number;
        int offset = ahead ? chunk.CursorOffset : 0;
        for (long at = ahead ? chunk.CursorNumber : chunk.First; at < number; at++)
        {
            offset += (int)SpoolFormat.RecordSize(new ReadOnlySpan<byte>(chunk.Memory + offset, SpoolFormat.RecordHeader));
        }

        return offset;
    }

    /// <summary>Whole records that lie together.</summary>
    public readonly record struct Part(nint Memory, int Length)
    {
        public Part(byte* memory, int length)
            : this((nint)memory, length)
        {
        }

        public Span<byte> Bytes => new((byte*)Memory, Length);
    }

    private sealed class Chunk(int capacity)
    {
        public byte* Memory { get; private set; } = SystemCalls.AllocatePages(capacity);

        public int Capacity { get; } = capacity;

        public int Length { get; set; }

        public long First { get; set; }

        public long Last { get; set; }

        /// <summary>A record that was read, and where it lies.</summary>
        public long CursorNumber { get; set; }

        public int CursorOffset { get; set; }

        public Chunk? Next { get; set; }

        public void Clear()
        {
            Length = CursorOffset = 0;
            First = Last = CursorNumber = 0;
            Next = null;
        }

        public void Free()
        {
            SystemCalls.FreePages(Memory, Capacity);
            Memory = null;
        }
    }
}
