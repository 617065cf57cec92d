using SinGateway.Configuration;

namespace SinGateway.Tests.Configuration;

public sealed class ConfigurationChangesTests
{
    /// <summary>By property of the configuration: a line that changes it, and the key that is to be named.</summary>
    private static readonly Dictionary<string, (int Line, string Text, string Key)> Cases = new()
    {
        ["Token"] = (1, "token: other", "token"),
        ["Singyeong"] = (2, "singyeongDSN: \"singyeong://gateway:secret@localhost\"", "singyeongDSN"),
        ["Redis"] = (7, "redisDSN: redis://:secret@localhost", "redisDSN"),
        ["RedisPrefix"] = (7, "redisPrefix: p", "redisPrefix"),
        ["StateFile"] = (7, "stateFile: other", "stateFile"),
        ["LoggingLevel"] = (7, "loggingLevel: DEBUG", "loggingLevel"),
        ["LogFormat"] = (7, "logFormat: json", "logFormat"),
        ["Intents"] = (7, "intents: 1", "intents"),
        ["Clustering"] = (7, "clustering: {enabled: true, clusterCount: 1, clusterShards: 1}\nredisDSN: redis://h", "clustering"),
        ["IsStrict"] = (7, "redisDSN: redis://h\nclustering: {strict: true}", "clustering.strict"),
        ["Forwarding"] = (6, "  events: [GUILD_CREATE]", "forwarding[0].events"),
        ["DiscordApiBaseUrl"] = (7, "discord: {apiBaseURL: http://localhost}", "discord.apiBaseURL"),
        ["Compression"] = (7, "discord: {compression: none}", "discord.compression"),
        ["LargeThreshold"] = (7, "discord: {largeThreshold: 50}", "discord.largeThreshold"),
        ["Presence"] = (7, "discord: {presence: {status: dnd}}", "discord.presence"),
        ["ShardCount"] = (7, "discord: {shardCount: 5}", "discord.shardCount"),
        ["SingyeongConnections"] = (7, "singyeong: {connections: 2}", "singyeong.connections"),
        ["OutboxBytes"] = (7, "singyeong: {outbox: 1MiB}", "singyeong.outbox"),
        ["WhenFull"] = (7, "singyeong: {whenFull: close}", "singyeong.whenFull"),
        ["SingyeongNamespace"] = (7, "singyeong: {namespace: n}", "singyeong.namespace"),
        ["SingyeongMetadata"] = (7, "singyeong: {metadata: {role: x}}", "singyeong.metadata"),
        ["Spool"] = (7, "spool: {directory: d}", "spool"),
        ["CommandsEnabled"] = (7, "commands: {enabled: true}", "commands.enabled"),
        ["Listen"] = (7, "operations: {listen: \"localhost:1\"}", "operations.listen"),
        ["ReloadsOnChange"] = (7, "operations: {reload: true}", "operations.reload"),
    };

    private static readonly string[] Live = ["LoggingLevel", "Forwarding", "Presence"];

    [Test]
    public async Task A_change_of_any_property_is_named_by_its_key()
    {
        foreach (string property in typeof(GatewayConfiguration).GetProperties().Where(property => property.Name != "EqualityContract").Select(property => property.Name))
        {
            (int line, string text, string key) = Cases[property];
            ConfigurationChanges changes = Between(Sample.Text, Sample.With(line, text));

            await Assert.That(Live.Contains(property) ? changes.Live : changes.AtRestart).Contains(key).Because(property);
        }
    }

    [Test]
    [Arguments(7, "loggingLevel: INFO\nintents: [GUILDS, GUILD_MESSAGES]\nstateFile: singateway.state\nsingyeong: {outbox: 32MiB, metadata: {}}\ncommands: {enabled: false}")]
    [Arguments(6, "  events: [READY]\n  unrouted: hold\n  holdFor: 1m")]
    [Arguments(2, "singyeongDSN: \"singyeong://gateway@localhost:80/?encoding=json\"")]
    public async Task What_means_the_same_is_no_change(int line, string text) =>
        await Assert.That(Between(Sample.Text, Sample.With(line, text)).IsEmpty).IsTrue();

    [Test]
    [Arguments(4, "  type: broadcast\n  unrouted: hold", "forwarding[0].type")]
    [Arguments(4, "  type: send\n  unrouted: drop", "forwarding[0].unrouted")]
    [Arguments(4, "  type: send\n  holdFor: 5m", "forwarding[0].holdFor")]
    [Arguments(5, "  target: {application: worker, ops: [{path: /a, op: $eq, to: {value: 1}}]}", "forwarding[0].target")]
    [Arguments(6, "  events: [READY, GUILD_CREATE]", "forwarding[0].events")]
    public async Task A_change_of_a_rule_names_its_key(int line, string text, string expected) =>
        await Assert.That(string.Join(' ', Between(Sample.Text, Sample.With(line, text)).Live)).IsEqualTo(expected);

    [Test]
    public async Task Rules_that_come_and_go_are_named()
    {
        const string Two = """
            token: "abc"
            singyeongDSN: "singyeong://gateway@localhost"
            forwarding:
              - {type: send, target: {application: worker}, events: [READY]}
              - {type: send, target: {application: other}, events: [READY]}
            """;

        await Assert.That(Between(Sample.Text, Two).Live).IsEquivalentTo(["forwarding[1] (new)"]);
        await Assert.That(Between(Two, Sample.Text).Live).IsEquivalentTo(["forwarding[1] (gone)"]);
    }

    private static ConfigurationChanges Between(string running, string loaded) => ConfigurationChanges.Between(Load(running), Load(loaded));

    private static GatewayConfiguration Load(string text) =>
        Sample.Load(text) is { Configuration: { } configuration } ? configuration : throw new InvalidOperationException(Sample.ErrorsOf(text));
}
