using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace SinGateway.Sandbox.Net;

/// <summary>One HTTP/1.1 request, as little of it as the sandbox needs, and the ways to answer it.</summary>
internal sealed class HttpExchange
{
    private const int MaxHead = 16 * 1024;
    private const string WebSocketGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    private readonly Connection _connection;
    private readonly Dictionary<string, string> _headers = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, string> _query = new(StringComparer.Ordinal);

    private HttpExchange(Connection connection) => _connection = connection;

    public string Method { get; private set; } = "";

    public string Path { get; private set; } = "";

    public byte[] Body { get; private set; } = [];

    public string? Header(string name) => _headers.GetValueOrDefault(name);

    public string? Query(string name) => _query.GetValueOrDefault(name);

    public bool IsUpgrade => string.Equals(Header("Upgrade"), "websocket", StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads the next request of a connection; null when there is none, or it is not HTTP.</summary>
    public static async ValueTask<HttpExchange?> ReadAsync(Connection connection)
    {
        int head;
        while ((head = connection.Buffered.IndexOf("\r\n\r\n"u8)) < 0)
        {
            if (connection.Buffered.Length > MaxHead || !await connection.FillAsync().ConfigureAwait(false))
            {
                return null;
            }
        }
        HttpExchange exchange = new(connection);
        string[] lines = Encoding.Latin1.GetString(connection.Buffered[..head]).Split("\r\n");
        connection.Consume(head + 4);
        if (!exchange.TryParseHead(lines))
        {
            return null;
        }
        int length = int.TryParse(exchange.Header("Content-Length"), CultureInfo.InvariantCulture, out int given) ? given : 0;
        while (connection.Buffered.Length < length)
        {
            connection.Expect(length);
            if (!await connection.FillAsync().ConfigureAwait(false))
            {
                return null;
            }
        }
        exchange.Body = connection.Buffered[..length].ToArray();
        connection.Consume(length);
        return exchange;
    }

    /// <summary>Answers with JSON (or with nothing, when <paramref name="json"/> is empty) and keeps the connection.</summary>
    public void Answer(int status, ReadOnlySpan<byte> json, string extraHeaders = "")
    {
        string head = $"HTTP/1.1 {status} {Reason(status)}\r\nContent-Type: application/json\r\nContent-Length: {json.Length}\r\n{extraHeaders}\r\n";
        _connection.Outgoing.Append(Encoding.Latin1.GetBytes(head));
        _connection.Outgoing.Append(json);
        _connection.Outgoing.Flush();
    }

    /// <summary>
    /// Answers the opening handshake (RFC 6455, section 4.2.2). Returns what was wrong with the request, after a 400, or null.
    /// </summary>
    public string? AcceptWebSocket()
    {
        string? wrong = Method != "GET" ? "the upgrade is not a GET"
            : Header("Host") is null ? "no Host header"
            : Header("Connection")?.Contains("upgrade", StringComparison.OrdinalIgnoreCase) is not true ? "no 'Connection: Upgrade'"
            : Header("Sec-WebSocket-Version") != "13" ? "Sec-WebSocket-Version is not 13"
            : !IsKey(Header("Sec-WebSocket-Key")) ? "Sec-WebSocket-Key is not 16 bytes of base64"
            : null;
        if (wrong is not null)
        {
            Answer(400, default);
            return wrong;
        }
        string accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(Header("Sec-WebSocket-Key") + WebSocketGuid)));
        string head = $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n";
        _connection.Outgoing.Append(Encoding.Latin1.GetBytes(head));
        _connection.Outgoing.Flush();
        return null;
    }

    private static bool IsKey(string? key)
    {
        Span<byte> decoded = stackalloc byte[18];
        return key is { Length: 24 } && Convert.TryFromBase64String(key, decoded, out int length) && length == 16;
    }

    private bool TryParseHead(string[] lines)
    {
        string[] request = lines[0].Split(' ');
        if (request.Length != 3 || !request[2].StartsWith("HTTP/1.", StringComparison.Ordinal))
        {
            return false;
        }
        Method = request[0];
        string target = request[1];
        int mark = target.IndexOf('?', StringComparison.Ordinal);
        Path = mark < 0 ? target : target[..mark];
        if (mark >= 0)
        {
            foreach (string pair in target[(mark + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries))
            {
                int equals = pair.IndexOf('=', StringComparison.Ordinal);
                string name = equals < 0 ? pair : pair[..equals];
                _query[name] = equals < 0 ? "" : Uri.UnescapeDataString(pair[(equals + 1)..]);
            }
        }
        foreach (string line in lines.AsSpan(1))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0)
            {
                return false;
            }
            _headers[line[..colon]] = line[(colon + 1)..].Trim();
        }
        return true;
    }

    private static string Reason(int status) => status switch
    {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Status",
    };
}
