namespace SinGateway.Tests.Configuration;

/// <summary>Every error of the file as its user reads it. A line of the sample is replaced; line 7 is added to it.</summary>
public sealed class ConfigurationErrorTests
{
    private const string TokenHint = "Copy it from the Bot page of the Developer Portal.";
    private const string SingyeongHint = "Write it as singyeong://APPLICATION_ID[:PASSWORD]@HOST[:PORT].";
    private const string RedisHint = "Write it as redis://[user][:password]@host[:port][/db].";

    [Test]
    [Arguments(1, "", "2:1: token: the key is required. " + TokenHint)]
    [Arguments(1, "token:", "1:7: token: the key is required. " + TokenHint)]
    [Arguments(1, "token: \"\"", "1:8: token: the token is empty. " + TokenHint)]
    [Arguments(1, "token: \"Bot \"", "1:8: token: the token is empty. " + TokenHint)]
    [Arguments(1, "token: a b", "1:8: token: the token holds a character that no bot token has. " + TokenHint)]
    [Arguments(1, "token: [a]", "1:8: token: a list stands where one value belongs. Write the value behind the colon.")]
    [Arguments(2, "", "1:1: singyeongDSN: the key is required. " + SingyeongHint)]
    [Arguments(2, "singyeongDSN: redis://localhost", "2:15: singyeongDSN: the DSN does not start with singyeong:// (or ssingyeong:// for TLS). " + SingyeongHint)]
    [Arguments(2, "singyeongDSN: singyeong://g@h?encoding=etf", "2:15: singyeongDSN: an encoding other than json is not in this version. Remove ?encoding=… from the DSN.")]
    [Arguments(7, "redisDSN: localhost", "7:11: redisDSN: the DSN does not start with redis://, rediss:// (TLS) or unix://. " + RedisHint)]
    [Arguments(7, "loggingLevel: LOUD", "7:15: loggingLevel: there is no level \"LOUD\". Write CRITICAL, ERROR, WARNING, INFO or DEBUG.")]
    [Arguments(7, "intents: many", "7:10: intents: \"many\" is not an integer from 0 to 9007199254740991. Write the sum of the bits, or a list of names: [GUILDS, GUILD_MESSAGES].")]
    [Arguments(7, "intents: -1", "7:10: intents: \"-1\" is not an integer from 0 to 9007199254740991. Write the sum of the bits, or a list of names: [GUILDS, GUILD_MESSAGES].")]
    [Arguments(7, "intents: 1.5", "7:10: intents: \"1.5\" is not an integer from 0 to 9007199254740991. Write the sum of the bits, or a list of names: [GUILDS, GUILD_MESSAGES].")]
    [Arguments(7, "intents: [GUILD_MESAGES]", "7:11: intents[0]: \"GUILD_MESAGES\" is not the name of an intent. Did you mean GUILD_MESSAGES?")]
    [Arguments(7, "intents: [GUILDS, 512]", "7:19: intents[1]: \"512\" is not the name of an intent. Write Discord's names, such as GUILD_MESSAGES.")]
    [Arguments(7, "stateFile: \"\"", "7:12: stateFile: the name is empty. Name a file, or remove the key for singateway.state.")]
    [Arguments(7, "clustering: true", "7:13: clustering: a single value stands where keys belong. Put these keys below it, each in its own line: enabled, clusterCount, clusterShards.")]
    [Arguments(7, "clustering: {enabled: maybe}", "7:23: clustering.enabled: \"maybe\" is neither true nor false. Write one of the two.")]
    [Arguments(7, "clustering: {enabled: true, clusterCount: 1, clusterShards: 1}", "7:23: clustering.enabled: clustering needs Redis, and there is no redisDSN. Set redisDSN, such as redis://localhost.")]
    [Arguments(7, "redisDSN: redis://h\nclustering: {enabled: true, clusterShards: 1}", "8:13: clustering.clusterCount: the key is required. Say how many processes share the bot.")]
    [Arguments(7, "redisDSN: redis://h\nclustering: {enabled: true, clusterCount: 1}", "8:13: clustering.clusterShards: the key is required. Say how many shards each process runs.")]
    [Arguments(7, "redisDSN: redis://h\nclustering: {enabled: true, clusterCount: 0, clusterShards: 1}", "8:43: clustering.clusterCount: \"0\" is not an integer from 1 to 100000. Write digits only.")]
    [Arguments(7, "redisDSN: redis://h\nclustering: {enabled: true, clusterCount: 1, clusterShards: many}", "8:61: clustering.clusterShards: \"many\" is not an integer from 1 to 100000. Write digits only.")]
    [Arguments(7, "redisDSN: redis://h\nclustering: {enabled: true, clusterCount: 1000, clusterShards: 101}", "8:64: clustering.clusterShards: clusterCount × clusterShards is 101000 shards. At most 100000 are possible.")]
    [Arguments(7, "redisDSN: redis://h\nclustering: {enabled: true, clusterCount: 2, clusterShards: 3}\ndiscord: {shardCount: 6}", "9:23: discord.shardCount: with clustering the count is clusterCount × clusterShards, 6. Remove the key.")]
    [Arguments(7, "discord: {shardCount: 0}", "7:23: discord.shardCount: \"0\" is not an integer from 1 to 100000. Write auto, or how many shards the bot has.")]
    [Arguments(7, "discord: {apiBaseURL: discord.com}", "7:23: discord.apiBaseURL: this is not the address of a REST API. Write it as https://host/api/v10, without a user, a query or a fragment.")]
    [Arguments(7, "discord: {apiBaseURL: \"https://u:p@host\"}", "7:23: discord.apiBaseURL: this is not the address of a REST API. Write it as https://host/api/v10, without a user, a query or a fragment.")]
    [Arguments(7, "discord: {compression: gzip}", "7:24: discord.compression: there is no compression \"gzip\". Write zlib-stream or none.")]
    [Arguments(7, "discord: {compression: zstd-stream}", "7:24: discord.compression: zstd-stream is not in this version. Write zlib-stream.")]
    [Arguments(7, "singyeong: {outbox: 32MB}", "7:21: singyeong.outbox: \"32MB\" is not a size from 256KiB to 1024GiB. Write bytes, or a whole number of KiB, MiB or GiB, such as 32MiB.")]
    [Arguments(7, "singyeong: {outbox: 1KiB}", "7:21: singyeong.outbox: \"1KiB\" is not a size from 256KiB to 1024GiB. Write bytes, or a whole number of KiB, MiB or GiB, such as 32MiB.")]
    [Arguments(7, "singyeong: {outbox: 99999999999GiB}", "7:21: singyeong.outbox: \"99999999999GiB\" is not a size from 256KiB to 1024GiB. Write bytes, or a whole number of KiB, MiB or GiB, such as 32MiB.")]
    public async Task A_value_that_cannot_be_used_is_an_error(int line, string text, string expected) =>
        await Assert.That(Sample.ErrorsOf(Sample.With(line, text))).IsEqualTo("config.yaml:" + expected);

