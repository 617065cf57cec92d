using Microsoft.Extensions.Logging;
using SinGateway.Loop;
using SinGateway.Sessions;
using SinGateway.WebSockets;

namespace SinGateway.Discord;

/// <summary>
/// One gateway connection of a shard, with everything that lives and dies with it: socket, inflate context, heartbeats, time limits
/// (https://docs.discord.com/developers/events/gateway#connection-lifecycle). When it has ended it calls nobody any more.
/// </summary>
internal sealed partial class ShardConnection : IWebSocketHandler
{
    private const int HelloTimeout = 30_000;
    private const int ReadyTimeout = 60_000;

    /// <summary>HTTP: too many connections from this address.</summary>
    private const int TooManyRequests = 429;

    /// <summary>Seconds to wait when it does not say so.</summary>
    private const int UnsaidRetryAfter = 60;

    private readonly Shard _shard;
    private readonly ShardSettings _settings;
    private readonly WebSocketConnection _socket;
    private readonly LoopTimer _phaseTimer;
    private readonly LoopTimer _heartbeatTimer;
    private readonly SendLimiter _limiter = new();
    private readonly ILogger _logger;
    private readonly bool _usesBaseUrl;
    private Inflater? _inflater;
    private bool _ended;

    private int _heartbeatInterval;
    private bool _awaitsAck;

    /// <summary>The last scheduled heartbeat is not acknowledged. Those that opcode 1 asks for do not count: they may be a moment old.</summary>
    private bool _isBeatOpen;
    private bool _mayOweAck;
    private long _beatAt;

    /// <summary>The session's received seq when RESUMED was last waited for: one that moves is a replay under way.</summary>
    private long _receivedAtCheck;

    /// <summary>The frames so far of a compressed message that spans several.</summary>
    private RentedBuffer _compressed;

    /// <param name="shard">The owner.</param>
    /// <param name="settings">Shared by all shards.</param>
    /// <param name="resumeUrl">Where to connect, or null: to the base URL.</param>
    public ShardConnection(Shard shard, ShardSettings settings, string? resumeUrl)
    {
        _shard = shard;
        _settings = settings;
        _logger = settings.Logger;
        _usesBaseUrl = ShardSettings.ResumeUri(resumeUrl) is null;
        _socket = new WebSocketConnection(settings.Loop, settings.Dialer, settings.Keys, settings.ConnectionUri(resumeUrl), Shard.ResumableClose, this);
        _phaseTimer = new LoopTimer(settings.Loop, OnPhaseTimeout);
        _heartbeatTimer = new LoopTimer(settings.Loop, OnHeartbeatDue);
    }

    /// <summary>HELLO and the answer to IDENTIFY or RESUME are always read; events only when there is room for them.</summary>
    public bool CanReceive => _shard.Receiver.HasRoom || _shard.Phase is not (ShardPhase.Ready or ShardPhase.Resuming);

    public void Open() => _socket.Open();

    public void ContinueReading() => _socket.ContinueReading();

    /// <summary>Ends the connection with <paramref name="code"/>; harmless when it has ended.</summary>
    public void End(ushort code)
    {
        if (_ended)
        {
            return;
        }

        _ended = true;
        _socket.Close(code);
        _phaseTimer.Stop();
        _heartbeatTimer.Stop();
        _inflater?.Dispose();
        _inflater = null;
        _compressed.Release();
    }

    public void SendIdentify()
    {
        _phaseTimer.Start(ReadyTimeout);
        _limiter.Take(SendKind.Handshake, _settings.Loop.Now);
        _socket.SendText(GatewayPayloads.Identify(
            _settings.Token, _settings.Intents, _shard.Id, _settings.ShardCount, _settings.LargeThreshold, _settings.Presence));
    }

    /// <summary>Resumes from the received seq: what this process has taken need not come again (G3).</summary>
    public void SendResume()
    {
        _phaseTimer.Start(ReadyTimeout);
        Session session = _shard.Session!;
        _receivedAtCheck = session.Received;
        _limiter.Take(SendKind.Handshake, _settings.Loop.Now);
        _socket.SendText(GatewayPayloads.Resume(_settings.Token, session.Id, session.Received));
    }

    /// <summary>Sends the commands that may go now, one after the other has left this process: heartbeats overtake those that wait.</summary>
    public void SendCommands(CommandQueue commands)
    {
        while (!_ended && !_socket.HasControl && commands.TryTake(_limiter, _settings.Loop.Now, out GatewayCommand? command))
        {
            _socket.SendText(command.Payload.Span);
            command.Finish(CommandResult.Sent);
        }
    }

