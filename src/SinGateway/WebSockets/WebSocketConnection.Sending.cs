using SinGateway.Loop;

namespace SinGateway.WebSockets;

/// <summary>The way out: control messages, which wait for room, and frames that are finished, which their owner keeps.</summary>
internal sealed partial class WebSocketConnection
{
    /// <summary>Queues a small message and sends what the socket takes; the rest follows when there is room.</summary>
    public void SendText(ReadOnlySpan<byte> message)
    {
        QueueControl(Opcode.Text, message);
        FlushControl();
    }

    /// <summary>Queues a text or binary frame without sending it: for whoever streams frames and lets this one out at a boundary.</summary>
    public void Queue(Opcode kind, ReadOnlySpan<byte> message) => QueueControl(kind, message);

    /// <summary>
    /// Sends queued control frames; true when none is left. Must not be called while a streamed frame is only partly sent.
    /// </summary>
    public bool FlushControl()
    {
        if (HasControl)
        {
            int written = _cannotWrite ? Transport.Closed : _transport!.Write(_control.Bytes);
            if (written == Transport.Closed)
            {
                FailWriting();
                return false;
            }

            _control.RemoveFirst(Math.Max(written, 0));
            SetInterest(wantsWrite: HasControl);
        }

        return !HasControl;
    }

    /// <summary>Sends bytes of finished frames; returns how many were taken, 0 when the socket is full or the connection is gone.</summary>
    public int WriteFrames(ReadOnlySpan<byte> frames)
    {
        int written = _cannotWrite ? Transport.Closed : _transport!.Write(frames);
        if (written == Transport.Closed)
        {
            FailWriting();
            return 0;
        }

        MustRepeatFrames = written == Transport.WouldBlock;
        SetInterest(wantsWrite: MustRepeatFrames);
        return Math.Max(written, 0);
    }

    /// <summary>
    /// The peer is gone. What it sent before may still lie here, and says why: its close frame above all. It is read at the end of the turn, and
    /// the owner told then.
    /// </summary>
    private void FailWriting()
    {
        if (_state != State.Open || _paused)
        {
            Lose();
        }
        else if (!_cannotWrite)
        {
            _cannotWrite = true;
            MustRepeatFrames = false;
            SetInterest(wantsWrite: false);
            _loop.AtEndOfTurn(ReadRest);
        }
    }

    private void ReadRest()
    {
        while (_state == State.Open && !_paused && ReadAvailable())
        {
        }

        if (_state == State.Open)
        {
            Lose();
        }
    }

    private void QueueControl(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        if (_state == State.Closed)
        {
            return;
        }

        int size = FrameWriter.HeaderSize(payload.Length) + payload.Length;
        if (_control.Length + size > MaximumControl)
        {
            Finish(new CloseReason(CloseKind.Lost, 0, null, "the peer does not read what is sent to it"));
            return;
        }

        FrameWriter.Write(_control.Extend(size), opcode, payload, _keys.Next());
    }
}
