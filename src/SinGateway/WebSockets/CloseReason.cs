using System.Buffers.Binary;
using System.Text;

namespace SinGateway.WebSockets;

/// <summary>At which point a connection ended.</summary>
internal enum CloseKind
{
    /// <summary>
    /// The host name did not resolve, no address took the connection, TLS failed, or time ran out before the connection was open.
    /// </summary>
    ConnectFailed,

    /// <summary>The server answered the upgrade with another HTTP status than 101.</summary>
    UpgradeRefused,

    /// <summary>The peer sent a close frame.</summary>
    Closed,

    /// <summary>The stream ended without a close frame.</summary>
    Lost,

    /// <summary>The peer broke the websocket protocol.</summary>
    ProtocolError,

    /// <summary>The peer sent a message above the limit (G26).</summary>
    MessageTooLarge,
}

/// <summary>Why a connection ended.</summary>
/// <param name="Kind">At which point.</param>
/// <param name="Code">The peer's close code, or the HTTP status of a refused upgrade; 0 when there is none.</param>
/// <param name="RetryAfter">Seconds that a refused upgrade asks to wait, or null.</param>
/// <param name="Text">The cause in words for an operator.</param>
internal readonly record struct CloseReason(CloseKind Kind, int Code, int? RetryAfter, string Text)
{
    /// <summary>Bytes of the code at the front of a close frame's payload (RFC 6455, section 5.5.1).</summary>
    public const int CodeSize = 2;

    /// <summary>What a close frame of the peer says: a code and a text, both of which may be missing.</summary>
    public static CloseReason OfFrame(ReadOnlySpan<byte> payload)
    {
        int code = payload.Length >= CodeSize ? BinaryPrimitives.ReadUInt16BigEndian(payload) : 0;
        string text = payload.Length > CodeSize ? Encoding.UTF8.GetString(payload[CodeSize..]) : "";
        return new(CloseKind.Closed, code, null, text.Length > 0 ? text : code == 0 ? "closed without a code" : $"closed with {code}");
    }
}
