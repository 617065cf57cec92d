using System.Net.Sockets;

namespace SinGateway.Sandbox.Net;

/// <summary>One accepted TCP connection, plain or TLS: a window over the bytes received, and the queue of bytes to send.</summary>
internal sealed class Connection : IDisposable
{
    private const int FirstBuffer = 4 * 1024;

    private readonly Socket _socket;
    private readonly Stream _stream;
    private byte[] _buffer = new byte[FirstBuffer];
    private int _start;
    private int _end;
    private int _expected;
    private TaskCompletionSource? _readingStopped;

    public Connection(Socket socket, Stream stream)
    {
        _socket = socket;
        _stream = stream;
        Outgoing = new Outgoing(stream);
    }

    public Outgoing Outgoing { get; }

    /// <summary>Received and not yet consumed. The span is valid until <see cref="FillAsync"/>.</summary>
    public Span<byte> Buffered => _buffer.AsSpan(_start.._end);

    public long ReceivedBytes { get; private set; }

    public void Consume(int count) => _start += count;

    /// <summary>
    /// Says that nothing can be done with fewer than <paramref name="bytes"/> buffered, so that the buffer grows to hold them.
    /// </summary>
    public void Expect(int bytes) => _expected = bytes;

    /// <summary>The size of the receive buffer, in bytes; large for a peer that sends much.</summary>
    public void ReceiveInto(int bytes) => Grow(bytes);

    /// <summary>Stops taking bytes from the peer (whose sends then fill up and block) until it is switched off again.</summary>
    public void StopReading(bool on)
    {
        if (on)
        {
            _readingStopped ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        else
        {
            _readingStopped?.TrySetResult();
            _readingStopped = null;
        }
    }

    public bool IsReadingStopped => _readingStopped is not null;

    /// <summary>Waits for more bytes. False when the peer, or this side, has closed.</summary>
    public async ValueTask<bool> FillAsync()
    {
        if (_start == _end)
        {
            _start = _end = 0;
        }
        int wanted = Math.Max(_expected, _end - _start + 1);
        if (wanted > _buffer.Length)
        {
            Grow(wanted + wanted / 2);
        }
        else if (_end == _buffer.Length || wanted > _buffer.Length - _start)
        {
            Buffered.CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }
        _expected = 0;
        try
        {
            int received = await _stream.ReadAsync(_buffer.AsMemory(_end)).ConfigureAwait(false);
            while (_readingStopped is { } stopped)
            {
                await stopped.Task.ConfigureAwait(false);
            }
            _end += received;
            ReceivedBytes += received;
            return received > 0;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or SocketException)
        {
            return false;
        }
    }

    /// <summary>Ends the connection with a TCP reset: the peer sees no close frame, and loses what it has not read.</summary>
    public void Reset()
    {
        try
        {
            _socket.LingerState = new LingerOption(true, 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
        }
        Outgoing.Break();
        _socket.Dispose();
        StopReading(false);
    }

    /// <summary>Writes what is queued, then ends the sending side; the peer gets a moment to end its own.</summary>
    public async Task FinishAsync()
    {
        Outgoing.Flush();
        await Task.WhenAny(Outgoing.WhenDrainedAsync(), Task.Delay(1000)).ConfigureAwait(false);
        try
        {
            if (_stream is System.Net.Security.SslStream tls)
            {
                await tls.ShutdownAsync().ConfigureAwait(false);
            }
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException or InvalidOperationException or NotSupportedException)
        {
        }
        await Task.Delay(100).ConfigureAwait(false);
        Dispose();
    }

    public void Dispose()
    {
        Outgoing.Break();
        _stream.Dispose();
        _socket.Dispose();
        StopReading(false);
    }

    private void Grow(int size)
    {
        byte[] larger = new byte[Math.Max(size, _buffer.Length)];
        Buffered.CopyTo(larger);
        _end -= _start;
        _start = 0;
        _buffer = larger;
    }
}