    public void OnOpen()
    {
        _inflater = Inflater.Create(_settings.Compression);
        _phaseTimer.Start(HelloTimeout);
        _shard.Signal(new ShardSignal(ShardInput.Opened));
    }

    public void OnMessage(ReadOnlySpan<byte> message, bool binary)
    {
        _settings.Counts.WireBytes += message.Length;
        if (_inflater is null || !binary)
        {
            _settings.Counts.InflatedBytes += message.Length;
            Handle(message);
            return;
        }

        if (!_compressed.IsEmpty || !_inflater.EndsMessage(message))
        {
            if (!Collect(_inflater, message))
            {
                return;
            }

            message = _compressed.Bytes;
        }

        LoopBuffers buffers = _settings.Loop.Buffers;
        int length = _inflater.Inflate(message, buffers, WebSocketConnection.MaximumMessage);
        _compressed.Release();
        if (length < 0)
        {
            if (length == Inflater.TooLarge)
            {
                _shard.MessageTooLarge();
            }
            else
            {
                _shard.StreamBroken("the compressed stream is broken");
            }

            return;
        }

        _settings.Counts.InflatedBytes += length;
        Handle(buffers.Scratch[..length]);
        buffers.ShrinkScratch();
    }

    public void OnWritable()
    {
        if (_socket.FlushControl())
        {
            _shard.SendCommands();
        }
    }

    public void OnClosed(in CloseReason reason)
    {
        _settings.Counts.Closes.Count(reason);
        if (reason.Kind == CloseKind.MessageTooLarge)
        {
            _shard.MessageTooLarge();
            return;
        }

        bool hasCode = reason is { Kind: CloseKind.Closed, Code: not 0 };
        int? retryAfter = reason.RetryAfter;
        if (reason is { Kind: CloseKind.UpgradeRefused, Code: TooManyRequests })
        {
            // The limit is the address's, so it is every shard's.
            retryAfter ??= UnsaidRetryAfter;
            _settings.Turns.Limit(ShardLife.RetryAfter(retryAfter.Value));
        }

        if (_usesBaseUrl && reason.Kind is CloseKind.ConnectFailed or CloseKind.UpgradeRefused)
        {
            _settings.GatewayUnreachable();
        }

        _shard.Signal(
            new ShardSignal(ShardInput.Lost, hasCode ? reason.Code : 0, retryAfter),
            hasCode ? $"Discord closed with {reason.Code} ({reason.Text})" : reason.Text);
    }

    /// <summary>Adds a frame to the message that it continues; true when the message is whole.</summary>
    private bool Collect(Inflater inflater, ReadOnlySpan<byte> frame)
    {
        if (_compressed.Length + frame.Length > WebSocketConnection.MaximumMessage)
        {
            _shard.StreamBroken("a compressed message has no end");
            return false;
        }

        _compressed.Append(frame);
        return inflater.EndsMessage(_compressed.Bytes);
    }

    private void Handle(ReadOnlySpan<byte> raw)
    {
        if (!GatewayMessage.TryRead(raw, out GatewayMessage message))
        {
            _shard.Signal(new ShardSignal(ShardInput.Unreadable), "a message is not JSON");
            return;
        }

        switch ((GatewayOpcode)message.Op)
        {
            case GatewayOpcode.Dispatch:
                OnDispatch(message, raw);
                break;
            case GatewayOpcode.Heartbeat:
                if (_limiter.Take(SendKind.Reply, _settings.Loop.Now) == 0)
                {
                    SendHeartbeat();
                }

                break;
            case GatewayOpcode.HeartbeatAck:
                _isBeatOpen = false;
                if (_awaitsAck)
                {
                    _awaitsAck = false;
                    _shard.BeatAcknowledged(_settings.Loop.Now - _beatAt, _heartbeatInterval);
                }

                break;
            case GatewayOpcode.Hello:
                OnHello(message);
                break;
            case GatewayOpcode.Reconnect:
                _shard.Signal(new ShardSignal(ShardInput.ReconnectRequested), "Discord asks to reconnect");
                break;
            case GatewayOpcode.InvalidSession:
                bool resumable = GatewayPayloads.ReadResumable(message);
                _shard.Signal(
                    new ShardSignal(resumable ? ShardInput.SessionResumable : ShardInput.SessionInvalid),
                    resumable ? "Discord interrupts the session" : "Discord says that the session is invalid");
                break;
            default:
                LogUnknownOpcode(_shard.Id, message.Op);
                break;
        }
    }

