namespace SinGateway.Loop;

/// <summary>
/// A connected, non-blocking byte stream of two kinds, plain and TLS. Owns its descriptor. <see cref="Read"/> and <see cref="Write"/>
/// answer a count above 0, <see cref="WouldBlock"/> or <see cref="Closed"/>; never an exception.
/// </summary>
internal abstract class Transport(int descriptor) : IDisposable
{
    public const int WouldBlock = -1;
    public const int Closed = -2;

    public int Descriptor { get; } = descriptor;

    /// <summary>Why the stream failed, in words for an operator; null when the peer just closed it.</summary>
    public string? Failure { get; protected set; }

    /// <summary>True when decrypted or decryptable bytes wait inside, which epoll cannot see.</summary>
    public virtual bool HasBufferedInput => false;

    /// <summary>Carries the opening handshake on: 1 when it is done, <see cref="WouldBlock"/> or <see cref="Closed"/>.</summary>
    public virtual int Handshake() => 1;

    /// <summary>True when the handshake waits for room to write rather than for input.</summary>
    public virtual bool HandshakeWantsWrite => false;

    public abstract int Read(Span<byte> buffer);

    /// <summary>
    /// Writes a part of <paramref name="bytes"/>. After <see cref="WouldBlock"/> the next call must offer the same bytes again, or those
    /// and more (TLS has then already sent a part of the record that holds them).
    /// </summary>
    public abstract int Write(ReadOnlySpan<byte> bytes);

    public virtual void Dispose() => SystemCalls.Close(Descriptor);
}
