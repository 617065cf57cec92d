using SinGateway.Configuration;

namespace SinGateway.Tests.Configuration;

/// <summary>What a user reads: the place, the key, the cause and the fix, in one line.</summary>
public sealed class ConfigurationErrorTests
{
    private const string ListenHint = "Write it as HOST:PORT, such as 127.0.0.1:9400, or 0.0.0.0:9400 for every network of this machine.";

    private const string NoLater = "this key is not in this version. Remove it for now.";

    [Test]
    [Arguments("intnts: 5", "7:1: intnts: there is no such key. Did you mean intents?")]
    [Arguments("Redisdsn: x", "7:1: Redisdsn: there is no such key. Did you mean redisDSN?")]
    [Arguments("discord: {token: x}", "7:11: discord.token: there is no such key. It belongs at the top level of the file.")]
    [Arguments("\"\\eintents\\r\\n\": x", "7:1:  intents : there is no such key. Did you mean intents?")]
    [Arguments("discord: {count: x}", "7:11: discord.count: there is no such key. The keys here are apiBaseURL, compression, shardCount, largeThreshold, presence.")]
    [Arguments("shardcount: 4", "7:1: shardcount: there is no such key. It belongs below discord, in a line of its own.")]
    [Arguments("operations.listen: a:1", "7:1: operations.listen: there is no such key. It belongs below operations, in a line of its own.")]
    [Arguments("holdFor: 5s", "7:1: holdFor: there is no such key. It belongs below forwarding, in a line of its own.")]
    [Arguments("singyeong: {enabled: true}", "7:13: singyeong.enabled: there is no such key. The keys here are connections, outbox, whenFull, namespace, metadata, allowUnsafeOperators.")]
    [Arguments("clustering: {clusterCont: 2}", "7:14: clustering.clusterCont: there is no such key. Did you mean clusterCount?")]
    [Arguments("singyeong: {conections: 2}", "7:13: singyeong.conections: there is no such key. Did you mean connections?")]
    [Arguments("logFormat: xml", "7:12: logFormat: there is no format \"xml\". Write text (lines for people) or json (an object a line).")]
    [Arguments("spool: {}", "7:8: spool.directory: the key is required. Name an existing directory, such as /var/lib/singateway.")]
    [Arguments("spool: {directory: \"\"}", "7:20: spool.directory: the name is empty. Name an existing directory, such as /var/lib/singateway.")]
    [Arguments("spool: {directory: x, maxsize: 1GiB}", "7:23: spool.maxsize: there is no such key. Did you mean maxSize?")]
    [Arguments("spool: {directory: x, maxSize: 1023KiB}", "7:32: spool.maxSize: \"1023KiB\" is not a size of 1MiB or more. Write bytes, or a whole number of KiB, MiB or GiB, such as 1GiB.")]
    [Arguments("spool: {directory: x, commits: 2}", "7:32: spool.commits: \"2\" is neither true nor false. Write one of the two.")]
    [Arguments("spool: x", "7:8: spool: a single value stands where keys belong. Put these keys below it, each in its own line: directory, maxSize, commits.")]
    [Arguments("commands: {enabled: perhaps}", "7:21: commands.enabled: \"perhaps\" is neither true nor false. Write one of the two.")]
    [Arguments("commands: true", "7:11: commands: a single value stands where keys belong. Put these keys below it, each in its own line: enabled.")]
    [Arguments("operations: {reload: often}", "7:22: operations.reload: \"often\" is neither true nor false. Write one of the two.")]
    [Arguments("operations: {listen: localhost}", "7:22: operations.listen: the address has no port. " + ListenHint)]
    [Arguments("operations: {listen: \"*:9400\"}", "7:22: operations.listen: the address has a * for its host. " + ListenHint)]
    [Arguments("operations: {listen: \":9400\"}", "7:22: operations.listen: the address has no host. " + ListenHint)]
    [Arguments("operations: {listen: 9400}", "7:22: operations.listen: the address has no port. " + ListenHint)]
    [Arguments("operations: {listen: \"localhost:65536\"}", "7:22: operations.listen: the address has a port that is not a number from 0 to 65535. " + ListenHint)]
    [Arguments("operations: {listen: \"[::1:9400\"}", "7:22: operations.listen: the address has an IPv6 address without its closing bracket. " + ListenHint)]
    [Arguments("operations: {listn: x}", "7:14: operations.listn: there is no such key. Did you mean listen?")]
    [Arguments("clustering: {strict: true}", "7:22: clustering.strict: it is about Redis, and there is no redisDSN. Set redisDSN, or remove the key: a state file is always strict.")]
    [Arguments("singyeong: {whenFull: wait}", "7:23: singyeong.whenFull: \"wait\" is not what a full outbox can do. Write drop (events are lost and counted) or close (events stay at Discord).")]
    [Arguments("singyeong: {allowUnsafeOperators: perhaps}", "7:35: singyeong.allowUnsafeOperators: \"perhaps\" is neither true nor false. Write one of the two.")]
    [Arguments("singyeong: {namespace: \"\"}", "7:24: singyeong.namespace: the name is empty. Name a namespace, or remove the key.")]
    [Arguments("singyeong: {namespace: [a]}", "7:24: singyeong.namespace: a list stands where one value belongs. Write the value behind the colon.")]
    [Arguments("singyeong: {metadata: [a]}", "7:23: singyeong.metadata: a list stands where keys belong. Put keys and their values below it, each in its own line.")]
    [Arguments("discord: {compression: gzip}", "7:24: discord.compression: there is no compression \"gzip\". Write zlib-stream, zstd-stream or none.")]
    [Arguments("discord: {shardCount: 0}", "7:23: discord.shardCount: \"0\" is not an integer from 1 to 100000. Write auto, or how many shards the bot has.")]
    [Arguments("discord: {apiBaseURL: localhost}", "7:23: discord.apiBaseURL: this is not the address of a REST API. Write it as https://host/api/v10, without a user, a query or a fragment.")]
    [Arguments("discord: 5", "7:10: discord: a single value stands where keys belong. Put these keys below it, each in its own line: apiBaseURL, compression, shardCount, largeThreshold, presence.")]
    [Arguments("discord: {largeThreshold: 49}", "7:27: discord.largeThreshold: \"49\" is not an integer from 50 to 250. Write how many members a guild may have to come with those who are offline.")]
    [Arguments("discord: {largeThreshold: 251}", "7:27: discord.largeThreshold: \"251\" is not an integer from 50 to 250. Write how many members a guild may have to come with those who are offline.")]
    [Arguments("intents: [GUILD]", "7:11: intents[0]: \"GUILD\" is not the name of an intent. Did you mean GUILDS?")]
    [Arguments("intents: -1", "7:10: intents: \"-1\" is not an integer from 0 to 9007199254740991. Write the sum of the bits, or a list of names: [GUILDS, GUILD_MESSAGES].")]
    [Arguments("loggingLevel: LOUD", "7:15: loggingLevel: there is no level \"LOUD\". Write CRITICAL, ERROR, WARNING, INFO or DEBUG.")]
    [Arguments("redisDSN: http://x", "7:11: redisDSN: the DSN does not start with redis://, rediss:// (TLS) or unix://. Write it as redis://[user][:password]@host[:port][/db].")]
    [Arguments("stateFile: \"\"", "7:12: stateFile: the name is empty. Name a file, or remove the key for singateway.state.")]
    [Arguments("singyeong: {outbox: 1KiB}", "7:21: singyeong.outbox: \"1KiB\" is not a size from 256KiB to 1024GiB. Write bytes, or a whole number of KiB, MiB or GiB, such as 32MiB.")]
    [Arguments("clustering: {enabled: maybe}", "7:23: clustering.enabled: \"maybe\" is neither true nor false. Write one of the two.")]
    [Arguments("clustering: {enabled: true, clusterCount: 1, clusterShards: 1}", "7:23: clustering.enabled: clustering needs Redis, and there is no redisDSN. Set redisDSN, such as redis://localhost.")]
    [Arguments("token: b", "7:1: token: the key stands twice. Remove one of the two.")]
    [Arguments("redisPrefix: [a]", "7:14: redisPrefix: a list stands where one value belongs. Write the value behind the colon.")]
    [Arguments("redisPrefix: \"a", "7:14: redisPrefix: the text in quotes that starts here does not end well. Look for the missing quote, or double each \\ in it.")]
    [Arguments("redisPrefix: a: b", "7:15: redisPrefix: a colon stands where no key can be. Look for a wrong indent or a missing space behind a colon, here or in the line above, or put a text with a colon in quotes.")]
    [Arguments("redisPrefix: @a", "7:14: redisPrefix: a value starts with @. Put it in quotes.")]
    [Arguments("redisPrefix: *", "7:14: redisPrefix: a value starts with *. A * alone needs quotes: \"*\".")]
    [Arguments("redisPrefix: *a", "7:14: redisPrefix: the alias has no anchor before it. Write the value out, or put it in quotes if it is meant as text.")]
    [Arguments("redisPrefix: a\n---\ntoken: b", "8:1: the file holds a second document. Remove the line --- and what follows.")]
    [Arguments("redisPrefix: !!str a", "7:14: redisPrefix: YAML tags are not understood here. Remove it; quotes make a value text.")]
    public async Task A_mistake_has_one_line(string line, string expected) =>
        await Assert.That(Sample.ErrorsOf(Sample.With(7, line))).IsEqualTo("config.yaml:" + expected);

