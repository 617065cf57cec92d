using System.Buffers.Binary;
using System.Text;
using SinGateway.Sandbox.Net;

namespace SinGateway.Sandbox.Discord;

/// <summary>
/// One websocket of a shard: frames, transport compression and closing. What the payloads mean is <see cref="DiscordProtocol"/>'s.
/// Everything that is sent passes <see cref="Send"/>, under one lock, since the compression context must see it in the order of the wire.
/// </summary>
internal sealed class DiscordConnection
{
    private const long OutgoingLimit = 1L << 30;

    private readonly DiscordServer _server;
    private readonly Connection _connection;
    private readonly WebSocketReader _reader;
    private readonly TransportCompression? _compression;
    private readonly DiscordProtocol _protocol;
    private readonly Lock _sendGate = new();
    private bool _isClosing;
    private bool _isDisposed;

    public DiscordConnection(DiscordServer server, Connection connection, HttpExchange upgrade)
    {
        _server = server;
        _connection = connection;
        _reader = new WebSocketReader(connection);
        _compression = TransportCompression.Create(upgrade.Query("compress"), server.Options.CompressionLevel);
        _protocol = new DiscordProtocol(server, this);
        Path = upgrade.Path;
    }

    /// <summary>The path of the upgrade: it tells the resume URL from the base URL.</summary>
    public string Path { get; }

    public Outgoing Outgoing => _connection.Outgoing;

    public DiscordSession? Session => _protocol.Session;

    /// <summary>Acks of heartbeats are left out while set.</summary>
    public bool StallAcks { get; set; }

    /// <summary>
    /// While set, events of the session are kept for its next connection; acks and all else go on.
    /// <see cref="DiscordSession.SetDeaf"/> sets it.
    /// </summary>
    public bool IsDeaf { get; set; }

    public bool IsReadingStopped => _connection.IsReadingStopped;

    public bool MissedHeartbeat(long now) => _protocol.MissedHeartbeat(now);

    public void ForgiveHeartbeat() => _protocol.ForgiveHeartbeat();

    /// <summary>Serves the connection from HELLO to its end.</summary>
    public async Task RunAsync()
    {
        try
        {
            if (_server.Faults.ReconnectBeforeHello.Take())
            {
                SendNow("{\"t\":null,\"s\":null,\"op\":7,\"d\":null}"u8);
                await Task.Delay(50).ConfigureAwait(false);
                Close(4000, "");
            }
            else
            {
                await Task.Delay(_server.Faults.HelloDelay).ConfigureAwait(false);
                if (_server.Faults.Hello.Take() is { } released)
                {
                    await released.ConfigureAwait(false);
                }
                _protocol.Start();
            }
            do
            {
                Receive();
            }
            while (await _connection.FillAsync().ConfigureAwait(false));
            if (!_isClosing)
            {
                DiscordStatistics.Count(_server.Statistics.ClientCloses, 1006);
            }
        }
        finally
        {
            _protocol.End();
            lock (_sendGate)
            {
                _isDisposed = true;
                _compression?.Dispose();
            }
        }
    }

    /// <summary>Compresses and frames one payload, and queues it. The caller flushes.</summary>
    public void Send(ReadOnlySpan<byte> payload)
    {
        lock (_sendGate)
        {
            if (_isDisposed || Outgoing.IsBroken)
            {
                return;
            }
            Interlocked.Add(ref _server.Statistics.BytesUncompressed, payload.Length);
            Frame(_compression is null ? payload : _compression.Compress(payload));
        }
        if (Outgoing.Pending > OutgoingLimit)
        {
            _connection.Reset();
        }
    }

    public void SendNow(ReadOnlySpan<byte> payload)
    {
        Send(payload);
        Outgoing.Flush();
    }

    /// <summary>Sends a payload that no decompressor can read.</summary>
    public void SendCorrupt()
    {
        lock (_sendGate)
        {
            if (!_isDisposed && _compression is not null)
            {
                Span<byte> compressed = _compression.Compress("{\"t\":null,\"s\":null,\"op\":11,\"d\":null}"u8);
                TransportCompression.Corrupt(compressed);
                Frame(compressed);
            }
            else if (!_isDisposed)
            {
                Frame("{\"t\":null,\"s\":nu"u8);
            }
        }
        Outgoing.Flush();
    }

