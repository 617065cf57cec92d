using System.Buffers.Binary;
using SinGateway.Loop;

namespace SinGateway.WebSockets;

/// <summary>
/// One client connection (RFC 6455) as a state machine that its loop calls when there is something to do: connecting → upgrading → open →
/// closing → closed. Used once: who reconnects makes a new one, so a late event of an old connection meets an old object. While idle it
/// holds no buffer.
/// </summary>
internal sealed partial class WebSocketConnection : IPollable
{
    /// <summary>The largest message taken, in bytes (G26).</summary>
    public const int MaximumMessage = 64 * 1024 * 1024;

    /// <summary>How long connecting, TLS and upgrade may take together.</summary>
    private const int OpenTimeout = 10_000;

    /// <summary>How long the peer has to answer a close frame before the socket is dropped.</summary>
    private const int CloseTimeout = 2_000;

    /// <summary>Control frames that may wait for room, in bytes: a peer that reads nothing gets no more.</summary>
    private const int MaximumControl = 64 * 1024;

    private readonly EventLoop _loop;
    private readonly Uri _uri;
    private readonly ushort _ownCloseCode;
    private readonly LoopTimer _timer;
    private readonly Action _readAgain;
    private readonly MessageReader _reader = new(MaximumMessage);
    private readonly MaskingKeys _keys;

    private IWebSocketHandler? _handler;

    /// <summary>Null when it has done its work.</summary>
    private Connector? _connector;

    private State _state = State.Connecting;
    private ulong _watch;
    private uint _interest;
    private Transport? _transport;
    private string _upgradeKey = "";
    private bool _paused;
    private bool _continues;

    /// <summary>Writing has failed, and what can still be read is about to be.</summary>
    private bool _cannotWrite;

    /// <summary>Received bytes that are not a whole frame yet, or were not wanted yet.</summary>
    private RentedBuffer _kept;

    /// <summary>Control frames (before the connection is open: the upgrade request) that the socket has not taken yet.</summary>
    private RentedBuffer _control;

    /// <param name="loop">The loop whose thread makes every call in and out.</param>
    /// <param name="dialer">Resolves and secures.</param>
    /// <param name="keys">Masking keys of the loop.</param>
    /// <param name="uri">ws or wss, with path and query.</param>
    /// <param name="ownCloseCode">The code that answers a close frame of the peer.</param>
    /// <param name="handler">The owner.</param>
    public WebSocketConnection(EventLoop loop, Dialer dialer, MaskingKeys keys, Uri uri, ushort ownCloseCode, IWebSocketHandler handler)
    {
        _loop = loop;
        _keys = keys;
        _uri = uri;
        _ownCloseCode = ownCloseCode;
        _handler = handler;
        _timer = new LoopTimer(loop, OnTimeout);
        _readAgain = ReadAgain;
        _connector = new Connector(loop, dialer, uri, OnConnected);
    }

    private enum State
    {
        Connecting,
        Upgrading,
        Open,
        Closing,
        Closed,
    }

    public bool IsOpen => _state == State.Open;

    /// <summary>True while reading has stopped because the owner could not receive.</summary>
    public bool IsPaused => _paused;

    /// <summary>True when control frames wait; whoever streams frames lets them out at the next frame boundary.</summary>
    public bool HasControl => !_control.IsEmpty;

    /// <summary>
    /// True when the last write of streamed frames met a full socket: those bytes must be offered again before anything else.
    /// </summary>
    public bool MustRepeatFrames { get; private set; }

    public void Open()
    {
        _timer.Start(OpenTimeout);
        _connector!.Start();
    }

    /// <summary>
    /// Goes on after the owner could not receive, at the end of the turn: what is kept is handled before the socket is read again.
    /// </summary>
    public void ContinueReading()
    {
        if (_paused && !_continues && _state == State.Open)
        {
            _continues = true;
            _loop.AtEndOfTurn(_readAgain);
        }
    }