    [Test]
    [Arguments(1, "token: ", "1:7: token: the key has no value. Copy it from the Bot page of the Developer Portal.")]
    [Arguments(1, "token: a b", "1:8: token: the token holds a character that no bot token has. Copy it from the Bot page of the Developer Portal.")]
    [Arguments(1, "", "2:1: token: the key is required. Copy it from the Bot page of the Developer Portal.")]
    [Arguments(2, "singyeongDSN: singyeong://localhost", "2:15: singyeongDSN: the DSN has no application id before the host (singyeong://APPLICATION_ID@HOST). Write it as singyeong://APPLICATION_ID[:PASSWORD]@HOST[:PORT].")]
    [Arguments(4, "  type: post", "4:9: forwarding.type: there is no type \"post\". Write send (one worker gets the event) or broadcast (all that match).")]
    [Arguments(4, "  type: send\n  unrouted: keep", "5:13: forwarding.unrouted: \"keep\" is neither hold nor drop. Write hold (events wait for a worker, up to holdFor) or drop (they are dropped and counted).")]
    [Arguments(4, "  type: send\n  holdFor: soon", "5:12: forwarding.holdFor: \"soon\" is not a length of time from 1s to 24h. Write a whole number of s, m or h, such as 60s.")]
    [Arguments(4, "  type: send\n  holdFor: 25h", "5:12: forwarding.holdFor: \"25h\" is not a length of time from 1s to 24h. Write a whole number of s, m or h, such as 60s.")]
    [Arguments(5, "  target: worker", "5:11: forwarding.target: a single value stands where keys belong. Name at least the application id of your workers below it.")]
    [Arguments(6, "  events: [message_create]", "6:12: forwarding.events[0]: \"message_create\" is not an event name, which has only upper-case letters, digits and _. Did you mean MESSAGE_CREATE?")]
    [Arguments(6, "  events: READY", "6:11: forwarding.events: a single value stands where a list of events belongs. Write a list, such as [MESSAGE_CREATE] or [\"*\"] for all.")]
    [Arguments(6, "  events: []", "6:11: forwarding.events: the list is empty, so the rule would never match. Write a list, such as [MESSAGE_CREATE] or [\"*\"] for all.")]
    [Arguments(6, "", "4:3: forwarding.events: the key is required. Write a list, such as [MESSAGE_CREATE] or [\"*\"] for all.")]
    public async Task A_mistake_in_what_is_required_has_one_line(int line, string text, string expected) =>
        await Assert.That(Sample.ErrorsOf(Sample.With(line, text))).IsEqualTo("config.yaml:" + expected);

