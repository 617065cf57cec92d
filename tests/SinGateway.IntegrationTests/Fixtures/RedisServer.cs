using StackExchange.Redis;

namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>A real redis-server of one test's own, on a unix socket, without persistence.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory;
    private readonly ChildProcess _process;
    private readonly ConnectionMultiplexer _connection;

    private RedisServer(TemporaryDirectory directory, ChildProcess process, ConnectionMultiplexer connection)
    {
        _directory = directory;
        _process = process;
        _connection = connection;
    }

    /// <summary>What a configuration's redisDSN says.</summary>
    public string Dsn => $"unix://{SocketOf(_directory)}";

    public IDatabase Database => _connection.GetDatabase();

    public string[] Keys => [.. _connection.GetServers()[0].Keys().Select(key => key.ToString()).Order(StringComparer.Ordinal)];

    public static async Task<RedisServer> StartAsync()
    {
        TemporaryDirectory directory = new();
        ChildProcess process = ChildProcess.Start(
            "redis-server", ["--port", "0", "--unixsocket", SocketOf(directory), "--save", "", "--appendonly", "no"], directory.Path);
        try
        {
            await Eventually.HoldsAsync(
                () => File.Exists(SocketOf(directory)) || (process.HasExited ? throw new InvalidOperationException($"no redis-server:\n{process.Output}") : false),
                "redis-server listens",
                () => process.Output);
            ConnectionMultiplexer connection = await ConnectionMultiplexer.ConnectAsync($"unix:{SocketOf(directory)}");
            return new RedisServer(directory, process, connection);
        }
        catch
        {
            await process.DisposeAsync();
            directory.Dispose();
            throw;
        }
    }

    public string? Get(string key) => Database.StringGet(key);

    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        await _process.DisposeAsync();
        _directory.Dispose();
    }

    private static string SocketOf(TemporaryDirectory directory) => directory.File("redis.sock");
}
