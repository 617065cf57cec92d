using System.Numerics;
using SinGateway.Loop;

namespace SinGateway.Singyeong;

/// <summary>
/// What is on its way to one 신경 connection, as finished websocket frames: a queue of bytes in three parts, confirmed (given back) | sent |
/// unsent. It grows by chunks of 256 KiB, which are given back when they are confirmed (G13). A frame lies in one chunk, whole. Positions
/// count bytes since the start of the process. Belongs to the loop's thread.
/// </summary>
internal sealed unsafe class Outbox(long limit) : IDisposable
{
    public const int ChunkSize = 256 * 1024;

    /// <summary>Empty chunks kept for the next events: in a steady stream no page is given back only to be asked for again.</summary>
    private const int SpareChunks = 4;

    private readonly Queue<Chunk> _chunks = new();
    private readonly Stack<Chunk> _spare = new();
    private Chunk? _last;
    private long _reservedBytes;

    /// <summary>Everything before it was processed by the server.</summary>
    public long Confirmed { get; private set; }

    /// <summary>Everything before it was given to the socket.</summary>
    public long Sent { get; private set; }

    public long End { get; private set; }

    public bool IsFull => _reservedBytes >= limit;

    /// <summary>Bytes of memory in use, spare chunks not counted.</summary>
    public long ReservedBytes => _reservedBytes;

    /// <summary>The largest frame that may be appended, in bytes: half of the limit (G13).</summary>
    public long MaximumFrame => Math.Min(limit / 2, int.MaxValue / 2);

    /// <summary>True while less than three quarters are in use: the mark at which who waited for room goes on.</summary>
    public bool HasRoomAgain => _reservedBytes <= limit / 4 * 3;

    /// <summary>
    /// Room for a frame of exactly <paramref name="size"/> bytes at the end; it counts when <see cref="Append"/> is called.
    /// </summary>
    public Span<byte> Reserve(int size)
    {
        if (_last is null || _last.Capacity - _last.Length < size)
        {
            _last = TakeChunk(size);
            _last.Start = End;
            _chunks.Enqueue(_last);
            _reservedBytes += _last.Capacity;
        }

        return new Span<byte>(_last.Memory + _last.Length, size);
    }

    public void Append(int size)
    {
        _last!.Length += size;
        End += size;
    }

    /// <summary>The next bytes to send, as many as lie together, at most up to <paramref name="end"/>.</summary>
    public ReadOnlySpan<byte> Unsent(long end)
    {
        foreach (Chunk chunk in _chunks)
        {
            if (Sent < chunk.End)
            {
                int offset = (int)(Sent - chunk.Start);
                return new ReadOnlySpan<byte>(chunk.Memory + offset, (int)Math.Max(Math.Min(chunk.End, end) - Sent, 0));
            }
        }

        return default;
    }

    public void MarkSent(int count) => Sent += count;

    /// <summary>Gives back everything before <paramref name="position"/>, which is the end of a frame.</summary>
    public void Confirm(long position)
    {
        Confirmed = position;
        while (_chunks.TryPeek(out Chunk? first) && first.End <= position && (first.Length > 0 || first != _last))
        {
            _chunks.Dequeue();
            _reservedBytes -= first.Capacity;
            if (first == _last)
            {
                _last = null;
            }

            GiveBack(first);
        }
    }

    /// <summary>After a lost connection: everything unconfirmed is to be sent again, in order.</summary>
    public void Rewind() => Sent = Confirmed;

    /// <summary>Nothing has been queued for a while: gives the spare chunks back to the kernel.</summary>
    public void ReleaseSpare()
    {
        while (_spare.TryPop(out Chunk? chunk))
        {
            chunk.Free();
        }
    }

    /// <summary>
    /// The end of the frame that <see cref="Sent"/> stands in, or Sent itself between two frames: where another frame may be put in
    /// between.
    /// </summary>
    public long NextBoundary()
    {
        foreach (Chunk chunk in _chunks)
        {
            if (Sent < chunk.End)
            {
                long position = chunk.Start;
                while (position < Sent)
                {
                    position += FrameSize(chunk.Memory + (position - chunk.Start));
                }

                return position;
            }
        }

        return Sent;
    }

    public void Dispose()
    {
        ReleaseSpare();
        while (_chunks.TryDequeue(out Chunk? chunk))
        {
            chunk.Free();
        }
    }

    /// <summary>Header, key and payload of a masked frame (RFC 6455, section 5.2).</summary>
    private static long FrameSize(byte* frame) => (frame[1] & 0x7F) switch
    {
        126 => 8 + (frame[2] << 8 | frame[3]),
        127 => 14 + (long)System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(new ReadOnlySpan<byte>(frame + 2, 8)),
        int length => 6 + length,
    };

    private Chunk TakeChunk(int size)
    {
        if (size <= ChunkSize)
        {
            return _spare.TryPop(out Chunk? spare) ? spare : new Chunk(ChunkSize);
        }

        return new Chunk((int)BitOperations.RoundUpToPowerOf2((uint)size));
    }

    private void GiveBack(Chunk chunk)
    {
        if (chunk.Capacity == ChunkSize && _spare.Count < SpareChunks)
        {
            chunk.Length = 0;
            _spare.Push(chunk);
        }
        else
        {
            chunk.Free();
        }
    }

    /// <summary>Pages from the kernel. Owned by the outbox that made it.</summary>
    private sealed class Chunk(int capacity)
    {
        public byte* Memory { get; private set; } = SystemCalls.AllocatePages(capacity);

        public int Capacity { get; } = capacity;

        public long Start { get; set; }

        public int Length { get; set; }

        public long End => Start + Length;

        public void Free()
        {
            SystemCalls.FreePages(Memory, Capacity);
            Memory = null;
        }
    }
}