    [Test]
    [Arguments("intents: 514", "7:10: intents: privileged: GUILD_MEMBERS. Switch them on for the bot in the Developer Portal, else Discord closes with 4014.")]
    [Arguments("intents: [GUILDS, MESSAGE_CONTENT]", "7:10: intents: privileged: MESSAGE_CONTENT. Switch them on for the bot in the Developer Portal, else Discord closes with 4014.")]
    public async Task A_privileged_intent_is_warned_of(string line, string expected) =>
        await Assert.That(Sample.WarningsOf(Sample.With(7, line))).IsEqualTo("config.yaml:" + expected);

    [Test]
    [Arguments("intents: 131585", "7:10: intents: Discord documents no bit 17 (131072). Remove what is not meant: Discord closes with 4013 over a bit that it does not know.")]
    [Arguments("intents: 4831838721", "7:10: intents: Discord documents no bit 29 (536870912), bit 32 (4294967296). Remove what is not meant: Discord closes with 4013 over a bit that it does not know.")]
    public async Task An_undocumented_intent_is_warned_of(string line, string expected) =>
        await Assert.That(Sample.WarningsOf(Sample.With(7, line))).IsEqualTo("config.yaml:" + expected);

    [Test]
    [Arguments("TYPING_START", "Discord does not send TYPING_START without the intent GUILD_MESSAGE_TYPING or DIRECT_MESSAGE_TYPING. Add GUILD_MESSAGE_TYPING to the list of intents, or 2048 to their number.")]
    [Arguments("MESSAGE_CRATE", "Discord documents no event \"MESSAGE_CRATE\". Did you mean MESSAGE_CREATE?")]
    public async Task An_event_that_may_never_come_is_warned_of(string name, string expected) =>
        await Assert.That(Sample.WarningsOf(Sample.With(6, $"  events: [{name}]"))).IsEqualTo("config.yaml:6:12: forwarding.events[0]: " + expected);

