using System.Net;
using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;
using SinGateway.Loop;
using SinGateway.Tests.Loop;
using SinGateway.WebSockets;

namespace SinGateway.Tests.WebSockets;

/// <summary>The owner of one connection on a loop of its own: keeps what it is told, and streams frames as the gateway does.</summary>
internal sealed class TestClient : IWebSocketHandler, IDisposable
{
    private readonly RunningLoop _running;
    private readonly MaskingKeys _keys = new();
    private readonly Channel<(byte[] Bytes, bool Binary)> _messages = Channel.CreateUnbounded<(byte[], bool)>();
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<CloseReason> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Queue<byte[]> _frames = new();
    private int _frameSent;

    public TestClient(Uri uri, TlsContext? tls = null, FakeTimeProvider? time = null, Func<string, Task<IPAddress[]>>? resolve = null)
    {
        _running = new RunningLoop(time);
        Dialer dialer = new(_running.Loop, resolve ?? (_ => Task.FromResult<IPAddress[]>([IPAddress.Loopback])), tls);
        Socket = new WebSocketConnection(_running.Loop, dialer, _keys, uri, 4000, this);
        _running.Loop.Post(Socket.Open);
    }

    public RunningLoop Running => _running;

    public WebSocketConnection Socket { get; }

    /// <summary>Messages that may be taken before the connection is to stop reading.</summary>
    public int Room { get; set; } = int.MaxValue;

    public bool CanReceive => Room > 0;

    public Task Opened => _opened.Task.WaitAsync(RunningLoop.Patience);

    public Task<CloseReason> Closed => _closed.Task.WaitAsync(RunningLoop.Patience);

    public bool IsClosed => _closed.Task.IsCompleted;

    /// <summary>Called on the loop for each message, after it is kept.</summary>
    public Action? AfterMessage { get; set; }

    public async Task<(byte[] Bytes, bool Binary)> NextAsync()
    {
        using CancellationTokenSource patience = new(RunningLoop.Patience);
        return await _messages.Reader.ReadAsync(patience.Token);
    }

    public int Waiting => _messages.Reader.Count;

    /// <summary>Streams one message behind those that wait.</summary>
    public Task SendAsync(byte[] payload, Opcode opcode = Opcode.Text) => _running.RunAsync(() =>
    {
        byte[] frame = new byte[FrameWriter.HeaderSize(payload.Length) + payload.Length];
        FrameWriter.Write(frame, opcode, payload, _keys.Next());
        _frames.Enqueue(frame);
        OnWritable();
    });

    public void OnOpen() => _opened.TrySetResult();

    public void OnMessage(ReadOnlySpan<byte> message, bool binary)
    {
        Room--;
        _messages.Writer.TryWrite((message.ToArray(), binary));
        AfterMessage?.Invoke();
    }

    public void OnWritable()
    {
        while (Socket.IsOpen)
        {
            if (_frameSent == 0 && Socket.HasControl && !Socket.MustRepeatFrames && !Socket.FlushControl())
            {
                return;
            }

            if (!_frames.TryPeek(out byte[]? frame))
            {
                return;
            }

            int written = Socket.WriteFrames(frame.AsSpan(_frameSent));
            if (written == 0)
            {
                return;
            }

            _frameSent += written;
            if (_frameSent == frame.Length)
            {
                _frames.Dequeue();
                _frameSent = 0;
            }
        }
    }

    public void OnClosed(in CloseReason reason)
    {
        CloseReason copy = reason;
        if (!_closed.TrySetResult(copy))
        {
            _messages.Writer.TryComplete(new InvalidOperationException("closed twice"));
        }
    }

    public void Dispose()
    {
        _running.Loop.Post(() => Socket.Close(4000));
        _running.Dispose();
    }
}
