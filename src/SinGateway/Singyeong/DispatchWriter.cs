using System.Buffers.Text;
using SinGateway.Sessions;

namespace SinGateway.Singyeong;

/// <summary>
/// Writes the packet that carries one event to 신경, in JSON, around the bytes that Discord sent (singyeong PROTOCOL.md, dispatch):
/// <code>
/// {"op":4,"t":"SEND","d":{"target":TARGET,"nonce":"SHARD:SESSION:SEQ:RULE","payload":EVENT}}
/// </code>
/// </summary>
internal static class DispatchWriter
{
    /// <summary>Room for the longest nonce: three numbers of up to 19 digits, the session's tag, three colons.</summary>
    public const int MaximumNonce = 3 * 20 + Session.TagSize + 3;

    private static ReadOnlySpan<byte> SendStart => "{\"op\":4,\"t\":\"SEND\",\"d\":{\"target\":"u8;

    private static ReadOnlySpan<byte> BroadcastStart => "{\"op\":4,\"t\":\"BROADCAST\",\"d\":{\"target\":"u8;

    private static ReadOnlySpan<byte> BeforeNonce => ",\"nonce\":\""u8;

    private static ReadOnlySpan<byte> BeforePayload => "\",\"payload\":"u8;

    private static ReadOnlySpan<byte> End => "}}"u8;

    /// <summary>
    /// Writes the nonce of G7 and returns its length: <c>shard:session:seq:rule</c>. <paramref name="tag"/> is the session's <see
    /// cref="Session.Tag"/>.
    /// </summary>
    public static int WriteNonce(Span<byte> destination, int shard, ReadOnlySpan<byte> tag, long seq, int rule)
    {
        Utf8Formatter.TryFormat(shard, destination, out int length);
        destination[length++] = (byte)':';
        tag.CopyTo(destination[length..]);
        length += Session.TagSize;
        destination[length++] = (byte)':';
        Utf8Formatter.TryFormat(seq, destination[length..], out int digits);
        length += digits;
        destination[length++] = (byte)':';
        Utf8Formatter.TryFormat(rule, destination[length..], out digits);
        return length + digits;
    }

    /// <summary>Bytes of the whole packet.</summary>
    public static int Measure(bool broadcast, int target, int nonce, int payload) =>
        (broadcast ? BroadcastStart : SendStart).Length + target + BeforeNonce.Length + nonce + BeforePayload.Length + payload + End.Length;

    /// <summary>Writes what stands before the target; returns its length.</summary>
    public static int WriteStart(Span<byte> destination, bool broadcast)
    {
        ReadOnlySpan<byte> start = broadcast ? BroadcastStart : SendStart;
        start.CopyTo(destination);
        return start.Length;
    }

    /// <summary>Writes what follows the target, to the end of the packet.</summary>
    public static void WriteRest(Span<byte> destination, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> payload)
    {
        BeforeNonce.CopyTo(destination);
        destination = destination[BeforeNonce.Length..];
        nonce.CopyTo(destination);
        destination = destination[nonce.Length..];
        BeforePayload.CopyTo(destination);
        destination = destination[BeforePayload.Length..];
        payload.CopyTo(destination);
        End.CopyTo(destination[payload.Length..]);
    }
}