    [Test]
    [Arguments(4, "", "5:3: forwarding.type: the key is required. Write send (one worker gets the event) or broadcast (all that match).")]
    [Arguments(4, "  type: queue", "4:9: forwarding.type: there is no type \"queue\". Write send (one worker gets the event) or broadcast (all that match).")]
    [Arguments(5, "", "4:3: forwarding.target: the key is required. Name at least the application id of your workers below it.")]
    [Arguments(5, "  target: worker", "5:11: forwarding.target: a single value stands where keys belong. Name at least the application id of your workers below it.")]
    [Arguments(6, "", "4:3: forwarding.events: the key is required. Write a list, such as [MESSAGE_CREATE] or [\"*\"] for all.")]
    [Arguments(6, "  events: READY", "6:11: forwarding.events: a single value stands where a list of events belongs. Write a list, such as [MESSAGE_CREATE] or [\"*\"] for all.")]
    [Arguments(6, "  events: []", "6:11: forwarding.events: the list is empty, so the rule would never match. Write a list, such as [MESSAGE_CREATE] or [\"*\"] for all.")]
    [Arguments(6, "  events: [READY, ~]", "6:19: forwarding.events[1]: an event's name is missing. Write a list, such as [MESSAGE_CREATE] or [\"*\"] for all.")]
    [Arguments(6, "  events: [message_create]", "6:12: forwarding.events[0]: \"message_create\" is not an event name, which has only upper-case letters, digits and _. Did you mean MESSAGE_CREATE?")]
    [Arguments(6, "  events: [on anything at all]", "6:12: forwarding.events[0]: \"on anything at all\" is not an event name, which has only upper-case letters, digits and _. Compare it with Discord's list of gateway events.")]
    [Arguments(6, "  events: [READY]\n  event: [READY]", "7:3: forwarding.event: there is no such key. Did you mean events?")]
    public async Task A_rule_that_cannot_be_used_is_an_error(int line, string text, string expected) =>
        await Assert.That(Sample.ErrorsOf(Sample.With(line, text))).IsEqualTo("config.yaml:" + expected);

    [Test]
    public async Task The_rules_are_a_list_or_one_mapping()
    {
        const string Head = "token: abc\nsingyeongDSN: singyeong://g@h\n";

        await Assert.That(Sample.ErrorsOf(Head)).IsEqualTo("config.yaml:1:1: forwarding: the key is required. Without a rule no event goes anywhere.");
        await Assert.That(Sample.ErrorsOf(Head + "forwarding: []")).IsEqualTo("config.yaml:3:13: forwarding: there is no rule, so nothing would be forwarded. Write at least one.");
        await Assert.That(Sample.ErrorsOf(Head + "forwarding: on")).IsEqualTo("config.yaml:3:13: forwarding: a single value stands where a rule belongs. A rule has the keys type, target and events.");
        await Assert.That(Sample.ErrorsOf(Head + "forwarding:\n  - {type: send}\n  - 5")).IsEqualTo(
            """
            config.yaml:4:5: forwarding[0].target: the key is required. Name at least the application id of your workers below it.
            config.yaml:4:5: forwarding[0].events: the key is required. Write a list, such as [MESSAGE_CREATE] or ["*"] for all.
            config.yaml:5:5: forwarding[1]: a single value stands where a rule belongs. A rule has the keys type, target and events.
            """);
    }