    private void OnDispatch(in GatewayMessage message, ReadOnlySpan<byte> raw)
    {
        bool isReady = _shard.Phase == ShardPhase.Identifying && message.EventName.SequenceEqual("READY"u8);
        if (isReady)
        {
            ReadyPayload? ready = GatewayPayloads.ReadReady(message);
            if (ready?.SessionId is null)
            {
                _shard.Signal(new ShardSignal(ShardInput.Unreadable), "READY has no session id");
                return;
            }

            _phaseTimer.Stop();
            _shard.BeginSession(ready.SessionId, ready.ResumeUrl);
        }

        Session? session = _shard.Session;
        if (session is null || message.EventName.IsEmpty)
        {
            return;
        }

        // A replay may begin before what has already been received; that is not forwarded twice.
        long seq = message.Seq == GatewayMessage.NoSeq ? session.Received : message.Seq;
        if (message.Seq == GatewayMessage.NoSeq || seq > session.Received)
        {
            _shard.Receiver.Receive(session, message.EventName, seq, raw);
        }

        if (_shard.Phase == ShardPhase.Resuming)
        {
            OnReplayed(message);
        }
        else if (!isReady)
        {
            OnEvent(message);
        }
    }

    private void OnReplayed(in GatewayMessage message)
    {
        if (message.EventName.SequenceEqual("RESUMED"u8))
        {
            _phaseTimer.Stop();
            _shard.ContinueSession();
        }
        else
        {
            OnEvent(message);
            if (!_shard.IsReplaying)
            {
                _shard.Signal(new ShardSignal(ShardInput.Replayed));
            }
        }
    }

    /// <summary>Any event but READY and RESUMED. Only a shard that sends commands looks at its name again.</summary>
    private void OnEvent(in GatewayMessage message)
    {
        _shard.CountEvent();
        if (_shard.HasCommands && message.EventName.SequenceEqual("RATE_LIMITED"u8) && GatewayPayloads.ReadRateLimited(message) is { } limit)
        {
            _shard.HoldCommands(limit);
        }
    }

    private void OnHello(in GatewayMessage message)
    {
        if (GatewayPayloads.ReadHeartbeatInterval(message) is not { } interval)
        {
            _shard.Signal(new ShardSignal(ShardInput.Unreadable), "HELLO has no heartbeat interval");
            return;
        }

        if (_heartbeatInterval == 0)
        {
            _heartbeatInterval = interval;
            _limiter.SetHeartbeatInterval(interval);
            _heartbeatTimer.Start((long)(interval * _settings.Random.NextDouble()));
            _shard.Signal(new ShardSignal(ShardInput.Hello));
        }
    }

    /// <summary>No ack between two beats means a dead connection, unless acks wait unread behind events that found no room.</summary>
    private void OnHeartbeatDue()
    {
        if (_isBeatOpen && !_mayOweAck && !_socket.IsPaused)
        {
            _shard.Signal(new ShardSignal(ShardInput.TimedOut), "a heartbeat was not acknowledged");
            return;
        }

        long wait = _limiter.Take(SendKind.Heartbeat, _settings.Loop.Now);
        if (wait > 0)
        {
            _heartbeatTimer.Start(wait);
            return;
        }

        _mayOweAck = _socket.IsPaused;
        _isBeatOpen = true;
        SendHeartbeat();
        if (!_ended)
        {
            _heartbeatTimer.Start(_heartbeatInterval);
        }
    }

    private void SendHeartbeat()
    {
        Span<byte> heartbeat = stackalloc byte[GatewayPayloads.MaximumHeartbeat];
        int length = GatewayPayloads.WriteHeartbeat(heartbeat, _shard.Session?.HeartbeatSeq(_settings.Loop.Now) ?? GatewayMessage.NoSeq);
        _awaitsAck = true;
        _beatAt = _settings.Loop.Now;
        _shard.BeatSent();
        _socket.SendText(heartbeat[..length]);
    }

    /// <summary>
    /// RESUMED that is still behind a long replay, or waits unread behind events that found no room, is not late: the session must not pay
    /// for it (G6).
    /// </summary>
    private void OnPhaseTimeout()
    {
        long received = _shard.Session?.Received ?? GatewayMessage.NoSeq;
        if (_socket.IsPaused || (_shard.Phase == ShardPhase.Resuming && received != _receivedAtCheck))
        {
            _receivedAtCheck = received;
            _phaseTimer.Start(ReadyTimeout);
            return;
        }

        _shard.Signal(new ShardSignal(ShardInput.TimedOut), _shard.Phase switch
        {
            ShardPhase.AwaitingHello => "HELLO did not come within 30 s",
            ShardPhase.ConfirmingPermit => "the IDENTIFY could not be counted in time",
            ShardPhase.Identifying => "READY did not come within 60 s",
            _ => "RESUMED did not come within 60 s",
        });
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Shard {Shard} received the unknown opcode {Op}; ignored")]
    private partial void LogUnknownOpcode(int shard, int op);
}