    /// <summary>
    /// Ends the connection with <paramref name="code"/>: a close frame if one can still be sent, then the socket, when the peer has
    /// answered or 2 s later. The owner hears nothing more.
    /// </summary>
    public void Close(ushort code)
    {
        _handler = null;
        if (_state != State.Open || MustRepeatFrames || _cannotWrite)
        {
            if (_state != State.Closing)
            {
                Drop();
            }

            return;
        }

        _state = State.Closing;
        _timer.Start(CloseTimeout);
        _kept.Release();
        Span<byte> payload = stackalloc byte[CloseReason.CodeSize];
        BinaryPrimitives.WriteUInt16BigEndian(payload, code);
        QueueControl(Opcode.Close, payload);
        FlushControl();
    }

    public void OnReady(uint events)
    {
        switch (_state)
        {
            case State.Upgrading or State.Closing:
                if (FlushControl() || _state == State.Closing)
                {
                    ReadAvailable();
                }

                break;
            case State.Open:
                if ((events & SystemCalls.PollOut) != 0)
                {
                    _handler!.OnWritable();
                }

                if (_state == State.Open && (events & ~SystemCalls.PollOut) != 0)
                {
                    if (_paused)
                    {
                        // Only an error or a hang-up is told while nothing is read; what the kernel still holds is lost with the socket,
                        // and replayed by a resume.
                        Lose();
                    }
                    else
                    {
                        ReadAvailable();
                    }
                }

                break;
        }
    }

    private void OnConnected(Transport? transport, string error)
    {
        if (transport is null)
        {
            Finish(new CloseReason(CloseKind.ConnectFailed, 0, null, error));
            return;
        }

        _connector = null;
        _transport = transport;
        _state = State.Upgrading;
        _upgradeKey = UpgradeHandshake.CreateKey();
        _control.Append(UpgradeHandshake.Request(_uri, _upgradeKey));
        _interest = SystemCalls.PollIn | SystemCalls.PollOut;
        _watch = _loop.Watch(transport.Descriptor, _interest, this);
        FlushControl();
    }

    private void ReadAgain()
    {
        _paused &= !_continues;
        _continues = false;
        if (_state is State.Open && !_paused)
        {
            if (!_kept.IsEmpty)
            {
                HandleInPlace();
            }

            if (_state == State.Open && !_paused)
            {
                SetInterest((_interest & SystemCalls.PollOut) != 0);
                ReadAvailable();
            }
        }
    }

    /// <summary>Reads once and handles it; false when there was nothing to be read.</summary>
    private bool ReadAvailable()
    {
        // Small leftovers go in front of the new bytes in the loop's buffer; a large unfinished frame is received where it lies.
        int kept = _kept.Length;
        bool inPlace = kept > LoopBuffers.ReceiveSize / 2;
        if (inPlace)
        {
            _kept.EnsureCapacity(Math.Min(_reader.Needed, kept * 2));
        }

        Span<byte> buffer = _loop.Buffers.Receive;
        int count = _transport!.Read(inPlace ? _kept.Free : buffer[kept..]);
        if (count < 0)
        {
            if (count == Transport.Closed)
            {
                Lose();
            }

            return false;
        }

        if (inPlace)
        {
            _kept.Advance(count);
            if (_kept.Length >= _reader.Needed)
            {
                HandleInPlace();
            }
        }
        else
        {
            _kept.Bytes.CopyTo(buffer);
            _kept.Release();
            Handle(buffer[..(kept + count)]);
        }

        if (_state == State.Open && !_paused && _transport.HasBufferedInput)
        {
            _loop.AtEndOfTurn(_readAgain);
        }

        return true;
    }

    /// <summary>Handles what is kept, and keeps the rest of it in a buffer of its size.</summary>
    private void HandleInPlace()
    {
        RentedBuffer whole = _kept;
        _kept = default;
        Handle(whole.Bytes);
        whole.Release();
    }

