using System.Net;
using System.Net.Sockets;
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

    private readonly ConnectionMultiplexer _multiplexer;
    private readonly ILogger _logger;
    private readonly string _name;
    private bool _isOnePrimary;
    private string? _refusal;

    private RedisConnection(ConnectionMultiplexer multiplexer, RedisDsn dsn, ILogger logger)
    {
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
        ConnectionMultiplexer multiplexer = await ConnectionMultiplexer.ConnectAsync(OptionsFor(dsn)).ConfigureAwait(false);
        RedisConnection connection = new(multiplexer, dsn, logger);
        if (!multiplexer.IsConnected)
        {
            LogAway(logger, connection._name, "it did not answer");
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
            throw new IOException($"Redis at {_name} is out of reach", e);
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
            string reason = e.FailureType == ConnectionFailureType.AuthenticationFailure
                ? "it refused the user or password of redisDSN"
                : e.FailureType.ToString();
            LogAway(_logger, _name, reason);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Redis at {Name} is away: {Reason}")]
    private static partial void LogAway(ILogger logger, string name, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Redis at {Name} is back")]
    private static partial void LogBack(ILogger logger, string name);
}

/// <summary>The server is a Redis Cluster: a configuration error.</summary>
internal sealed class RedisClusterException(string message) : IOException(message);
