using SinGateway.WebSockets;

namespace SinGateway.Singyeong;

/// <summary>How what <see cref="Delivery"/> wants sent gets to the socket.</summary>
internal sealed partial class SingyeongClient
{
    private void QueueFlush()
    {
        if (!_flushQueued)
        {
            _flushQueued = true;
            _loop.AtEndOfTurn(_flush);
        }
    }

    private void FlushQueued()
    {
        _flushQueued = false;
        Flush();
    }

    /// <summary>
    /// Writes frames from the outbox until the socket is full: up to the next barrier, then its heartbeat, then on. Control frames go out
    /// between two frames.
    /// </summary>
    private void Flush()
    {
        if (!IsReady)
        {
            _socket?.FlushControl();
            return;
        }

        while (_socket is { IsOpen: true } socket)
        {
            bool wantsControl = socket.HasControl && !socket.MustRepeatFrames;
            if (wantsControl && Delivery.IsAtBoundary)
            {
                if (!socket.FlushControl())
                {
                    return;
                }

                continue;
            }

            switch (Delivery.Next(out ReadOnlySpan<byte> bytes, stopAtBoundary: wantsControl))
            {
                case DeliveryPiece.Frames:
                    int written = socket.WriteFrames(bytes);
                    if (written == 0)
                    {
                        Delivery.MarkBlocked(bytes.Length);
                        return;
                    }

                    Delivery.MarkSent(written);
                    Times.Written(Outbox.Sent);
                    break;
                case DeliveryPiece.Heartbeat:
                    SendHeartbeat(socket);
                    break;
                default:
                    return;
            }
        }
    }

    /// <summary>
    /// An answer is awaited from here on, not from the heartbeat's way out: a server that reads nothing would never let it go.
    /// </summary>
    private void Cover()
    {
        Barriers.Begin(Outbox.End);
        if (IsReady && !_answerTimer.IsRunning)
        {
            _answerTimer.Start(AnswerTimeout);
        }
    }

    private void SendHeartbeat(WebSocketConnection socket)
    {
        socket.Queue(Kind, _identity.Heartbeat);
        Delivery.MarkHeartbeat();
        Times.HeartbeatSent();
        if (!_answerTimer.IsRunning)
        {
            _answerTimer.Start(AnswerTimeout);
        }

        _heartbeatTimer.Start(_heartbeatInterval);
    }
}
