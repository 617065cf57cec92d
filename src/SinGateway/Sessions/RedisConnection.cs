using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace SinGateway.Sessions;

/// <summary>
/// The process' one connection to Redis, shared by everything that keeps state there. It reconnects by itself; what is asked of it
/// meanwhile fails at once instead of queueing up.
/// </summary>
internal sealed partial class RedisConnection : IAsyncDisposable
{
    private const int TimeoutMilliseconds = 3000;
    private const string WrongPassword = "it refused the user or password of redisDSN";

    /// <summary>How often, and how far apart, the reason of a failed start is looked for: over two tries to connect.</summary>
    private const int ReasonLooks = 20;

    private static readonly TimeSpan ReasonPeriod = TimeSpan.FromMilliseconds(100);

    private readonly ConnectionMultiplexer _multiplexer;
    private readonly CertificateCheck _certificate;
    private readonly ILogger _logger;
    private readonly string _name;
    private bool _isOnePrimary;
    private string? _refusal;

    private RedisConnection(ConnectionMultiplexer multiplexer, RedisDsn dsn, CertificateCheck certificate, ILogger logger)
    {
        _certificate = certificate;
        _multiplexer = multiplexer;
        _logger = logger;
        _name = NameOf(dsn);
        Database = multiplexer.GetDatabase();
        multiplexer.ConnectionRestored += OnRestored;
        multiplexer.ConnectionFailed += OnFailed;
    }

    /// <summary>Raised on a pool thread each time Redis is back, perhaps without its data (G20: write everything again).</summary>
    public event Action? Reconnected;

    public IDatabase Database { get; }

    public bool IsConnected => _multiplexer.IsConnected;

    /// <summary>
    /// Returns within a few seconds, connected or not: Redis may come later. Throws <see cref="RedisClusterException"/> when it is a
    /// cluster.
    /// </summary>
    public static async Task<RedisConnection> OpenAsync(RedisDsn dsn, ILogger logger)
    {
        ConfigurationOptions options = OptionsFor(dsn);
        var certificate = new CertificateCheck();
        options.CertificateValidation += certificate.Check;
        ConnectionMultiplexer multiplexer = await ConnectionMultiplexer.ConnectAsync(options).ConfigureAwait(false);
        RedisConnection connection = new(multiplexer, dsn, certificate, logger);
        if (!multiplexer.IsConnected)
        {
            LogAway(logger, connection._name, await connection.ReasonOfAbsenceAsync().ConfigureAwait(false));
        }

        try
        {
            connection.RefuseCluster();
        }
        catch (RedisClusterException)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        return connection;
    }

    /// <summary>The client's options for <paramref name="dsn"/>.</summary>
    public static ConfigurationOptions OptionsFor(RedisDsn dsn) => new()
    {
        EndPoints = { EndPointOf(dsn) },
        User = dsn.User,
        Password = dsn.Password,
        DefaultDatabase = dsn.Database,
        Ssl = dsn.Tls,
        SslHost = dsn.Tls ? dsn.Host : null,
        ClientName = "singateway",
        AbortOnConnectFail = false,
        ConnectRetry = 1,
        ConnectTimeout = TimeoutMilliseconds,
        AsyncTimeout = TimeoutMilliseconds,
        SyncTimeout = TimeoutMilliseconds,

        // Often enough that the holder of a lease is back before 8 s of its absence have passed (G18).
        ReconnectRetryPolicy = new ExponentialRetry(500, 1500),

        // A commit that waited in a queue would be written late, over a newer owner's.
        BacklogPolicy = BacklogPolicy.FailFast,

        // RESP3 needs no second connection for messages, and one primary no configuration channel.
        Protocol = RedisProtocol.Resp3,
        TieBreaker = "",
        ConfigurationChannel = "",
        IncludeDetailInExceptions = false,
    };

