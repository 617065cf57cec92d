using System.Buffers;

namespace SinGateway.Operations;

/// <summary>What the bytes of a client are so far.</summary>
internal enum HttpReadOutcome
{
    NeedMore,

    /// <summary>A whole request head.</summary>
    Request,

    /// <summary>No HTTP, or not as RFC 9112 wants it.</summary>
    Malformed,

    /// <summary>The head is longer than <see cref="HttpRequest.MaximumHead"/>.</summary>
    TooLarge,

    /// <summary>HTTP of another major version than 1.</summary>
    OtherVersion,
}

/// <summary>
/// The head of one HTTP/1 request (https://www.rfc-editor.org/rfc/rfc9112#section-2): <c>GET /livez HTTP/1.1</c>, header lines, an empty line. Only
/// what the endpoints need is kept. Reading is a pure function of all bytes received so far; the request points into them.
/// </summary>
internal readonly ref struct HttpRequest
{
    /// <summary>In bytes; scrapers and browsers send some hundred.</summary>
    public const int MaximumHead = 8 * 1024;

    private static readonly SearchValues<byte> TokenBytes =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    /// <summary>Control characters, which stand nowhere in a head but for the tab.</summary>
    private static readonly SearchValues<byte> ControlBytes = SearchValues.Create(
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127]);

    public ReadOnlySpan<byte> Method { get; private init; }

    /// <summary>Without the query; of a target in absolute form, what follows the authority.</summary>
    public ReadOnlySpan<byte> Path { get; private init; }

    public static HttpReadOutcome Read(ReadOnlySpan<byte> received, out HttpRequest request)
    {
        request = default;
        ReadOnlySpan<byte> rest = received.TrimStart("\r\n"u8);
        int hosts = -1;
        bool needsHost = false;
        while (true)
        {
            int end = rest.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? rest : rest[..end];
            line = line.EndsWith("\r"u8) ? line[..^1] : line;
            if (line.ContainsAny(ControlBytes))
            {
                // Said at once: who speaks TLS to this port need not wait for a time limit to learn it.
                return HttpReadOutcome.Malformed;
            }

            if (end < 0)
            {
                return received.Length >= MaximumHead ? HttpReadOutcome.TooLarge : HttpReadOutcome.NeedMore;
            }

            rest = rest[(end + 1)..];
            if (hosts < 0)
            {
                HttpReadOutcome outcome = ReadRequestLine(line, out request, out needsHost);
                if (outcome != HttpReadOutcome.Request)
                {
                    return outcome;
                }

                hosts = 0;
            }
            else if (line.IsEmpty)
            {
                return received.Length - rest.Length > MaximumHead ? HttpReadOutcome.TooLarge
                    : needsHost && hosts != 1 ? HttpReadOutcome.Malformed
                    : HttpReadOutcome.Request;
            }
            else if (!IsField(line, out bool isHost))
            {
                return HttpReadOutcome.Malformed;
            }
            else
            {
                hosts += isHost ? 1 : 0;
            }
        }
    }

    private static HttpReadOutcome ReadRequestLine(ReadOnlySpan<byte> line, out HttpRequest request, out bool needsHost)
    {
        request = default;
        needsHost = false;
        int first = line.IndexOf((byte)' ');
        int last = line.LastIndexOf((byte)' ');
        if (first <= 0 || last <= first + 1 || line[..first].ContainsAnyExcept(TokenBytes))
        {
            return HttpReadOutcome.Malformed;
        }

        ReadOnlySpan<byte> target = line[(first + 1)..last];
        ReadOnlySpan<byte> version = line[(last + 1)..];
        if (target.Contains((byte)' ') || version is not [(byte)'H', (byte)'T', (byte)'T', (byte)'P', (byte)'/', >= (byte)'0' and <= (byte)'9', (byte)'.', >= (byte)'0' and <= (byte)'9'])
        {
            return HttpReadOutcome.Malformed;
        }

        if (version[5] != '1')
        {
            return HttpReadOutcome.OtherVersion;
        }

        needsHost = version[7] != '0';
        request = new HttpRequest { Method = line[..first], Path = PathOf(target) };
        return HttpReadOutcome.Request;
    }

    private static ReadOnlySpan<byte> PathOf(ReadOnlySpan<byte> target)
    {
        if (target.StartsWith("http://"u8))
        {
            target = target["http://"u8.Length..];
            int slash = target.IndexOf((byte)'/');
            target = slash < 0 ? "/"u8 : target[slash..];
        }

        int query = target.IndexOfAny((byte)'?', (byte)'#');
        return query < 0 ? target : target[..query];
    }

    private static bool IsField(ReadOnlySpan<byte> line, out bool isHost)
    {
        isHost = false;
        int colon = line.IndexOf((byte)':');
        if (colon <= 0 || line[..colon].ContainsAnyExcept(TokenBytes))
        {
            return false;
        }

        isHost = System.Text.Ascii.EqualsIgnoreCase(line[..colon], "host"u8);
        return true;
    }
}
