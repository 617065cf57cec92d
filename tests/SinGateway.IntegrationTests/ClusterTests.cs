using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>
/// The configuration in the README of the Python program that this one replaces, in YAML and JSON, run as it says: two clusters of four
/// shards, sessions in Redis.
/// </summary>
[ParallelLimiter<FewAtATime>]
internal sealed class ClusterTests
{
    private const int Shards = 8;
    private const int Guilds = 5;
    private const string Sandbox = "--shards 8 --max-concurrency 8 --guilds 5";

    private const string PythonReadme = """
        token: "YOUR_BOT_TOKEN"
        redisDSN: "redis://localhost"
        singyeongDSN: "singyeong://gateway@localhost:4567"
        loggingLevel: "INFO"
        intents: 513
        clustering:
          enabled: true
          clusterCount: 2  # How many clusters?
          clusterShards: 4  # How many shards per cluster?
        forwarding:
          - type: "send"
            target:
              application: "worker"
              ops:
                - path: "/events"
                  op: "$in"
                  to:
                    value: "{{EVENT}}"
            events:
              - "READY"
              - "GUILD_CREATE"
              - "MESSAGE_CREATE"
              - "MESSAGE_UPDATE"

        """;

    private const string PythonJson = """
        {
          "token": "YOUR_BOT_TOKEN",
          "redisDSN": "redis://localhost",
          "singyeongDSN": "singyeong://gateway@localhost:4567",
          "loggingLevel": "INFO",
          "intents": 513,
          "clustering": {
            "enabled": true,
            "clusterCount": 2,
            "clusterShards": 4
          },
          "forwarding": [
            {
              "type": "send",
              "target": {
                "application": "worker",
                "ops": [{ "path": "/events", "op": "$in", "to": { "value": "{{EVENT}}" } }]
              },
              "events": ["READY", "GUILD_CREATE", "MESSAGE_CREATE", "MESSAGE_UPDATE"]
            }
          ]
        }

        """;

    private static readonly string[] Events = ["READY", "GUILD_CREATE", "MESSAGE_CREATE", "MESSAGE_UPDATE"];

