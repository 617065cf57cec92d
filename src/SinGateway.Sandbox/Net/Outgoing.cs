using System.Buffers;

namespace SinGateway.Sandbox.Net;

/// <summary>
/// The bytes that wait to be written to one peer: appended by anybody, written in order by at most one loop, as few large writes.
/// Holds no buffer while it is empty. It can be held back, so that a burst is complete before its first byte leaves.
/// </summary>
internal sealed class Outgoing(Stream stream)
{
    private const int SmallChunk = 16 * 1024;
    private const int LargeChunk = 256 * 1024;

    private readonly Queue<(byte[] Buffer, int Length)> _chunks = new();
    private byte[]? _tail;
    private int _tailLength;
    private long _pending;
    private long _writeStarted;
    private bool _writing;
    private bool _broken;
    private int _holds;
    private TaskCompletionSource? _drained;

    /// <summary>Guards <see cref="Reserve"/> and <see cref="Advance"/>: taken by whoever appends.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Bytes appended and not yet taken by the socket.</summary>
    public long Pending => Volatile.Read(ref _pending);

    public bool IsBroken => Volatile.Read(ref _broken);

    /// <summary>For how many ms the current write has been waiting for the peer; 0 when none is under way.</summary>
    public long StalledFor => Volatile.Read(ref _writeStarted) is var started && started == 0 ? 0 : Environment.TickCount64 - started;

    /// <summary>Room for <paramref name="length"/> bytes in a row. Call with <see cref="Gate"/> held, then <see cref="Advance"/>.</summary>
    public Span<byte> Reserve(int length)
    {
        if (_tail is not null && _tail.Length - _tailLength < length)
        {
            _chunks.Enqueue((_tail, _tailLength));
            _tail = null;
        }
        if (_tail is null)
        {
            _tail = ArrayPool<byte>.Shared.Rent(Math.Max(length, _chunks.Count == 0 ? SmallChunk : LargeChunk));
            _tailLength = 0;
        }
        return _tail.AsSpan(_tailLength, length);
    }

    /// <summary>Makes the first <paramref name="length"/> bytes of the reserved span part of the queue.</summary>
    public void Advance(int length)
    {
        _tailLength += length;
        _pending += length;
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        lock (Gate)
        {
            bytes.CopyTo(Reserve(bytes.Length));
            Advance(bytes.Length);
        }
    }

    /// <summary>Appends one server frame (never masked) around <paramref name="payload"/>.</summary>
    public void AppendFrame(WebSocketOpcode opcode, ReadOnlySpan<byte> payload, bool isFinal = true)
    {
        lock (Gate)
        {
            Span<byte> room = Reserve(payload.Length + WebSocketFrame.MaxServerHeader);
            int header = WebSocketFrame.WriteHeader(room, opcode, isFinal, payload.Length);
            payload.CopyTo(room[header..]);
            Advance(header + payload.Length);
        }
    }

    /// <summary>Keeps everything in memory until <see cref="Release"/>; holds nest.</summary>
    public void Hold()
    {
        lock (Gate)
        {
            _holds++;
        }
    }

    public void Release()
    {
        lock (Gate)
        {
            _holds--;
        }
        Flush();
    }

    /// <summary>Starts writing what is queued, unless a write is under way already (it takes the new bytes along).</summary>
    public void Flush()
    {
        lock (Gate)
        {
            if (_writing || _holds > 0 || _pending == 0 || _broken)
            {
                return;
            }
            _writing = true;
        }
        _ = WriteAllAsync();
    }

    /// <summary>Completes when nothing is queued any more, or the peer is gone.</summary>
    public Task WhenDrainedAsync()
    {
        lock (Gate)
        {
            if (_broken || (_pending == 0 && !_writing))
            {
                return Task.CompletedTask;
            }
            _drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _drained.Task;
        }
    }

    /// <summary>Drops everything; later bytes are dropped at the next flush. Called when the connection closes.</summary>
    public void Break()
    {
        lock (Gate)
        {
            _broken = true;
            Clear();
        }
    }

    private async Task WriteAllAsync()
    {
        byte[]? buffer = null;
        try
        {
            while (TryTake(ref buffer, out int length))
            {
                Volatile.Write(ref _writeStarted, Environment.TickCount64);
                await stream.WriteAsync(buffer.AsMemory(0, length)).ConfigureAwait(false);
                Volatile.Write(ref _writeStarted, 0);
                lock (Gate)
                {
                    _pending -= length;
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException or System.Net.Sockets.SocketException)
        {
            lock (Gate)
            {
                _broken = true;
                _writing = false;
                Clear();
            }
        }
        finally
        {
            Volatile.Write(ref _writeStarted, 0);
            if (buffer is not null)
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    // Returns the buffer of the last write and hands out the next one; ends the loop under the gate, so that no byte is forgotten.
    private bool TryTake(ref byte[]? buffer, out int length)
    {
        lock (Gate)
        {
            if (buffer is not null)
            {
                ArrayPool<byte>.Shared.Return(buffer);
                buffer = null;
            }
            length = 0;
            if (_broken || _holds > 0)
            {
                _writing = false;
                return false;
            }
            if (_chunks.TryDequeue(out (byte[] Buffer, int Length) chunk))
            {
                (buffer, length) = chunk;
                return true;
            }
            if (_tail is not null && _tailLength > 0)
            {
                (buffer, length) = (_tail, _tailLength);
                _tail = null;
                return true;
            }
            _writing = false;
            Clear();
            return false;
        }
    }

    private void Clear()
    {
        while (_chunks.TryDequeue(out (byte[] Buffer, int Length) chunk))
        {
            ArrayPool<byte>.Shared.Return(chunk.Buffer);
        }
        if (_tail is not null)
        {
            ArrayPool<byte>.Shared.Return(_tail);
            _tail = null;
        }
        _pending = 0;
        _drained?.TrySetResult();
        _drained = null;
    }
}
