using System.Net;
using System.Net.Sockets;
using SinGateway.Sessions;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests.Sessions;

public sealed class RedisConnectionTests
{
    private readonly RecordingLogger _logger = new();

    [Test]
    public async Task A_Redis_Cluster_is_refused()
    {
        await using RedisServer server = await RedisServer.StartClusterAsync();
        await Assert.That(async () => { await RedisConnection.OpenAsync(server.Dsn, _logger); }).Throws<RedisClusterException>();
    }

    [Test]
    public async Task Redis_away_at_start_is_a_warning()
    {
        RedisDsn nowhere = new() { UnixSocket = "/does/not/exist.sock", Password = "hunter2" };
        await using RedisConnection connection = await RedisConnection.OpenAsync(nowhere, _logger);
        await Assert.That(connection.IsConnected).IsFalse();
        await Assert.That(_logger.Entries.First()).StartsWith("Warning Redis at /does/not/exist.sock is away");
        await Assert.That(string.Concat(_logger.Entries)).DoesNotContain("hunter2");
    }

    [Test]
    public async Task A_Redis_that_refuses_the_connection_at_the_start_is_said_as_such()
    {
        // Bound, so that nobody else listens there.
        using Socket silent = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        int port = ((IPEndPoint)silent.LocalEndPoint!).Port;
        await using RedisConnection connection = await RedisConnection.OpenAsync(new RedisDsn { Host = "127.0.0.1", Port = port }, _logger);
        await Assert.That(_logger.Entries.First()).IsEqualTo($"Warning Redis at 127.0.0.1:{port} is away: Connection refused");
    }

    [Test]
    public async Task The_password_and_database_of_the_DSN_are_used()
    {
        await using RedisServer server = await RedisServer.StartAsync("--requirepass", "hunter2");
        await using RedisConnection connection = await RedisConnection.OpenAsync(new RedisDsn { UnixSocket = server.Dsn.UnixSocket, Password = "hunter2", Database = 5 }, _logger);
        await Assert.That(connection.IsConnected).IsTrue();
        await Assert.That(connection.Database.Database).IsEqualTo(5);
    }

    [Test]
    public async Task A_refusal_is_told_by_its_code_alone()
    {
        await using RedisServer server = await RedisServer.StartAsync("--maxmemory", "1");
        await using RedisConnection connection = await RedisConnection.OpenAsync(server.Dsn, _logger);
        await Assert.That(async () => { await connection.DoAsync(database => database.StringSetAsync("key", "value"), default); })
            .Throws<IOException>().WithMessageContaining("refused: OOM");
    }

    [Test]
    public async Task A_replica_is_refused()
    {
        await using RedisServer server = await RedisServer.StartAsync("--replicaof", "127.0.0.1 1");
        await using RedisConnection connection = await RedisConnection.OpenAsync(server.Dsn, _logger);
        RedisSessionStore store = new(connection, "", new RedisLeases(connection, "", "1"), new LeaseToken(0, 1, "1:o:1:h"));
        await Assert.That(async () => await store.SaveAsync(new SessionRecord[1], default)).Throws<IOException>();
    }
}