    /// <summary>
    /// Does <paramref name="operation"/> with bounded time, and says every failure of Redis as an <see cref="IOException"/> for the
    /// operator.
    /// </summary>
    public async Task<T> DoAsync<T>(Func<IDatabase, Task<T>> operation, CancellationToken cancellationToken)
    {
        RefuseCluster();
        try
        {
            return await operation(Database).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (RedisServerException e)
        {
            // The first word is Redis' error code; the rest may quote what was sent.
            throw new IOException($"Redis at {_name} refused: {e.Message.Split(' ')[0]}", e);
        }
        catch (Exception e) when (e is RedisException or RedisCommandException or TimeoutException or ObjectDisposedException)
        {
            throw new IOException(RefusalIn(e) is { } refusal ? $"Redis at {_name} is away: {refusal}" : $"Redis at {_name} is out of reach", e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _multiplexer.ConnectionRestored -= OnRestored;
        _multiplexer.ConnectionFailed -= OnFailed;
        await _multiplexer.DisposeAsync().ConfigureAwait(false);
    }

    private static EndPoint EndPointOf(RedisDsn dsn)
    {
        if (dsn.UnixSocket is not null)
        {
            return new UnixDomainSocketEndPoint(dsn.UnixSocket);
        }

        return IPAddress.TryParse(dsn.Host, out IPAddress? address) ? new IPEndPoint(address, dsn.Port) : new DnsEndPoint(dsn.Host, dsn.Port);
    }

    private static string NameOf(RedisDsn dsn) => dsn.UnixSocket ?? $"{dsn.Host}:{dsn.Port}";

    // The tuples and permits of a cluster would lie on several nodes, which no script can write in one step (G20).
    private void RefuseCluster()
    {
        if (!Volatile.Read(ref _isOnePrimary) && _multiplexer.IsConnected)
        {
            bool cluster = _multiplexer.GetServers().Any(server => server.IsConnected && server.ServerType == ServerType.Cluster);
            _refusal = cluster ? $"Redis at {_name} is a Redis Cluster, which is not supported; set redisDSN to a single primary" : null;
            Volatile.Write(ref _isOnePrimary, !cluster);
        }

        if (_refusal is not null)
        {
            throw new RedisClusterException(_refusal);
        }
    }

    private void OnRestored(object? sender, ConnectionFailedEventArgs e)
    {
        if (e.ConnectionType == ConnectionType.Interactive)
        {
            Volatile.Write(ref _isOnePrimary, false);
            LogBack(_logger, _name);
            Reconnected?.Invoke();
        }
    }

    private void OnFailed(object? sender, ConnectionFailedEventArgs e)
    {
        if (e.ConnectionType == ConnectionType.Interactive)
        {
            LogAway(_logger, _name, RefusalIn(e.Exception) ?? SocketErrorIn(e.Exception)?.Message ?? e.FailureType.ToString());
        }
    }

    /// <summary>Why the first connection failed, which no event tells, and the client itself only between two tries.</summary>
    private async Task<string> ReasonOfAbsenceAsync()
    {
        string reason = "it did not answer";
        for (int look = 0; look < ReasonLooks; look++)
        {
            try
            {
                await Database.PingAsync().ConfigureAwait(false);
                return "it was slow to answer";
            }
            catch (Exception e) when (e is RedisException or RedisCommandException or TimeoutException)
            {
                if (RefusalIn(e) is { } refusal)
                {
                    return refusal;
                }

                if (SocketErrorIn(e) is { } error)
                {
                    reason = error.Message;
                    if (error.SocketErrorCode == SocketError.ConnectionRefused)
                    {
                        // Nobody is there who might say more.
                        return reason;
                    }
                }
            }

            await Task.Delay(ReasonPeriod).ConfigureAwait(false);
        }

        return reason;
    }

    /// <summary>What the operator must change, when <paramref name="failure"/> or a cause of it says so; null when Redis is merely away.</summary>
    private string? RefusalIn(Exception? failure) => failure switch
    {
        null => null,
        _ when _certificate.WasRefused => "its certificate is not trusted for the host that redisDSN names (SSL_CERT_FILE can name the authority's)",
        AggregateException several => several.InnerExceptions.Select(RefusalIn).FirstOrDefault(refusal => refusal is not null),
        RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure } => WrongPassword,
        RedisServerException { Message: var message } when message.StartsWith("WRONGPASS", StringComparison.Ordinal) || message.StartsWith("NOAUTH", StringComparison.Ordinal) =>
            WrongPassword,
        // The client's own words, where it may read how many there are; else those of Redis.
        { Message: var message } when message.StartsWith("The database does not exist", StringComparison.Ordinal)
            || message.Contains("DB index is out of range", StringComparison.Ordinal) =>
            $"it has no database {Database.Database}, which redisDSN names",
        _ => RefusalIn(failure.InnerException),
    };

    /// <summary>The system's word in <paramref name="failure"/> or a cause of it; null without one.</summary>
    private static SocketException? SocketErrorIn(Exception? failure) => failure switch
    {
        null => null,
        SocketException error => error,
        AggregateException several => several.InnerExceptions.Select(SocketErrorIn).FirstOrDefault(error => error is not null),
        _ => SocketErrorIn(failure.InnerException),
    };

    /// <summary>Trusts as the system does, and remembers its last verdict: the client calls a bad certificate and a bad password by one name.</summary>
    private sealed class CertificateCheck
    {
        private volatile bool _wasRefused;

        public bool WasRefused => _wasRefused;

        public bool Check(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
        {
            _wasRefused = errors != SslPolicyErrors.None;
            return !_wasRefused;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Redis at {Name} is away: {Reason}")]
    private static partial void LogAway(ILogger logger, string name, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Redis at {Name} is back")]
    private static partial void LogBack(ILogger logger, string name);
}

/// <summary>The server is a Redis Cluster: a configuration error.</summary>
internal sealed class RedisClusterException(string message) : IOException(message);
