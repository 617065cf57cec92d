using System.Net.Sockets;
using StackExchange.Redis;

namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>A real redis-server of one test's own, on a unix socket, without persistence unless asked for.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private string[] _arguments = [];
    private readonly string? _password;
    private ChildProcess? _process;
    private ConnectionMultiplexer? _connection;

    private RedisServer(string? password) => _password = password;

    /// <summary>What a configuration's redisDSN says.</summary>
    public string Dsn => _password is null ? $"unix://{Socket}" : $"unix://:{Uri.EscapeDataString(_password)}@{Socket}";

    public ConnectionMultiplexer Connection => _connection!;

    public IDatabase Database => _connection!.GetDatabase();

    public string[] Keys => [.. _connection!.GetServers()[0].Keys().Select(key => key.ToString()).Order(StringComparer.Ordinal)];

    private string[] PasswordArguments => _password is null ? [] : ["--requirepass", _password];

    private string Socket => _directory.File("redis.sock");

    /// <param name="arguments">Added to the command line, such as <c>--appendonly yes</c>.</param>
    public static Task<RedisServer> StartAsync(params string[] arguments) => StartAsync(null, arguments);

    /// <param name="password">That clients must give.</param>
    public static Task<RedisServer> StartWithPasswordAsync(string password) => StartAsync(password, []);

    private static async Task<RedisServer> StartAsync(string? password, string[] arguments)
    {
        RedisServer redis = new(password) { _arguments = arguments };
        try
        {
            await redis.RunAsync();
            return redis;
        }
        catch
        {
            await redis.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends it, and starts it again with nothing in it, unless it was told to keep what it has.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        await RunAsync();
    }

    public string? Get(string key) => Database.StringGet(key);

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _directory.Dispose();
    }

    /// <summary>Starts it, after <see cref="StopAsync"/> again with nothing in it.</summary>
    public async Task RunAsync()
    {
        ChildProcess process = _process = ChildProcess.Start(
            "redis-server", ["--port", "0", "--unixsocket", Socket, "--save", "", "--appendonly", "no", .. PasswordArguments, .. _arguments], _directory.Path);
        await Eventually.HoldsAsync(
            () => process.HasExited
                ? throw new InvalidOperationException($"no redis-server:\n{process.Output}")
                : process.Output.Contains("Ready to accept connections", StringComparison.OrdinalIgnoreCase),
            "redis-server listens",
            () => process.Output);
        int patience = (int)Eventually.Deadline.TotalMilliseconds;
        _connection = await ConnectionMultiplexer.ConnectAsync(new ConfigurationOptions
        {
            EndPoints = { new UnixDomainSocketEndPoint(Socket) },
            Password = _password,
            ConnectTimeout = patience,
            SyncTimeout = patience,
            AsyncTimeout = patience,
        });
    }

    /// <summary>Kills it.</summary>
    public async Task StopAsync()
    {
        if (_connection is { } connection)
        {
            _connection = null;
            await connection.DisposeAsync();
        }
        if (_process is { } process)
        {
            _process = null;
            await process.DisposeAsync();
            File.Delete(Socket);
        }
    }
}
