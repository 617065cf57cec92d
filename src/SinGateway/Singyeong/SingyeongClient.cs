using Microsoft.Extensions.Logging;
using SinGateway.Loop;
using SinGateway.Sessions;
using SinGateway.WebSockets;

namespace SinGateway.Singyeong;

/// <summary>
/// One connection to 신경 and the delivery that survives its loss. Reconnects by itself for ever; what was not
/// confirmed is sent again, in order (G1, G7: receivers know repeats by their nonce). Belongs to the loop's thread.
/// </summary>
internal sealed partial class SingyeongClient : IWebSocketHandler, IDisposable
{
    /// <summary>How old the oldest uncovered event may get before a barrier is sent, in ms.</summary>
    private const int BarrierDelay = 1_000;

    /// <summary>How many bytes a barrier may cover.</summary>
    private const int BarrierSize = Outbox.ChunkSize;

    /// <summary>Unsent bytes at which writing does not wait for the end of the turn.</summary>
    private const int EagerFlush = 128 * 1024;

    /// <summary>How long an open barrier may stay without any answer before the connection is given up, in ms.</summary>
    private const int AnswerTimeout = 60_000;

    /// <summary>How long hello and ready may take, in ms.</summary>
    private const int ReadyTimeout = 15_000;

    /// <summary>What the server asks for, in ms; it closes after 60 s without a packet, so more is never waited.</summary>
    private const int UsualHeartbeat = 45_000;

    private const ushort NormalClose = 1000;

    /// <summary>How the server closes when a message makes it fail, a no_route with <c>ops</c> above all (singyeong.md, bugs).</summary>
    private const int ServerFailed = 1011;

    /// <summary>How a server, or a proxy before it, closes over a message that it cannot take (RFC 6455, section 7.4.1).</summary>
    private const int UnsupportedData = 1003;
    private const int InvalidPayload = 1007;
    private const int MessageTooBig = 1009;

    private readonly EventLoop _loop;
    private readonly Dialer _dialer;
    private readonly MaskingKeys _keys;
    private SingyeongIdentity _identity;
    private readonly ReconnectBackoff _backoff;
    private readonly ILogger _logger;
    private readonly LoopTimer _barrierTimer;
    private readonly LoopTimer _heartbeatTimer;
    private readonly LoopTimer _answerTimer;
    private readonly LoopTimer _reconnectTimer;
    private readonly Action _flush;
    private readonly UnroutedDispatches _unrouted;
    private WebSocketConnection? _socket;
    private int _heartbeatInterval;
    private bool _flushQueued;
    private bool _disposed;

    public SingyeongClient(EventLoop loop, Dialer dialer, MaskingKeys keys, SingyeongIdentity identity, Delivery delivery, Random random, ILogger logger)
    {
        Delivery = delivery;
        _loop = loop;
        _dialer = dialer;
        _keys = keys;
        Binary = BinaryPackets.For(identity.Encoding);
        _identity = Binary is null ? identity : identity.In(Binary);
        _backoff = new ReconnectBackoff(random);
        _logger = logger;
        _barrierTimer = new LoopTimer(loop, BeginBarrier);
        _heartbeatTimer = new LoopTimer(loop, BeginBarrier);
        _answerTimer = new LoopTimer(loop, OnSilence);
        _reconnectTimer = new LoopTimer(loop, Connect);
        _flush = FlushQueued;
        _unrouted = new UnroutedDispatches(loop, delivery, GoOn, logger);
        Times = new BrokerTimes(loop);
    }

    /// <summary>Dispatches go here; who adds to it tells so by <see cref="Received"/>.</summary>
    public Delivery Delivery { get; }

    /// <summary>Writes the dispatches of a connection whose encoding is not JSON; null for JSON.</summary>
    public BinaryPackets? Binary { get; }

    /// <summary>How long events and barriers take; who adds a dispatch tells it.</summary>
    public BrokerTimes Times { get; }

    public bool IsReady { get; private set; }

    /// <summary>신경 is ready for dispatches, for the first time or again.</summary>
    public event Action? Ready;

    /// <summary>The outbox has room again after it was full.</summary>
    public event Action? HasRoom;

    /// <summary>
    /// 신경 refuses this gateway for good, with a message for the operator: nothing but a change of its configuration helps (exit code 4).
    /// </summary>
    public event Action<string>? Refused;

    /// <summary>A barrier was acknowledged: committed seqs may have moved.</summary>
    public event Action? Confirmed;

