using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace SinGateway.WebSockets;

/// <summary>What the answer to an upgrade request says.</summary>
/// <param name="Length">Bytes of the answer's head; 0 when it is not complete yet.</param>
/// <param name="Status">The HTTP status; 101 is a connection.</param>
/// <param name="RetryAfter">Seconds that the server asks to wait, or null.</param>
/// <param name="Error">Why the answer is no connection, or null.</param>
internal readonly record struct UpgradeAnswer(int Length, int Status, int? RetryAfter, string? Error);

/// <summary>
/// The opening handshake of a client (RFC 6455, section 4): pure functions over bytes. No extension or subprotocol is offered or accepted.
/// </summary>
internal static class UpgradeHandshake
{
    /// <summary>The most that an answer's head may take, in bytes.</summary>
    public const int MaximumAnswer = 16 * 1024;

    private const string AcceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    private const int SwitchingProtocols = 101;

    /// <summary>A fresh <c>Sec-WebSocket-Key</c>: 16 random bytes in Base64.</summary>
    public static string CreateKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));

    /// <summary>GET target HTTP/1.1, Host, Upgrade: websocket, Connection: Upgrade, Sec-WebSocket-Key, Sec-WebSocket-Version: 13</summary>
    public static byte[] Request(Uri uri, string key)
    {
        string name = uri.HostNameType == UriHostNameType.IPv6 ? $"[{uri.IdnHost}]" : uri.IdnHost;
        string host = uri.IsDefaultPort ? name : $"{name}:{uri.Port}";
        return Encoding.ASCII.GetBytes(
            $"GET {uri.PathAndQuery} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
            $"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n");
    }

    /// <summary>Reads the head of the answer at the front of <paramref name="input"/>; what follows it is frames.</summary>
    public static UpgradeAnswer ReadAnswer(ReadOnlySpan<byte> input, string key)
    {
        int end = input.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return input.Length >= MaximumAnswer ? new(input.Length, 0, null, "the answer to the upgrade has no end") : default;
        }

        ReadOnlySpan<byte> head = input[..end];
        int length = end + 4;
        int lineEnd = head.IndexOf("\r\n"u8);
        ReadOnlySpan<byte> statusLine = lineEnd < 0 ? head : head[..lineEnd];
        if (!statusLine.StartsWith("HTTP/1."u8) || statusLine.Length < 12 || !Utf8Parser.TryParse(statusLine[9..12], out int status, out _))
        {
            return new(length, 0, null, "the answer to the upgrade is not HTTP");
        }

        bool upgrade = false, connection = false, accepted = false, extension = false;
        int? retryAfter = null;
        foreach (Range range in head.Split("\r\n"u8))
        {
            ReadOnlySpan<byte> line = head[range];
            int colon = line.IndexOf((byte)':');
            if (colon <= 0)
            {
                continue;
            }

            ReadOnlySpan<byte> name = line[..colon];
            ReadOnlySpan<byte> value = line[(colon + 1)..].Trim(" \t"u8);
            if (Ascii.EqualsIgnoreCase(name, "Upgrade"u8))
            {
                upgrade = Ascii.EqualsIgnoreCase(value, "websocket"u8);
            }
            else if (Ascii.EqualsIgnoreCase(name, "Connection"u8))
            {
                connection |= HasToken(value, "upgrade"u8);
            }
            else if (Ascii.EqualsIgnoreCase(name, "Sec-WebSocket-Accept"u8))
            {
                accepted = value.SequenceEqual(ExpectedAccept(key));
            }
            else if (Ascii.EqualsIgnoreCase(name, "Sec-WebSocket-Extensions"u8) || Ascii.EqualsIgnoreCase(name, "Sec-WebSocket-Protocol"u8))
            {
                extension |= value.Length > 0;
            }
            else if (Ascii.EqualsIgnoreCase(name, "Retry-After"u8) && Utf8Parser.TryParse(value, out int seconds, out _) && seconds >= 0)
            {
                retryAfter = seconds;
            }
        }

        string? error = status != SwitchingProtocols
            ? string.Create(CultureInfo.InvariantCulture, $"the upgrade was refused with HTTP {status}")
            : !upgrade || !connection ? "the answer to the upgrade does not upgrade to websocket"
            : !accepted ? "the answer to the upgrade has a wrong Sec-WebSocket-Accept"
            : extension ? "the server chose an extension or subprotocol that was not offered"
            : null;
        return new(length, status, retryAfter, error);
    }

    /// <summary>Base64 of SHA-1 of the key and the suffix of section 1.3.</summary>
    public static byte[] ExpectedAccept(string key) =>
        Encoding.ASCII.GetBytes(Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + AcceptSuffix))));

    private static bool HasToken(ReadOnlySpan<byte> list, ReadOnlySpan<byte> token)
    {
        foreach (Range range in list.Split((byte)','))
        {
            if (Ascii.EqualsIgnoreCase(list[range].Trim(" \t"u8), token))
            {
                return true;
            }
        }

        return false;
    }
}