    [Test]
    [Arguments(PythonReadme)]
    [Arguments(PythonJson)]
    public async Task Two_clusters_of_the_Python_configuration_deliver_to_a_worker_and_resume_after_a_restart(string python)
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox);
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        WorkerClient worker = scenario.Owned(await WorkerClient.ConnectAsync(scenario.Sandbox, Events));
        string configuration = Localized(python, scenario, redis);

        GatewayProcess first = scenario.StartGateway(configuration, "--cluster", "0");
        await scenario.HoldsAsync(statistics => Connected(statistics) is [0, 1, 2, 3], "cluster 0 runs shards 0 to 3");
        GatewayProcess second = scenario.StartGateway(configuration, "--cluster", "1");
        await scenario.HoldsAsync(statistics => statistics.Discord.IsConnected(Shards), "cluster 1 runs shards 4 to 7");
        await scenario.Sandbox.BurstAsync(100);
        await Eventually.HoldsAsync(
            () => worker.Count("MESSAGE_CREATE") == 100 * Shards && worker.Count("GUILD_CREATE") == Guilds * Shards && worker.Count("READY") == Shards,
            "the worker gets what it lists", () => worker.Explain);
        await Assert.That(worker.Shards).IsEquivalentTo(Enumerable.Range(0, Shards));
        await StoredAsync(scenario, redis);

        foreach (GatewayProcess gateway in (GatewayProcess[])[first, second])
        {
            await Assert.That(await gateway.TerminateAsync()).IsEqualTo(0);
        }
        await scenario.Sandbox.BurstAsync(100);
        scenario.StartGateway(configuration, "--cluster", "1");
        scenario.StartGateway(configuration, "--cluster", "0");
        await Eventually.HoldsAsync(
            () => worker.Count("MESSAGE_CREATE") == 200 * Shards, "what happened in between is delivered", () => $"{worker.Explain}\n{scenario.Tails}");

        SandboxStatistics end = await scenario.Sandbox.StatisticsAsync();
        await Assert.That(end.Discord.Identifies).IsEqualTo(Shards);
        await Assert.That(end.Discord.ResumesOk).IsEqualTo(Shards);
        await Assert.That(end.Discord.ResumesOnResumeUrl).IsEqualTo(Shards);
        await Assert.That(end.Discord.Violations).IsEmpty();
        await Assert.That(worker.Disorder).IsEqualTo(0);
    }

    [Test]
    [Arguments(PythonReadme)]
    [Arguments(PythonJson)]
    public async Task A_session_that_the_Python_program_wrote_is_resumed(string python)
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox);
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        WorkerClient worker = scenario.Owned(await WorkerClient.ConnectAsync(scenario.Sandbox, Events));
        string configuration = Localized(python, scenario, redis);
        scenario.StartGateway(configuration, "--cluster", "0");
        await scenario.HoldsAsync(statistics => statistics.Discord.IsConnected(4), "cluster 0 is ready");
        await scenario.Sandbox.BurstAsync(50);
        await Eventually.HoldsAsync(() => worker.Count("MESSAGE_CREATE") == 50 * 4, "the worker gets the first messages", () => worker.Explain);
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);

        string[] pythons = [.. Enumerable.Range(0, 4).SelectMany(shard => (string[])[$"shard:{shard}:session_id", $"shard:{shard}:seq"])];
        foreach (string key in redis.Keys.Except(pythons))
        {
            redis.Database.KeyDelete(key);
        }

        // time.time() * 1000 is a float, and so is what is computed from it.
        for (int shard = 0; shard < 4; shard++)
        {
            redis.Database.StringSet($"shard:{shard}:last_heartbeat", "1764120000123.4567");
            redis.Database.StringSet($"shard:{shard}:last_heartbeat_ack", "1764120000164.9876");
            redis.Database.StringSet($"shard:{shard}:latency", "41.53088569641113");
        }
        scenario.StartGateway(configuration, "--cluster", "0");
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk == 4 && statistics.Discord.IsConnected(4), "all four shards resume");
        await scenario.Sandbox.BurstAsync(50);
        await Eventually.HoldsAsync(() => worker.Count("MESSAGE_CREATE") == 100 * 4, "the worker gets the rest", () => worker.Explain);

        SandboxStatistics end = await scenario.Sandbox.StatisticsAsync();
        await Assert.That(end.Discord.Identifies).IsEqualTo(4);
        await Assert.That(end.Discord.ResumesOnBaseUrl).IsEqualTo(4);
        await Assert.That(worker.Disorder).IsEqualTo(0);
    }

    [Test]
    public async Task Sessions_are_kept_over_TLS_with_a_user_a_password_and_a_database()
    {
        await using Scenario scenario = await Scenario.StartAsync("--shards 1");
        string certificate = scenario.File("redis.crt"), key = scenario.File("redis.key");
        WriteCertificate(certificate, key);
        int port = FreePort();
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync(
            "--bind", "127.0.0.1", "--tls-port", $"{port}", "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate,
            "--tls-auth-clients", "no", "--user", "bot", "on", ">a-secret-word", "~*", "&*", "+@all"));
        scenario.Environment["SSL_CERT_FILE"] = certificate;
        GatewayProcess gateway = scenario.StartGateway(
            (scenario.Config with { RedisDsn = $"rediss://bot:a-secret-word@127.0.0.1:{port}/3", LoggingLevel = "DEBUG" }).ToYaml(scenario.Sandbox));
        await scenario.HoldsAsync(statistics => statistics.Discord.IsConnected(1), "the shard is ready");
        await Eventually.HoldsAsync(
            () => redis.Connection.GetDatabase(3).StringGet("shard:0:session_id").HasValue, "the session is in database 3", () => scenario.Tails);
        await Assert.That(await gateway.TerminateAsync()).IsEqualTo(0);
        await Assert.That(gateway.Errors).DoesNotContain("a-secret-word");
    }

    [Test]
    public async Task Keys_stand_behind_the_configured_prefix()
    {
        await using Scenario scenario = await Scenario.StartAsync("--shards 1");
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        GatewayConfig config = new() { RedisDsn = redis.Dsn, More = "redisPrefix: \"my-bot:\"" };
        scenario.StartGateway(config.ToYaml(scenario.Sandbox));
        await scenario.HoldsAsync(statistics => statistics.Discord.IsConnected(1), "the shard is ready");
        await Eventually.HoldsAsync(() => redis.Get("my-bot:shard:0:session_id") is not null, "the session is stored", () => scenario.Tails);

        await Assert.That(redis.Keys.Where(key => !key.StartsWith("my-bot:", StringComparison.Ordinal))).IsEmpty();
    }

    [Test]
    public async Task Nothing_is_lost_when_Redis_goes_away_and_comes_back()
    {
        await using Scenario scenario = await Scenario.StartAsync("--shards 1");
        RedisServer redis = scenario.Owned(await RedisServer.StartAsync());
        scenario.StartGateway((scenario.Config with { RedisDsn = redis.Dsn }).ToYaml(scenario.Sandbox));
        await scenario.HoldsAsync(statistics => statistics.Discord.IsConnected(1), "the shard is ready");
        await scenario.Sandbox.BurstAsync(100);
        await scenario.EverythingArrivesAsync(100);
        await Eventually.HoldsAsync(() => redis.Get("shard:0:session_id") is not null, "the session is stored", () => scenario.Tails);

        await redis.RestartAsync();
        await scenario.Sandbox.BurstAsync(100);
        await scenario.EverythingArrivesAsync(200);
        string session = (await scenario.Sandbox.StatisticsAsync()).Discord.Shards[0].Session;
        await Eventually.HoldsAsync(
            () => redis.Get("shard:0:session_id") == session && long.Parse(redis.Get("shard:0:seq")!, CultureInfo.InvariantCulture) >= 200,
            "all of the session is stored again", () => scenario.Tails);
        await scenario.Gateway.KillAsync();
        scenario.StartGateway((scenario.Config with { RedisDsn = redis.Dsn }).ToYaml(scenario.Sandbox));
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk == 1, "the shard resumes");

        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Discord.Identifies).IsEqualTo(1);
    }

    /// <summary>The Python program's configuration, with the sandbox in place of the addresses.</summary>
    private static string Localized(string python, Scenario scenario, RedisServer redis)
    {
        string localized = python
            .Replace("redis://localhost", redis.Dsn, StringComparison.Ordinal)
            .Replace("localhost:4567", scenario.Sandbox.SingyeongEndpoint, StringComparison.Ordinal);
        string discord = $"\"apiBaseURL\": \"{scenario.Sandbox.ApiUrl}\"";
        return localized.StartsWith('{') ? $"{{ \"discord\": {{ {discord} }},{localized[1..]}" : $"{localized}discord: {{ {discord} }}\n";
    }

    private static int FreePort()
    {
        using TcpListener free = new(IPAddress.Loopback, 0);
        free.Start();
        return ((IPEndPoint)free.LocalEndpoint).Port;
    }

    private static void WriteCertificate(string certificateFile, string keyFile)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=redis of a test", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
    }

    private static int[] Connected(SandboxStatistics statistics) => [.. statistics.Discord.Shards.Where(shard => shard.Connected).Select(shard => shard.Shard)];

    /// <summary>Every shard's keys have the names and formats that the Python program and the contract know.</summary>
    private static async Task StoredAsync(Scenario scenario, RedisServer redis)
    {
        foreach (ShardStatistics shard in (await scenario.Sandbox.StatisticsAsync()).Discord.Shards)
        {
            string prefix = $"shard:{shard.Shard}";
            await Eventually.HoldsAsync(
                () => redis.Get($"{prefix}:seq") == shard.Seq.ToString(CultureInfo.InvariantCulture), $"{prefix}:seq is {shard.Seq}",
                () => $"{redis.Get($"{prefix}:seq")}\n{scenario.Tails}");
            await Assert.That(redis.Get($"{prefix}:session_id")).IsEqualTo(shard.Session);
            await Assert.That(redis.Get($"{prefix}:shard_count")).IsEqualTo("8");
            await Assert.That(redis.Get($"{prefix}:resume_url")).EndsWith($"/resume/{shard.Shard}");
        }
    }
}