    /// <summary>There may be more room than before, or something is confirmed.</summary>
    public event Action? Progressed;

    /// <summary>A SEND or BROADCAST for this gateway came, a command of a worker: its payload, in JSON, borrowed.</summary>
    public event Action<ReadOnlySpan<byte>>? CommandReceived;

    private Outbox Outbox => Delivery.Outbox;
    private Barriers Barriers => Delivery.Barriers;

    bool IWebSocketHandler.CanReceive => true;

    /// <summary>Text for JSON, binary for the other encodings: the server closes on the wrong kind.</summary>
    public Opcode Kind => Binary is null ? Opcode.Text : Opcode.Binary;

    public void Connect()
    {
        if (_disposed)
        {
            return;
        }

        _answerTimer.Start(ReadyTimeout);
        _socket = new WebSocketConnection(_loop, _dialer, _keys, _identity.Uri, NormalClose, this);
        _socket.Open();
    }

    /// <summary>An event of <paramref name="session"/> arrived; its copies, if any, are in the outbox.</summary>
    public void Received(Session session, long seq, bool forwarded)
    {
        if (session.Receive(seq, forwarded, _loop.Now))
        {
            Barriers.Await(session);
        }

        if (forwarded || Barriers.IsDue)
        {
            Added();
        }
    }

    /// <summary>Something was added to the delivery that is to be sent soon, and covered by a barrier.</summary>
    public void Added()
    {
        if (Outbox.End - Barriers.LastPosition >= BarrierSize)
        {
            Cover();
        }
        else if (!_barrierTimer.IsRunning)
        {
            _barrierTimer.Start(BarrierDelay);
        }

        if (Outbox.End - Outbox.Sent >= EagerFlush)
        {
            Flush();
        }
        else
        {
            QueueFlush();
        }
    }

    /// <summary>
    /// Covers everything that arrived so far by a barrier now, not in a second. While 신경 is away none begins: one is enough when it is
    /// back, and a day of absence must not end with a heartbeat for each of its seconds.
    /// </summary>
    public void BeginBarrier()
    {
        _barrierTimer.Stop();
        if (IsReady)
        {
            Cover();
            QueueFlush();
        }
    }

    public void OnOpen()
    {
    }

    public void OnMessage(ReadOnlySpan<byte> message, bool binary)
    {
        ReadOnlySpan<byte> json = message;
        if ((Binary is { } encoding && !encoding.TryDecode(message, out json)) || !SingyeongPacket.TryRead(json, out SingyeongPacket packet))
        {
            LogUnreadable(_identity.Uri.Authority);
            return;
        }

        if (Barriers.Open > 0 && IsReady)
        {
            _answerTimer.Start(AnswerTimeout);
        }

        switch (packet.Op)
        {
            case SingyeongOpcode.Hello:
                _heartbeatInterval = (int)Math.Clamp(packet.Integer("heartbeat_interval"u8) ?? UsualHeartbeat, BarrierDelay, UsualHeartbeat);
                _socket!.Queue(Kind, _identity.Identify);
                _socket.FlushControl();
                break;
            case SingyeongOpcode.Ready:
                OnReady(packet);
                break;
            case SingyeongOpcode.HeartbeatAck:
                OnAck();
                break;
            case SingyeongOpcode.Invalid:
                OnInvalid(packet);
                break;
            case SingyeongOpcode.Goodbye:
                Reconnect("신경 says goodbye");
                break;
            case SingyeongOpcode.Error:
                OnError(packet.Text("error"u8));
                break;
            case SingyeongOpcode.Dispatch when packet.Type == "CLIENT_CONNECTED":
                _unrouted.Connected(packet);
                break;
            case SingyeongOpcode.Dispatch when packet.Type is "SEND" or "BROADCAST":
                CommandReceived?.Invoke(packet.Payload());
                break;
            case SingyeongOpcode.Dispatch:
                break;
            default:
                LogUnknownOpcode((int)packet.Op);
                break;
        }
    }

    public void OnWritable() => Flush();

