using System.Text;
using Microsoft.Extensions.Logging;
using SinGateway.Configuration;
using SinGateway.Discord;
using SinGateway.Forwarding;

namespace SinGateway.Tests.Configuration;

public sealed class ConfigurationFileTests
{
    /// <summary>As users of the Python program have it: must load without edits.</summary>
    private const string PythonExample = """
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

    [Test]
    [Arguments("outbox: 32MiB", "Drop")]
    [Arguments("whenFull: drop", "Drop")]
    [Arguments("whenFull: close", "Close")]
    public async Task A_full_outbox_drops_or_closes(string key, string expected) =>
        await Assert.That(Sample.Load(Sample.With(7, $"singyeong: {{{key}}}")).Configuration!.WhenFull.ToString()).IsEqualTo(expected);

    [Test]
    public async Task The_example_of_the_Python_program_loads_with_one_warning()
    {
        ConfigurationResult result = Sample.Load(PythonExample);

        await Assert.That(result.Errors).IsEmpty();
        await Assert.That(string.Join('\n', result.Warnings)).IsEqualTo(
            "config.yaml:16:15: forwarding[0].target.ops[0].op: $in with a single value can only mean $contains, and is sent as that. Write $contains.");
        GatewayConfiguration configuration = result.Configuration!;
        await Assert.That(configuration.Token).IsEqualTo("YOUR_BOT_TOKEN");
        await Assert.That(configuration.Redis!.Host).IsEqualTo("localhost");
        await Assert.That(configuration.Singyeong.Port).IsEqualTo(4567);
        await Assert.That(configuration.LoggingLevel).IsEqualTo(LogLevel.Information);
        await Assert.That(configuration.Intents).IsEqualTo(513);
        await Assert.That(configuration.Clustering).IsEqualTo(new ClusteringOptions(2, 4));
        ForwardingRule rule = configuration.Forwarding[0];
        await Assert.That(rule.Kind).IsEqualTo(DispatchKind.Send);
        await Assert.That(string.Join(' ', rule.Events)).IsEqualTo("READY GUILD_CREATE MESSAGE_CREATE MESSAGE_UPDATE");
        await Assert.That(rule.Target.HasOps).IsTrue();
        await Assert.That(rule.Target.ToString()).IsEqualTo(
            """{"application":"worker","ops":[{"path":"/events","op":"$contains","to":{"value":"{{EVENT}}"}}]}""");
    }

    [Test]
    public async Task The_comma_of_the_Python_README_is_pointed_at()
    {
        string text = PythonExample.Replace("path: \"/events\"", "path: \"/events\",", StringComparison.Ordinal);

        await Assert.That(Sample.ErrorsOf(text)).IsEqualTo(
            "config.yaml:15:26: forwarding[0].target.ops[0].path: a comma stands after the value, and YAML takes no comma there. "
            + "Remove it, or put it inside quotes if it is part of the value.");
    }

    [Test]
    public async Task Each_stray_comma_is_reported_with_all_other_errors()
    {
        string text = "token: \"abc\",\r\nsingyeongDSN: singyeong://g@host ,\r\nintents: 513,\r\nloggingLevel: LOUD\r\n";

        await Assert.That(Positions(Sample.Load(text).Errors)).IsEqualTo("1:1 forwarding|1:13 token|2:34 singyeongDSN|3:13 intents|4:15 loggingLevel");
    }

    [Test]
    public async Task Defaults_fill_what_the_file_leaves_out()
    {
        GatewayConfiguration configuration = Sample.Load(Sample.Text).Configuration!;

        await Assert.That(configuration.Redis).IsNull();
        await Assert.That(configuration.RedisPrefix).IsEmpty();
        await Assert.That(configuration.StateFile).IsEqualTo("singateway.state");
        await Assert.That(configuration.Intents).IsEqualTo(513);
        await Assert.That(configuration.Clustering).IsNull();
        await Assert.That(configuration.DiscordApiBaseUrl.AbsoluteUri).IsEqualTo("https://discord.com/api/v10");
        await Assert.That(configuration.Compression).IsEqualTo(GatewayCompression.ZlibStream);
        await Assert.That(configuration.ShardCount).IsNull();
        await Assert.That(configuration.LargeThreshold).IsEqualTo(250);
        await Assert.That(configuration.Presence.IsEmpty).IsTrue();
        await Assert.That(configuration.OutboxBytes).IsEqualTo(33554432);
    }

    [Test]
    public async Task A_json_file_says_the_same()
    {
        const string Json = """
            {
            	"token": "Bot abc.DEF-_",
            	"singyeongDSN": "singyeong://gateway@localhost",
            	"intents": ["GUILDS", "DIRECT_MESSAGES"],
            	"loggingLevel": "debug",
            	"redisPrefix": "bot:",
            	"stateFile": "/var/lib/\u0061",
            	"discord": {"apiBaseURL": "http://localhost:8080/api/v10/", "compression": "none", "shardCount": 3, "largeThreshold": 50, "presence": {"since": null, "afk": true}},
            	"singyeong": {"outbox": "1GiB"},
            	"forwarding": [
            		{"type": "BROADCAST", "target": {"application": "a", "restricted": true, "key": null, "x": [1, -2.5e3, {}]}, "events": ["*"]}
            	]
            }
            """;

        ConfigurationResult result = Sample.Load(Json, "config.json");

        await Assert.That(result.Errors).IsEmpty();
        GatewayConfiguration configuration = result.Configuration!;
        await Assert.That(configuration.Token).IsEqualTo("abc.DEF-_");
        await Assert.That(configuration.Intents).IsEqualTo(4097);
        await Assert.That(configuration.LoggingLevel).IsEqualTo(LogLevel.Debug);
        await Assert.That(configuration.RedisPrefix).IsEqualTo("bot:");
        await Assert.That(configuration.StateFile).IsEqualTo("/var/lib/a");
        await Assert.That(configuration.DiscordApiBaseUrl.AbsoluteUri).IsEqualTo("http://localhost:8080/api/v10");
        await Assert.That(configuration.Compression).IsEqualTo(GatewayCompression.None);
        await Assert.That(configuration.ShardCount).IsEqualTo(3);
        await Assert.That(configuration.LargeThreshold).IsEqualTo(50);
        await Assert.That(Encoding.UTF8.GetString(configuration.Presence.Span)).IsEqualTo("""{"since":null,"activities":[],"status":"online","afk":true}""");
        await Assert.That(configuration.OutboxBytes).IsEqualTo(1L << 30);
        await Assert.That(configuration.Forwarding[0].Kind).IsEqualTo(DispatchKind.Broadcast);
        await Assert.That(configuration.Forwarding[0].Target.ToString())
            .IsEqualTo("""{"application":"a","restricted":true,"key":null,"x":[1,-2500.0,{}]}""");
    }

    [Test]
    [Arguments("127.0.0.1:9400", "127.0.0.1", 9400)]
    [Arguments("\"[::]:9400\"", "::", 9400)]
    [Arguments("localhost:0", "localhost", 0)]
    public async Task A_place_to_listen_at_is_a_host_and_a_port(string text, string host, int port)
    {
        ListenAddress? listen = Sample.Load(Sample.With(7, $"operations: {{listen: {text}}}")).Configuration!.Listen;

        await Assert.That(listen).IsEqualTo(new ListenAddress(host, port));
        await Assert.That(listen!.ToString()).IsEqualTo(text.Trim('"'));
    }

    [Test]
    [Arguments("auto", null)]
    [Arguments("16", 16)]
    public async Task A_shard_count_is_auto_or_a_number(string text, int? expected) =>
        await Assert.That(Sample.Load(Sample.With(7, $"discord: {{shardCount: {text}}}")).Configuration!.ShardCount).IsEqualTo(expected);

    [Test]
    [Arguments("intents: \"513\"", 513)]
    [Arguments("intents: ${NUMBER}", 513)]
    [Arguments("intents: ${NONE:-7}", 7)]
    [Arguments("intents: 0", 0)]
    [Arguments("intents: [GUILDS, GUILD_MESSAGES]", 513)]
    [Arguments("intents: 281474976710656", 281474976710656)]
    public async Task Intents_are_a_number_or_names(string line, long expected) =>
        await Assert.That(Sample.Load(Sample.With(7, line)).Configuration!.Intents).IsEqualTo(expected);

    [Test]
    [Arguments("500000", 500000)]
    [Arguments("\"512 kib\"", 524288)]
    [Arguments("32MiB", 33554432)]
    [Arguments("1GiB", 1073741824)]
    public async Task An_outbox_has_a_size_with_or_without_a_unit(string size, long expected) =>
        await Assert.That(Sample.Load(Sample.With(7, $"singyeong: {{outbox: {size}}}")).Configuration!.OutboxBytes).IsEqualTo(expected);

    [Test]
    [Arguments("yes", true)]
    [Arguments("\"true\"", true)]
    [Arguments("Off", false)]
    [Arguments("", false)]
    public async Task Clustering_is_switched_as_the_Python_program_read_it(string value, bool expected)
    {
        string text = Sample.With(7, $"redisDSN: redis://localhost\nclustering:\n  enabled: {value}\n  clusterCount: 2\n  clusterShards: 3");

        await Assert.That(Sample.Load(text).Configuration!.Clustering is not null).IsEqualTo(expected);
    }

    [Test]
    public async Task Counts_are_kept_while_clustering_is_off() =>
        await Assert.That(Sample.ErrorsOf(Sample.With(7, "clustering: {enabled: false, clusterCount: 0, clusterShards: 0}"))).IsEmpty();

    [Test]
    public async Task Aliases_stand_for_their_anchors()
    {
        const string Text = """
            token: abc
            singyeongDSN: singyeong://gateway@localhost
            forwarding:
              - {type: send, target: &target {application: a}, events: &events [READY, RESUMED]}
              - {type: broadcast, target: *target, events: *events}
            """;

        GatewayConfiguration configuration = Sample.Load(Text).Configuration!;

        await Assert.That(configuration.Forwarding[1].Target.ToString()).IsEqualTo("""{"application":"a"}""");
        await Assert.That(string.Join(' ', configuration.Forwarding[1].Events)).IsEqualTo("READY RESUMED");
    }

    [Test]
    public async Task Aliases_of_aliases_are_bounded()
    {
        string text = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
        for (int i = 1; i < 20; i++)
        {
            text += $"b{i}: &a{i} [*a{i - 1}, *a{i - 1}, *a{i - 1}, *a{i - 1}, *a{i - 1}, *a{i - 1}, *a{i - 1}, *a{i - 1}]\n";
        }

        await Assert.That(Sample.ErrorsOf(text)).Contains("aliases repeat more than 20000 values");
    }

    [Test]
    [Arguments("config.yaml")]
    [Arguments("config.json")]
    public async Task Nesting_is_bounded(string name)
    {
        string text = "{\"a\":" + new string('[', 100_000);

        await Assert.That(Sample.ErrorsOf(text, name)).Contains("64 levels");
    }

    [Test]
    public async Task The_text_of_a_configuration_holds_no_secret()
    {
        GatewayConfiguration configuration = Sample.Load(Sample.With(1, "token: ${TOKEN}\nredisDSN: redis://:hidden@localhost")).Configuration!;

        await Assert.That(configuration.ToString()).IsEqualTo("configuration for singyeong://gateway@localhost:80");
    }

    [Test]
    public async Task Without_a_name_the_files_of_the_Python_program_are_looked_for()
    {
        string directory = Directory.CreateTempSubdirectory("singateway-test").FullName;
        try
        {
            await Assert.That(ConfigurationFile.Find(directory)).IsNull();
            foreach (string name in (string[])["config.yml", "config.yaml", "config.json"])
            {
                await File.WriteAllTextAsync(Path.Combine(directory, name), Sample.Text);
                await Assert.That(ConfigurationFile.Find(directory)).IsEqualTo(Path.Combine(directory, name));
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Test]
    public async Task A_file_that_cannot_be_read_is_an_error()
    {
        string directory = Directory.CreateTempSubdirectory("singateway-test").FullName;
        try
        {
            string file = Path.Combine(directory, "config.yaml");
            await Assert.That(Load(file)).IsEqualTo($"{file}:1:1: the file does not exist. Name a configuration file with --config FILE.");
            await Assert.That(Load(directory)).Contains("the file is a directory, or this process may not read it");
            await File.WriteAllBytesAsync(file, [0xFF, 0xFE]);
            await Assert.That(Load(file)).Contains("the file is not UTF-8. Save it as UTF-8.");
            await File.WriteAllBytesAsync(file, new byte[ConfigurationFile.MaxLength + 1]);
            await Assert.That(Load(file)).Contains("the file is larger than 1024 KiB");
            await File.WriteAllTextAsync(file, "\uFEFF" + Sample.Text);
            await Assert.That(Load(file)).IsEmpty();
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        static string Load(string path) => string.Join('\n', ConfigurationFile.Load(path, _ => null).Errors);
    }

    private static string Positions(IEnumerable<ConfigurationProblem> problems) =>
        string.Join('|', problems.Select(problem => $"{problem.Position.Line}:{problem.Position.Column} {problem.KeyPath}"));
}
