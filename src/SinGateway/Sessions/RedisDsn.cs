using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using SinGateway.Configuration;

namespace SinGateway.Sessions;

/// <summary>
/// Where Redis is: <c>redis://[user][:password]@host[:port][/db]</c>, <c>rediss://</c> for TLS, or
/// <c>unix://[user][:password]@/path[?db=N]</c>.
/// </summary>
internal sealed record RedisDsn
{
    private const int DefaultPort = 6379;

    /// <summary>Bytes of a socket's path: <c>sun_path</c> of Linux, without the zero at its end.</summary>
    private const int LongestSocket = 107;

    /// <summary>A name or an address, an IPv6 one without its brackets; empty when <see cref="UnixSocket"/> is set.</summary>
    public string Host { get; init; } = "";

    public int Port { get; init; } = DefaultPort;

    /// <summary>The absolute path of a socket; null when Redis is reached over TCP.</summary>
    public string? UnixSocket { get; init; }

    public bool Tls { get; init; }

    public string? User { get; init; }

    /// <summary>Percent-decoded; null when the DSN has none. A secret: never logged.</summary>
    public string? Password { get; init; }

    public int Database { get; init; }

    /// <summary>Reads a DSN. <paramref name="error"/> says in words what is wrong and never repeats the password.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out RedisDsn? dsn, out string error)
    {
        dsn = null;
        int schemeEnd = text.IndexOf("://", StringComparison.Ordinal);
        string scheme = schemeEnd < 0 ? "" : text[..schemeEnd].ToLowerInvariant();
        if (scheme is not ("redis" or "rediss" or "unix"))
        {
            error = "does not start with redis://, rediss:// (TLS) or unix://";
            return false;
        }

        ReadOnlySpan<char> rest = text.AsSpan(schemeEnd + 3);

        // The last @ ends the password, so that one that was not percent-encoded works too.
        int at = rest.LastIndexOf('@');
        (string? user, string? password) = SplitUser(at < 0 ? [] : rest[..at]);
        rest = rest[(at + 1)..];

        int query = rest.IndexOf('?');
        ReadOnlySpan<char> parameters = query < 0 ? [] : rest[(query + 1)..];
        rest = query < 0 ? rest : rest[..query];

        string? socket = null;
        string host = "";
        int port = DefaultPort;
        ReadOnlySpan<char> database = [];
        if (scheme is "unix")
        {
            socket = rest.ToString();
            if (!socket.StartsWith('/') || socket.Length == 1)
            {
                error = "has no absolute path of a socket (unix:///run/redis.sock)";
                return false;
            }

            if (Encoding.UTF8.GetByteCount(socket) > LongestSocket)
            {
                error = $"has a path that is too long for a socket (at most {LongestSocket} bytes)";
                return false;
            }
        }
        else
        {
            int slash = rest.IndexOf('/');
            database = slash < 0 ? [] : rest[(slash + 1)..];
            if (!HostAndPort.TryParse(slash < 0 ? rest : rest[..slash], DefaultPort, out host, out port, out error))
            {
                return false;
            }
        }

        if (!parameters.IsEmpty)
        {
            const string Key = "db=";
            if (!parameters.StartsWith(Key) || !database.IsEmpty)
            {
                error = "has a parameter that is not understood (only ?db=N is, where the path names no database)";
                return false;
            }

            database = parameters[Key.Length..];
        }

        int index = 0;
        if (!database.IsEmpty && !int.TryParse(database, NumberStyles.None, CultureInfo.InvariantCulture, out index))
        {
            error = "has a database that is not a number";
            return false;
        }

        dsn = new RedisDsn
        {
            Host = host,
            Port = port,
            UnixSocket = socket,
            Tls = scheme is "rediss",
            User = user,
            Password = password,
            Database = index,
        };
        error = "";
        return true;
    }

    /// <summary>The DSN with its password, if any, as <c>***</c>.</summary>
    public override string ToString()
    {
        string login = User is null && Password is null ? "" : $"{User}{(Password is null ? "" : ":***")}@";
        if (UnixSocket is not null)
        {
            return string.Create(CultureInfo.InvariantCulture, $"unix://{login}{UnixSocket}?db={Database}");
        }

        string host = Host.Contains(':') ? $"[{Host}]" : Host;
        return string.Create(CultureInfo.InvariantCulture, $"{(Tls ? "rediss" : "redis")}://{login}{host}:{Port}/{Database}");
    }

    private static (string? User, string? Password) SplitUser(ReadOnlySpan<char> login)
    {
        int colon = login.IndexOf(':');
        string user = Uri.UnescapeDataString(colon < 0 ? login : login[..colon]);
        string? password = colon < 0 ? null : Uri.UnescapeDataString(login[(colon + 1)..]);
        return (user.Length == 0 ? null : user, string.IsNullOrEmpty(password) ? null : password);
    }
}
