using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using SinGateway.Sessions;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests.Sessions;

/// <summary>Every option of <c>redisDSN</c> against a real redis-server that asks for it.</summary>
public sealed class RedisOptionsTests : IDisposable
{
    private const string Password = "a pass:w@rd/?#";
    private const string Encoded = "a%20pass%3Aw%40rd%2F%3F%23";

    private readonly TemporaryDirectory _directory = new();
    private readonly RecordingLogger _logger = new();

    public void Dispose() => _directory.Dispose();

    [Test]
    [Arguments($"unix://:{Encoded}@SOCKET?db=3", "default", 3)]
    [Arguments($"unix://:{Password}@SOCKET", "default", 0)]
    [Arguments("unix://bot:its-own@SOCKET?db=2", "bot", 2)]
    public async Task Password_user_and_database_over_a_socket(string text, string user, int database)
    {
        await using RedisServer server = await RedisServer.StartAsync("--requirepass", Password, "--user", "bot", "on", ">its-own", "~*", "&*", "+@all");
        await using RedisConnection connection = await OpenAsync(text.Replace("SOCKET", server.Dsn.UnixSocket, StringComparison.Ordinal));
        await ShowsAsync(connection, user, database);
    }

    [Test]
    public async Task Password_user_and_database_over_TCP()
    {
        (RedisServer server, int port) = await OnPortAsync(port => ["--port", $"{port}", "--requirepass", Password, "--user", "bot", "on", ">its-own", "~*", "&*", "+@all"]);
        await using RedisServer owned = server;
        await using RedisConnection plain = await OpenAsync($"redis://:{Encoded}@127.0.0.1:{port}/3");
        await ShowsAsync(plain, "default", 3);
        await using RedisConnection named = await OpenAsync($"redis://bot:its-own@localhost:{port}/2");
        await ShowsAsync(named, "bot", 2);
    }

    /// <summary>What the README tells whoever gives the gateway a user of its own.</summary>
    [Test]
    public async Task A_user_with_the_rights_that_the_README_names_can_do_all_that_is_done()
    {
        await using RedisServer server = await RedisServer.StartAsync("--user", "bot", "on", ">its-own", "~p:*", "+@read", "+@write", "+@scripting", "+@connection", "+info", "+time");
        await using RedisConnection connection = await OpenAsync($"unix://bot:its-own@{server.Dsn.UnixSocket}");
        RedisLeases leases = new(connection, "p:", "1");
        LeaseLook look = await leases.LookAsync([0], default);
        LeaseToken token = (await leases.TakeAsync(0, look.RunId, look.Leases[0], "o:1:h", default))!;
        await leases.RenewAsync(token, default);
        RedisSessionStore store = new(connection, "p:", leases, token);
        await store.SaveAsync(new SessionRecord[] { new() { ShardId = 0, SessionId = "s", Seq = 1 } }, default);
        await Assert.That((await store.LoadAsync(0, 1, default)).Single().Seq).IsEqualTo(1);
        await leases.VacateAsync(token, default);
        await Assert.That((await leases.LookAsync([0], default)).Leases[0].IsVacated).IsTrue();
    }

    [Test]
    public async Task A_wrong_password_is_said_as_such_and_not_repeated()
    {
        await using RedisServer server = await RedisServer.StartAsync("--requirepass", "right");
        await using RedisConnection connection = await OpenAsync($"unix://:hunter2@{server.Dsn.UnixSocket}");
        await Assert.That(connection.IsConnected).IsFalse();
        IOException? refusal = await Assert.That(async () => { await connection.DoAsync(database => database.PingAsync(), default); }).Throws<IOException>();
        string said = $"{refusal!.Message}\n{string.Join('\n', _logger.Entries)}";
        await Assert.That(said).Contains("refused the user or password of redisDSN").And.DoesNotContain("hunter2");
    }

    [Test]
    public async Task A_database_that_Redis_does_not_have_is_said_as_such()
    {
        await using RedisServer server = await RedisServer.StartAsync("--databases", "4");
        await using RedisConnection connection = await OpenAsync($"unix://{server.Dsn.UnixSocket}?db=4");
        IOException? refusal = await Assert.That(async () => { await connection.DoAsync(database => database.StringGetAsync("key"), default); }).Throws<IOException>();
        await Assert.That($"{refusal!.Message}\n{string.Join('\n', _logger.Entries)}").Contains("database 4");
    }

    [Test]
    public async Task A_certificate_that_nobody_vouches_for_is_said_as_such()
    {
        (string certificate, string key) = MakeCertificate();
        (RedisServer server, int port) = await OnPortAsync(port =>
            ["--tls-port", $"{port}", "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate, "--tls-auth-clients", "no"]);
        await using RedisServer owned = server;
        await using RedisConnection connection = await OpenAsync($"rediss://127.0.0.1:{port}");
        await Assert.That(connection.IsConnected).IsFalse();
        await Assert.That(string.Join('\n', _logger.Entries)).Contains("certificate");
    }

    private async Task<RedisConnection> OpenAsync(string text)
    {
        await Assert.That(RedisDsn.TryParse(text, out RedisDsn? dsn, out string error)).IsTrue().Because(error);
        return await RedisConnection.OpenAsync(dsn!, _logger);
    }

    private static async Task ShowsAsync(RedisConnection connection, string user, int database)
    {
        string answer = await connection.DoAsync(
            async redis => $"{await redis.ExecuteAsync("ACL", "WHOAMI")} {redis.Database}", default);
        await Assert.That(answer).IsEqualTo($"{user} {database}");
        await connection.DoAsync(redis => redis.StringSetAsync("key", "value"), default);
        string keyspace = await connection.DoAsync(async redis => $"{await redis.ScriptEvaluateAsync("return redis.call('INFO', 'keyspace')")}", default);
        await Assert.That(keyspace).Contains($"db{database}:");
    }

    private static async Task<(RedisServer Server, int Port)> OnPortAsync(Func<int, string[]> arguments)
    {
        while (true)
        {
            using TcpListener free = new(IPAddress.Loopback, 0);
            free.Start();
            int port = ((IPEndPoint)free.LocalEndpoint).Port;
            free.Stop();
            try
            {
                return (await RedisServer.StartAsync(["--bind", "127.0.0.1", .. arguments(port)]), port);
            }
            catch (InvalidOperationException) when (RedisServer.IsTaken(port))
            {
            }
        }
    }

    private (string Certificate, string Key) MakeCertificate()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(_directory.File("redis.crt"), certificate.ExportCertificatePem());
        File.WriteAllText(_directory.File("redis.key"), key.ExportPkcs8PrivateKeyPem());
        return (_directory.File("redis.crt"), _directory.File("redis.key"));
    }
}
