namespace SinGateway.WebSockets;

/// <summary>The owner of a <see cref="WebSocketConnection"/>. Called on the loop's thread; may close the connection in any call.</summary>
internal interface IWebSocketHandler
{
    /// <summary>
    /// False stops the connection from reading, before the next message, until <see cref="WebSocketConnection.ContinueReading"/>:
    /// backpressure that reaches the peer through TCP.
    /// </summary>
    bool CanReceive { get; }

    void OnOpen();

    /// <summary>A whole message. <paramref name="message"/> is borrowed for the length of the call.</summary>
    void OnMessage(ReadOnlySpan<byte> message, bool binary);

    /// <summary>
    /// There is room to write, or a control frame to send: whoever streams frames of its own goes on here, others flush the control frames.
    /// </summary>
    void OnWritable();

    /// <summary>The connection has ended without the owner asking for it. Called at most once, and nothing follows.</summary>
    void OnClosed(in CloseReason reason);
}