    public void OnClosed(in CloseReason reason)
    {
        if (reason.Kind == CloseKind.UpgradeRefused && reason.Code == 403)
        {
            Refused?.Invoke($"신경 at {_identity.Uri.Authority} refuses the encoding of singyeongDSN (HTTP 403); use ?encoding=json");
            return;
        }

        LossCause cause = reason is not { Kind: CloseKind.Closed } || !IsReady ? LossCause.Connection : reason.Code switch
        {
            ServerFailed => LossCause.ServerFailed,
            UnsupportedData or InvalidPayload or MessageTooBig => LossCause.MessageRefused,
            _ => LossCause.Connection,
        };
        Reconnect(
            cause switch
            {
                LossCause.ServerFailed => "신경 failed on a message (1011), as it does when no worker matches a target with ops",
                LossCause.MessageRefused => $"신경 cannot take a message ({reason.Code})",
                _ => reason.Text,
            },
            cause);
    }

    /// <summary>Ends the connection; what is in the outbox is not sent any more.</summary>
    public void Dispose()
    {
        _disposed = true;
        _socket?.Close(NormalClose);
        _socket = null;
        StopTimers();
        _reconnectTimer.Stop();
        _unrouted.Stop();
        Delivery.Dispose();
        Binary?.Dispose();
    }

    private void OnReady(in SingyeongPacket packet)
    {
        if (packet.Flag("restricted"u8))
        {
            Refused?.Invoke(
                "신경 restricts this gateway, so it may not send: the password in singyeongDSN is wrong or missing, or the server has no password and one was given");
            return;
        }

        LogReady(_identity.Uri.Authority, Outbox.End - Outbox.Confirmed);
        _answerTimer.Stop();
        IsReady = true;
        _heartbeatTimer.Start(_heartbeatInterval);
        if (Barriers.Open > 0)
        {
            _answerTimer.Start(AnswerTimeout);
        }

        if (Delivery.IsBarrierDue)
        {
            BeginBarrier();
        }

        QueueFlush();
        Ready?.Invoke();
    }

    private void OnAck()
    {
        if (!Delivery.Acknowledge())
        {
            return;
        }

        Times.Acknowledged();
        _backoff.Forgive();
        if (Barriers.Open == 0)
        {
            _answerTimer.Stop();
            if (!Delivery.IsBarrierDue)
            {
                Outbox.ReleaseSpare();
            }
        }

        Confirmed?.Invoke();
        GoOn();
    }

    /// <summary>A dispatch without <c>ops</c> that nobody takes is given back and dropped; anything else is worth a line.</summary>
    private void OnInvalid(in SingyeongPacket packet)
    {
        string error = packet.Text("error"u8);
        if (error.Contains("restricted", StringComparison.Ordinal))
        {
            Refused?.Invoke($"신경 takes no dispatches from this gateway ({error}): check the password in singyeongDSN");
        }
        else if (error != "no_route")
        {
            LogInvalid(error);
        }
        else
        {
            _unrouted.ComeBack(packet);
        }
    }

    /// <summary>Something may be sent that could not be before, or there is room again.</summary>
    private void GoOn()
    {
        if (Delivery.HasRoomAgain)
        {
            HasRoom?.Invoke();
        }

        Progressed?.Invoke();
        QueueFlush();
    }

    /// <summary>
    /// A packet that the server cannot take, such as a dispatch that is no JSON to it, is answered by an error too, and would be each time. One
    /// about heartbeats is about no packet.
    /// </summary>
    private void OnError(string error)
    {
        if (error.Contains("already registered", StringComparison.Ordinal))
        {
            Reconnect($"신경 still holds an older connection of client {_identity.ClientId}");
            return;
        }

        bool isOfMessage = IsReady && !error.Contains("heartbeat", StringComparison.Ordinal);
        Reconnect($"신경 reports an error: {error}", isOfMessage ? LossCause.MessageRefused : LossCause.Connection);
    }

    private void OnSilence() => Reconnect(IsReady ? "신경 has not answered for 60 s" : "신경 did not become ready in time");

    private void Reconnect(string why, LossCause cause = LossCause.Connection)
    {
        _socket?.Close(NormalClose);
        _socket = null;
        bool wasReady = IsReady;
        IsReady = false;
        StopTimers();
        Delivery.Lose(cause);
        Times.Lost();
        _unrouted.Watch();
        if (_disposed)
        {
            return;
        }

        int delay = _backoff.Next(wasReady);
        if (wasReady || _backoff.Failures <= 1 || _backoff.Failures % 10 == 0)
        {
            LogReconnect(why, delay, _backoff.Failures);
        }

        _reconnectTimer.Start(delay);
    }

    private void StopTimers()
    {
        _barrierTimer.Stop();
        _heartbeatTimer.Stop();
        _answerTimer.Stop();
    }

}