    /// <summary>Sends a close frame; the socket ends when the peer answers it, or a second later.</summary>
    public void Close(int code, string reason)
    {
        if (_isClosing)
        {
            return;
        }
        _isClosing = true;
        DiscordStatistics.Count(_server.Statistics.ServerCloses, code);
        byte[] payload = new byte[2 + Encoding.UTF8.GetByteCount(reason)];
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)code);
        Encoding.UTF8.GetBytes(reason, payload.AsSpan(2));
        Outgoing.AppendFrame(WebSocketOpcode.Close, payload);
        Outgoing.Flush();
        _ = EndLaterAsync();
    }

    /// <summary>Another connection has taken the session over.</summary>
    public void Displaced() => Close(4000, "Session resumed elsewhere.");

    public void Reset()
    {
        _isClosing = true;
        _connection.Reset();
    }

    /// <summary>Ends the connection with a FIN and without a close frame.</summary>
    public void Finish()
    {
        _isClosing = true;
        _ = _connection.FinishAsync();
    }

    /// <summary>While on, nothing that the peer sends is seen, and its missing heartbeats are not held against it.</summary>
    public void StopReading(bool on)
    {
        _protocol.ForgiveHeartbeat();
        _connection.StopReading(on);
    }

    private async Task EndLaterAsync()
    {
        await Task.Delay(1000).ConfigureAwait(false);
        _connection.Dispose();
    }

    private void Receive()
    {
        while (_reader.TryRead(out WebSocketMessage message))
        {
            switch (message.Opcode)
            {
                case WebSocketOpcode.Close:
                    Closed(message.CloseCode);
                    return;
                case WebSocketOpcode.Ping:
                    Outgoing.AppendFrame(WebSocketOpcode.Pong, message.Payload);
                    Outgoing.Flush();
                    break;
                case WebSocketOpcode.Pong:
                    break;
                default:
                    if (!_isClosing)
                    {
                        _protocol.Receive(message);
                    }
                    break;
            }
        }
        if (_reader.Violation is { } violation && !_isClosing)
        {
            Interlocked.Increment(ref _server.Statistics.ProtocolErrors);
            _server.Statistics.Violation($"websocket: {violation}");
            Close(1002, violation);
        }
    }

    // 1000 and 1001 end the session, any other code leaves it to a RESUME
    // (https://docs.discord.com/developers/events/gateway#disconnecting).
    private void Closed(int code)
    {
        if (!_isClosing)
        {
            DiscordStatistics.Count(_server.Statistics.ClientCloses, code);
            if (code is 1000 or 1001 && _protocol.Session is { } session && session.Connection == this)
            {
                _server.Kill(session, $"client_close_{code}");
            }
            _isClosing = true;
            Span<byte> echo = stackalloc byte[2];
            BinaryPrimitives.WriteUInt16BigEndian(echo, (ushort)code);
            Outgoing.AppendFrame(WebSocketOpcode.Close, code == 1005 ? default : echo);
        }
        _ = _connection.FinishAsync();
    }

    private void Frame(ReadOnlySpan<byte> bytes)
    {
        Interlocked.Add(ref _server.Statistics.BytesSent, bytes.Length);
        WebSocketOpcode opcode = _compression is null ? WebSocketOpcode.Text : WebSocketOpcode.Binary;
        int limit = _server.Faults.FragmentBytes;
        bool endsEmpty = _server.Faults.FragmentEndsEmpty;
        while (limit > 0 && bytes.Length > (endsEmpty ? 0 : limit))
        {
            int length = Math.Min(limit, bytes.Length);
            Outgoing.AppendFrame(opcode, bytes[..length], isFinal: false);
            bytes = bytes[length..];
            opcode = WebSocketOpcode.Continuation;
        }
        Outgoing.AppendFrame(opcode, bytes);
    }
}
