using System.Diagnostics;
using System.Numerics;
using SinGateway.Loop;

namespace SinGateway.Singyeong;

/// <summary>
/// What is on its way to one 신경 connection, as finished websocket frames: a queue of bytes in three parts, confirmed (given back) | sent |
/// unsent. It grows by chunks of 256 KiB, which are given back when they are confirmed (G13). A frame lies in one chunk, whole, and so does
/// the note about it: frames grow from the chunk's start, notes from its end. Positions count the frames' bytes since the start of the
/// process. Belongs to the loop's thread.
/// </summary>
/// <param name="maximumFrame">The largest frame in bytes (G13).</param>
internal sealed unsafe class Outbox(long maximumFrame) : IDisposable
{
    public const int ChunkSize = 256 * 1024;

    public delegate void FrameVisitor(FrameNote* note);

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

    /// <summary>Bytes of memory in use, spare chunks not counted.</summary>
    public long ReservedBytes => _reservedBytes;

    /// <summary>The largest frame that may be appended, in bytes.</summary>
    public long MaximumFrame => Math.Min(maximumFrame, int.MaxValue / 2);

    /// <summary>
    /// Room for a frame of exactly <paramref name="size"/> bytes at the end; it counts when <see cref="Append"/> is called.
    /// </summary>
    public Span<byte> Reserve(int size)
    {
        if (_last is null || _last.Free < size + sizeof(FrameNote))
        {
            _last = TakeChunk(size + sizeof(FrameNote));
            _last.Start = End;
            _chunks.Enqueue(_last);
            _reservedBytes += _last.Capacity;
        }

        return new Span<byte>(_last.Memory + _last.Length, size);
    }

    /// <summary>The reserved room holds a frame, which <paramref name="note"/> describes but for its place.</summary>
    public void Append(int size, FrameNote note)
    {
        (note.Start, note.Size) = (End, size);
        _last!.Length += size;
        _last.Notes++;
        *_last.Note(_last.Notes - 1) = note;
        End += size;
    }

    /// <summary>
    /// The next bytes to send, as many as lie together, at most up to <paramref name="end"/>, which is the end of a frame. Removed frames
    /// are passed over.
    /// </summary>
    public ReadOnlySpan<byte> Unsent(long end)
    {
        foreach (Chunk chunk in _chunks)
        {
            if (Sent >= chunk.End)
            {
                continue;
            }

            long stop = Math.Min(chunk.End, end);
            if (chunk.Removed > 0)
            {
                stop = PassRemoved(chunk, stop);
                if (Sent == chunk.End && Sent < end)
                {
                    continue;
                }
            }

            return new ReadOnlySpan<byte>(chunk.Memory + (Sent - chunk.Start), (int)Math.Max(stop - Sent, 0));
        }

        return default;
    }

    /// <summary>
    /// The first frame at or behind <paramref name="position"/> that is not removed, or null. Valid until the next call that appends or
    /// confirms.
    /// </summary>
    public FrameNote* FirstFrom(long position)
    {
        foreach (Chunk chunk in _chunks)
        {
            for (int i = 0; chunk.End > position && i < chunk.Notes; i++)
            {
                FrameNote* note = chunk.Note(i);
                if (note->Start >= position && !note->IsRemoved)
                {
                    return note;
                }
            }
        }

        return null;
    }

    /// <summary>
    /// Shows every frame from <paramref name="position"/> to <paramref name="end"/> that is not removed, in order; it may be removed then.
    /// </summary>
    public void VisitFrom(long position, FrameVisitor visit, long end = long.MaxValue)
    {
        foreach (Chunk chunk in _chunks)
        {
            for (int i = 0; chunk.End > position && chunk.Start < end && i < chunk.Notes; i++)
            {
                FrameNote* note = chunk.Note(i);
                if (note->Start >= position && note->End <= end && !note->IsRemoved)
                {
                    visit(note);
                }
            }
        }
    }

    /// <summary>The unconfirmed frame that <paramref name="nonce"/> names, or null.</summary>
    public FrameNote* Find(in DispatchNonce nonce)
    {
        foreach (Chunk chunk in _chunks)
        {
            for (int i = 0; i < chunk.Notes; i++)
            {
                FrameNote* note = chunk.Note(i);
                if (note->Start >= Confirmed && !note->IsRemoved && note->Is(nonce))
                {
                    return note;
                }
            }
        }

        return null;
    }

    /// <summary>The bytes of a frame, as they are sent. Valid as long as the note is.</summary>
    public ReadOnlySpan<byte> BytesOf(FrameNote* note)
    {
        foreach (Chunk chunk in _chunks)
        {
            if (note->Start < chunk.End)
            {
                return new ReadOnlySpan<byte>(chunk.Memory + (note->Start - chunk.Start), note->Size);
            }
        }

        return default;
    }

    /// <summary>Takes a frame out of the stream. One that was sent stays sent; one of which a part was sent must be sent to its end first.</summary>
    public void Remove(FrameNote* note)
    {
        Debug.Assert(Sent <= note->Start || Sent >= note->End, "a part of the frame is on its way");
        foreach (Chunk chunk in _chunks)
        {
            if (note->Start < chunk.End)
            {
                note->IsRemoved = true;
                chunk.Removed++;
                return;
            }
        }
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
            chunk.Release();
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
                for (int i = 0; i < chunk.Notes; i++)
                {
                    FrameNote* note = chunk.Note(i);
                    if (note->End > Sent)
                    {
                        return note->Start < Sent ? note->End : Sent;
                    }
                }
            }
        }

        return Sent;
    }

    public void Dispose()
    {
        ReleaseSpare();
        while (_chunks.TryDequeue(out Chunk? chunk))
        {
            chunk.Release();
        }
    }

    /// <summary>Moves <see cref="Sent"/> past removed frames; returns where the next one begins, at most <paramref name="stop"/>.</summary>
    private long PassRemoved(Chunk chunk, long stop)
    {
        for (int i = 0; i < chunk.Notes && Sent < stop; i++)
        {
            FrameNote* note = chunk.Note(i);
            if (note->IsRemoved && note->Start >= Sent)
            {
                if (note->Start > Sent)
                {
                    return Math.Min(stop, note->Start);
                }

                Sent = note->End;
            }
        }

        return stop;
    }

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
            chunk.Length = chunk.Notes = chunk.Removed = 0;
            _spare.Push(chunk);
        }
        else
        {
            chunk.Release();
        }
    }

    /// <summary>Pages from the kernel. Owned by the outbox that made it.</summary>
    private sealed class Chunk(int capacity)
    {
        public byte* Memory { get; private set; } = SystemCalls.AllocatePages(capacity);

        public int Capacity { get; } = capacity;

        public long Start { get; set; }

        public int Length { get; set; }

        public int Notes { get; set; }

        /// <summary>Frames that are not to be sent any more.</summary>
        public int Removed { get; set; }

        public long End => Start + Length;

        public int Free => Capacity - Length - Notes * sizeof(FrameNote);

        public FrameNote* Note(int index) => (FrameNote*)(Memory + Capacity) - (index + 1);

        public void Release()
        {
            SystemCalls.FreePages(Memory, Capacity);
            Memory = null;
        }
    }
}