    /// <summary>Handles the frames in <paramref name="received"/> and keeps what is not a whole one, or not wanted yet.</summary>
    private void Handle(ReadOnlySpan<byte> received)
    {
        if (_state == State.Upgrading)
        {
            UpgradeAnswer answer = UpgradeHandshake.ReadAnswer(received, _upgradeKey);
            if (answer.Length > 0 && !Upgraded(answer))
            {
                return;
            }

            received = received[answer.Length..];
        }

        while (_state == State.Open && !received.IsEmpty)
        {
            if (!_handler!.CanReceive)
            {
                _paused = true;
                SetInterest((_interest & SystemCalls.PollOut) != 0);
                break;
            }

            ReadOutcome outcome = _reader.Read(received, out int consumed, out ReadOnlySpan<byte> payload);
            if (outcome == ReadOutcome.NeedMore)
            {
                break;
            }

            HandleFrame(outcome, payload);
            received = received[consumed..];
        }

        if (_state is State.Open or State.Upgrading && !received.IsEmpty)
        {
            _kept.Append(received);
        }
    }

    private void HandleFrame(ReadOutcome outcome, ReadOnlySpan<byte> payload)
    {
        switch (outcome)
        {
            case ReadOutcome.Text or ReadOutcome.Binary:
                _handler!.OnMessage(payload, outcome == ReadOutcome.Binary);
                break;
            case ReadOutcome.Ping:
                QueueControl(Opcode.Pong, payload);
                _handler?.OnWritable();
                break;
            case ReadOutcome.Close:
                EndWith(CloseReason.OfFrame(payload));
                break;
            case ReadOutcome.Broken:
                EndWith(new CloseReason(CloseKind.ProtocolError, 0, null, _reader.Error));
                break;
            case ReadOutcome.TooLarge:
                EndWith(new CloseReason(CloseKind.MessageTooLarge, 0, null, $"a message is larger than {MaximumMessage / (1024 * 1024)} MiB"));
                break;
        }
    }

    private bool Upgraded(in UpgradeAnswer answer)
    {
        if (answer.Error is not null)
        {
            Finish(new CloseReason(CloseKind.UpgradeRefused, answer.Status, answer.RetryAfter, $"{_uri.IdnHost}:{_uri.Port}: {answer.Error}"));
            return false;
        }

        _timer.Stop();
        _state = State.Open;
        _handler!.OnOpen();
        return _state == State.Open;
    }

    /// <summary>Answers with our own code, tells the owner, and lets the socket linger for the peer's end of it.</summary>
    private void EndWith(in CloseReason reason)
    {
        IWebSocketHandler? handler = _handler;
        Close(_ownCloseCode);
        handler?.OnClosed(reason);
    }

    private void Lose()
    {
        string text = _transport?.Failure ?? "the peer ended the connection without a close frame";
        Finish(new CloseReason(_state < State.Open ? CloseKind.ConnectFailed : CloseKind.Lost, 0, null, text));
    }

    private void OnTimeout()
    {
        if (_state == State.Closing)
        {
            Drop();
            return;
        }

        string step = _connector is not null ? _connector.Waiting : "the upgrade was not answered";
        Finish(new CloseReason(CloseKind.ConnectFailed, 0, null, $"{_uri.IdnHost}:{_uri.Port}: {step} within {OpenTimeout / 1000} s"));
    }

    private void Finish(in CloseReason reason)
    {
        IWebSocketHandler? handler = _handler;
        _handler = null;
        Drop();
        handler?.OnClosed(reason);
    }

    private void Drop()
    {
        if (_state == State.Closed)
        {
            return;
        }

        _state = State.Closed;
        _timer.Stop();
        _connector?.Cancel();
        if (_transport is not null)
        {
            _loop.Unwatch(_watch, _transport.Descriptor);
            _transport.Dispose();
        }

        _kept.Release();
        _control.Release();
        _reader.Dispose();
    }

    private void SetInterest(bool wantsWrite)
    {
        uint interest = (_paused && _state == State.Open ? 0 : SystemCalls.PollIn) | (wantsWrite ? SystemCalls.PollOut : 0);
        if (interest != _interest && _state != State.Closed)
        {
            _interest = interest;
            _loop.ChangeWatch(_watch, _transport!.Descriptor, interest);
        }
    }
}
