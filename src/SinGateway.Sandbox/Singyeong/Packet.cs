namespace SinGateway.Sandbox.Singyeong;

/// <summary>
/// One packet of a client, cut but not decoded: the parts are slices of the frame, in the encoding of the connection, so that a payload can
/// be forwarded as it came. A part that is absent is empty.
/// </summary>
internal ref struct Packet
{
    public int Op;

    /// <summary>The name of a dispatch, without quotes.</summary>
    public ReadOnlySpan<byte> Type;

    public ReadOnlySpan<byte> Data;

    public ReadOnlySpan<byte> Target;

    /// <summary>With its quotes, or <c>null</c>; empty when the key is absent.</summary>
    public ReadOnlySpan<byte> Nonce;

    public ReadOnlySpan<byte> Payload;

    /// <summary>Set when the payload is known to be a message of the fake Discord's, byte for byte.</summary>
    public Verification.ForwardedMessage? Message;
}
