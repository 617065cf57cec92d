using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using SinGateway.Configuration;

namespace SinGateway.Singyeong;

/// <summary>
/// Where 신경 is and who we are there: <c>s?singyeong://APPLICATION_ID[:PASSWORD]@HOST[:PORT][/][?encoding=json|etf|msgpack]</c>.
/// </summary>
internal sealed record SingyeongDsn
{
    private const int DefaultPort = 80;
    private const int DefaultTlsPort = 443;

    /// <summary>The user part of the DSN. Never empty, holds no white space.</summary>
    public required string ApplicationId { get; init; }

    /// <summary>Percent-decoded; null when the DSN has none. A secret: never logged.</summary>
    public string? Password { get; init; }

    /// <summary>A name or an address; an IPv6 address is without its brackets.</summary>
    public required string Host { get; init; }

    public required int Port { get; init; }

    public bool Tls { get; init; }

    public SingyeongEncoding Encoding { get; init; }

    /// <summary>The encoding as URLs spell it.</summary>
    public string EncodingName => Encoding switch
    {
        SingyeongEncoding.Msgpack => "msgpack",
        SingyeongEncoding.Etf => "etf",
        _ => "json",
    };

    /// <summary>Reads a DSN. <paramref name="error"/> says in words what is wrong and never repeats the password.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out SingyeongDsn? dsn, out string error)
    {
        dsn = null;
        const string Plain = "singyeong://";
        const string Secure = "ssingyeong://";
        bool tls = text.StartsWith(Secure, StringComparison.OrdinalIgnoreCase);
        if (!tls && !text.StartsWith(Plain, StringComparison.OrdinalIgnoreCase))
        {
            error = "does not start with singyeong:// (or ssingyeong:// for TLS)";
            return false;
        }

        ReadOnlySpan<char> rest = text.AsSpan(tls ? Secure.Length : Plain.Length);

        // The last @ ends the password, so that one that was not percent-encoded works too.
        int at = rest.LastIndexOf('@');
        if (at <= 0 || rest[0] == ':')
        {
            error = "has no application id before the host (singyeong://APPLICATION_ID@HOST)";
            return false;
        }

        (string applicationId, string? password) = SplitUser(rest[..at]);
        if (applicationId.AsSpan().ContainsAny(" \t\r\n"))
        {
            error = "has an application id with white space in it, which 신경 refuses";
            return false;
        }

        rest = rest[(at + 1)..];
        int query = rest.IndexOf('?');
        ReadOnlySpan<char> parameters = query < 0 ? [] : rest[(query + 1)..];
        ReadOnlySpan<char> place = query < 0 ? rest : rest[..query];
        if (place.EndsWith("/"))
        {
            place = place[..^1];
        }

        if (place.Contains('/'))
        {
            error = "has a path, and 신경's is always /gateway/websocket";
            return false;
        }

        if (!HostAndPort.TryParse(place, tls ? DefaultTlsPort : DefaultPort, out string host, out int port, out error)
            || !TryReadEncoding(parameters, out SingyeongEncoding encoding, out error))
        {
            return false;
        }

        dsn = new SingyeongDsn
        {
            ApplicationId = applicationId,
            Password = password,
            Host = host,
            Port = port,
            Tls = tls,
            Encoding = encoding,
        };
        return true;
    }

    /// <summary>The DSN with its password, if any, as <c>***</c>.</summary>
    public override string ToString()
    {
        string scheme = Tls ? "ssingyeong" : "singyeong";
        string secret = Password is null ? "" : ":***";
        string host = Host.Contains(':') ? $"[{Host}]" : Host;
        string encoding = Encoding is SingyeongEncoding.Json ? "" : $"?encoding={EncodingName}";
        return string.Create(CultureInfo.InvariantCulture, $"{scheme}://{ApplicationId}{secret}@{host}:{Port}{encoding}");
    }

    private static (string ApplicationId, string? Password) SplitUser(ReadOnlySpan<char> user)
    {
        int colon = user.IndexOf(':');
        string applicationId = Uri.UnescapeDataString(colon < 0 ? user : user[..colon]);
        string? password = colon < 0 ? null : Uri.UnescapeDataString(user[(colon + 1)..]);
        return (applicationId, string.IsNullOrEmpty(password) ? null : password);
    }

    private static bool TryReadEncoding(ReadOnlySpan<char> parameters, out SingyeongEncoding encoding, out string error)
    {
        encoding = SingyeongEncoding.Json;
        error = "";
        foreach (Range range in parameters.Split('&'))
        {
            ReadOnlySpan<char> parameter = parameters[range];
            if (parameter.IsEmpty)
            {
                continue;
            }

            const string Key = "encoding=";
            if (!parameter.StartsWith(Key))
            {
                error = "has a parameter other than encoding";
                return false;
            }

            switch (parameter[Key.Length..])
            {
                case "json":
                    encoding = SingyeongEncoding.Json;
                    break;
                case "msgpack":
                    encoding = SingyeongEncoding.Msgpack;
                    break;
                case "etf":
                    encoding = SingyeongEncoding.Etf;
                    break;
                default:
                    error = "has an encoding that 신경 does not know (json, msgpack, etf)";
                    return false;
            }
        }

        return true;
    }
}