    [Test]
    [Arguments("logFormat: json", "logFormat")]
    [Arguments("spool: {directory: /tmp}", "spool")]
    [Arguments("commands: {enabled: true}", "commands")]
    [Arguments("operations: {listen: \"127.0.0.1:9400\"}", "operations")]
    public async Task A_key_of_a_later_version_says_so(string text, string path) => await Assert.That(Sample.ErrorsOf(Sample.With(7, text)))
        .IsEqualTo($"config.yaml:7:1: {path}: this key is not in this version. Remove it for now.");

    [Test]
    [Arguments("clustering: {strict: true}", "7:14: clustering.strict")]
    [Arguments("discord: {largeThreshold: 50}", "7:11: discord.largeThreshold")]
    [Arguments("discord: {presence: {}}", "7:11: discord.presence")]
    [Arguments("singyeong: {connections: 2}", "7:13: singyeong.connections")]
    [Arguments("singyeong: {namespace: a}", "7:13: singyeong.namespace")]
    [Arguments("singyeong: {metadata: {}}", "7:13: singyeong.metadata")]
    [Arguments("singyeong: {whenFull: drop}", "7:13: singyeong.whenFull")]
    [Arguments("singyeong: {allowUnsafeOperators: true}", "7:13: singyeong.allowUnsafeOperators")]
    [Arguments("  unrouted: drop", "7:3: forwarding.unrouted")]
    [Arguments("  holdFor: 60s", "7:3: forwarding.holdFor")]
    public async Task A_nested_key_of_a_later_version_says_so(string text, string place) => await Assert.That(Sample.ErrorsOf(Sample.With(7, text)))
        .IsEqualTo($"config.yaml:{place}: this key is not in this version. Remove it for now.");

    [Test]
    [Arguments("Token: abc", "7:1: Token", "Did you mean token?")]
    [Arguments("loglevel: INFO", "7:1: loglevel", "Did you mean loggingLevel?")]
    [Arguments("redisDns: x", "7:1: redisDns", "Did you mean redisDSN?")]
    [Arguments("cluster:\n  enabled: true", "7:1: cluster", "Did you mean clustering?")]
    [Arguments("clustering: {clusterCounts: 1}", "7:14: clustering.clusterCounts", "Did you mean clusterCount?")]
    [Arguments("discord: {somethingElse: 1}", "7:11: discord.somethingElse", "The keys here are apiBaseURL, compression, shardCount.")]
    [Arguments("operation: {}", "7:1: operation", "Did you mean operations?")]
    public async Task An_unknown_key_names_the_nearest_one(string text, string place, string hint) =>
        await Assert.That(Sample.ErrorsOf(Sample.With(7, text))).IsEqualTo($"config.yaml:{place}: there is no such key. {hint}");

    [Test]
    public async Task All_errors_come_at_once_in_the_order_of_the_file()
    {
        const string Text = """
            intents: many
            clustering:
              enabled: true
              clusterCount: 0
            forwarding:
              - type: sned
                target: {}
                events: [message_create, READY]
            unknown: 1
            """;

        await Assert.That(Sample.ErrorsOf(Text)).IsEqualTo("""
            config.yaml:1:1: token: the key is required. Copy it from the Bot page of the Developer Portal.
            config.yaml:1:1: singyeongDSN: the key is required. Write it as singyeong://APPLICATION_ID[:PASSWORD]@HOST[:PORT].
            config.yaml:1:10: intents: "many" is not an integer from 0 to 9007199254740991. Write the sum of the bits, or a list of names: [GUILDS, GUILD_MESSAGES].
            config.yaml:3:3: clustering.clusterShards: the key is required. Say how many shards each process runs.
            config.yaml:3:12: clustering.enabled: clustering needs Redis, and there is no redisDSN. Set redisDSN, such as redis://localhost.
            config.yaml:4:17: clustering.clusterCount: "0" is not an integer from 1 to 100000. Write digits only.
            config.yaml:6:11: forwarding[0].type: there is no type "sned". Write send (one worker gets the event) or broadcast (all that match).
            config.yaml:7:13: forwarding[0].target.application: the key is required, because a target without it matches every client, this gateway included. Name the application id of your workers.
            config.yaml:8:14: forwarding[0].events[0]: "message_create" is not an event name, which has only upper-case letters, digits and _. Did you mean MESSAGE_CREATE?
            config.yaml:9:1: unknown: there is no such key. The keys here are token, redisDSN, singyeongDSN, loggingLevel, intents, clustering, forwarding, redisPrefix, stateFile, discord, singyeong.
            """);
    }
}