    [Test]
    public async Task All_that_is_wrong_in_one_value_is_reported()
    {
        string text = Sample.With(2, "singyeongDSN: singyeong://${NONE}:${NOTHING}@${NONE}");

        await Assert.That(Sample.ErrorsOf(text)).IsEqualTo("""
            config.yaml:2:15: singyeongDSN: the environment variable NONE is not set. Set it, or give a default: ${NONE:-default}.
            config.yaml:2:15: singyeongDSN: the environment variable NOTHING is not set. Set it, or give a default: ${NOTHING:-default}.
            """);
    }

    [Test]
    [Arguments("""{"a":1,}""", "1:8: a: not valid JSON. JSON takes no comma before a closing bracket.")]
    [Arguments("""{'a':1}""", "1:2: not valid JSON. JSON takes only double quotes.")]
    [Arguments("{\n \"a\": 1 // x\n}", "2:9: a: not valid JSON. JSON takes no comments; config.yaml does.")]
    [Arguments("""{"a":1""", "1:7: a: not valid JSON. The file ends before its last bracket or quote is closed.")]
    [Arguments("""{} x""", "1:4: not valid JSON. Look for a missing comma, quote or bracket, here or just before.")]
    [Arguments("[]", "1:1: a list stands where the keys belong. Start from config.example.yaml.")]
    [Arguments(" ", "1:1: the file is empty. Start from config.example.yaml.")]
    [Arguments("""{"token":"a","singyeongDSN":"singyeong://g@h","forwarding":{"type":"send","target":{"application":"g"},"events":["READY"]}}""",
        "1:99: forwarding.target.application: this is the gateway's own application, so the events would come back to it. Name the application id of your workers, or another one in singyeongDSN.")]
    public async Task A_mistake_in_json_has_one_line(string text, string expected) =>
        await Assert.That(Sample.ErrorsOf(text, "config.json")).IsEqualTo("config.json:" + expected);

    [Test]
    [Arguments("a: [b\nc: d")]
    [Arguments("a: {b: [\n")]
    [Arguments("? [a\n: b")]
    public async Task A_bracket_that_is_not_closed_is_an_error(string text) =>
        await Assert.That(Sample.ErrorsOf(text)).Contains("Look for a wrong indent, a missing quote, bracket or colon");
}
