using SinGateway.Configuration;

namespace SinGateway.Tests.Configuration;

public sealed class CheckReportTests
{
    [Test]
    public async Task The_plan_has_shards_sessions_intents_and_a_dispatch_for_each_rule()
    {
        const string Text = """
            token: s3cret-token
            redisDSN: redis://:s3cret@localhost
            redisPrefix: "bot:"
            singyeongDSN: ssingyeong://gateway:s3cret@broker
            intents: [GUILDS, GUILD_MESSAGES, DIRECT_MESSAGES, GUILD_WEBHOOKS]
            clustering: {enabled: true, clusterCount: 2, clusterShards: 4}
            forwarding:
              - type: send
                target: {application: worker, ops: [{path: /events, op: $in, to: {value: "{{EVENT}}"}}]}
                events: [MESSAGE_CREATE, GUILD_CREATE, GUILD_MEMBER_ADD]
              - {type: broadcast, target: {application: "all-{{CLUSTER}}-{{SHARD}}"}, events: [READY]}
            """;
        const string Expected = """
            Shards      8, split over 2 clusters
                        cluster 0: shards 0 to 3
                        cluster 1: shards 4 to 7
            Sessions    in redis://:***@localhost:6379/0, keys begin with bot:
            신경        ssingyeong://gateway:***@broker:443
                        as application gateway, with a password
            Discord     https://discord.com/api/v10
                        compressed as zlib-stream
            Intents     4641: GUILDS, GUILD_WEBHOOKS, GUILD_MESSAGES, DIRECT_MESSAGES
              needed    GUILDS for GUILD_CREATE
                        GUILD_MESSAGES or DIRECT_MESSAGES for MESSAGE_CREATE
              missing   GUILD_MEMBERS for GUILD_MEMBER_ADD
              unused    GUILD_WEBHOOKS: no rule forwards what it enables

            Rule 0      send: one client that matches gets the event
              events    MESSAGE_CREATE, GUILD_CREATE, GUILD_MEMBER_ADD
              sends     {"op":4,"t":"SEND","d":{"target":{"application":"worker","ops":[{"path":"/events","op":"$contains","to":{"value":"MESSAGE_CREATE"}}]},"nonce":"0:00000000:1:0","payload":{"t":"MESSAGE_CREATE","s":1,"op":0,"d":{}}}}

            Rule 1      broadcast: every client that matches gets the event
              events    READY
              sends     {"op":4,"t":"BROADCAST","d":{"target":{"application":"all-0-0"},"nonce":"0:00000000:1:1","payload":{"t":"READY","s":1,"op":0,"d":{}}}}

            2 warnings
              config.yaml:9:61: forwarding[0].target.ops[0].op: $in with a single value can only mean $contains, and is sent as that. Write $contains.
              config.yaml:10:44: forwarding[0].events[2]: Discord does not send GUILD_MEMBER_ADD without the intent GUILD_MEMBERS. Add GUILD_MEMBERS to the list of intents, or 2 to their number.

            """;

        await Assert.That(Report(Text)).IsEqualTo(Expected);
    }

    [Test]
    [Arguments("commands: {enabled: true}", true)]
    [Arguments("commands: {enabled: false}", false)]
    [Arguments("", false)]
    public async Task Commands_of_workers_are_told_when_they_are_on(string line, bool told) =>
        await Assert.That(Report(Sample.With(7, line)).Contains(
            "Commands    workers may send opcodes 3, 4, 8, 31 and 43 to Discord, through application gateway", StringComparison.Ordinal)).IsEqualTo(told);

    [Test]
    public async Task The_plan_of_one_cluster_has_its_shards_only()
    {
        string text = Sample.With(5, "  target: {application: \"worker-{{CLUSTER}}-{{SHARD}}\"}\n  type: send")
            .Replace("forwarding:\n  type: send\n", "redisDSN: unix:///r.sock\nclustering: {enabled: true, clusterCount: 3, clusterShards: 1}\nforwarding:\n", StringComparison.Ordinal);

        await Assert.That(Report(text, cluster: 2))
            .Contains("Shards      3, split over 3 clusters\n            cluster 2: shard 2\nSessions    in unix:///r.sock?db=0\n")
            .And.Contains("\"worker-2-2\"}").And.Contains("\"2:00000000:1:0\"");
    }

    [Test]
    [Arguments("json", "")]
    [Arguments("msgpack", "            events are rewritten in msgpack; what is shown below is the same in json\n")]
    [Arguments("etf", "            events are rewritten in etf; what is shown below is the same in json\n")]
    public async Task An_encoding_other_than_json_is_told(string encoding, string expected) =>
        await Assert.That(Report(Sample.With(2, $"singyeongDSN: singyeong://a@b?encoding={encoding}")))
            .Contains($"as application a, without a password\n{expected}Discord ");

    [Test]
    public async Task Many_clusters_are_abridged()
    {
        string text = Sample.With(7, "redisDSN: redis://h\nclustering: {enabled: true, clusterCount: 1000, clusterShards: 2}");

        await Assert.That(Report(text)).Contains("cluster 13: shards 26 to 27\n            …\n            cluster 999: shards 1998 to 1999\n");
    }

    [Test]
    [Arguments("auto", "as many as Discord recommends; stored sessions keep the count that they were made with")]
    [Arguments("1", "1: shard 0")]
    [Arguments("16", "16: 0 to 15")]
    public async Task Without_clusters_the_count_is_told(string count, string expected)
    {
        string report = Report(Sample.With(7, $"discord: {{shardCount: {count}}}"));

        await Assert.That(report).StartsWith($"Shards      {expected}\nSessions    in the file singateway.state\n");
        await Assert.That(report).EndsWith("\n\nNo warnings\n");
    }

    [Test]
    public async Task The_presence_is_shown_as_it_is_sent()
    {
        string report = Report(Sample.With(7, "discord: {compression: zstd-stream, presence: {status: dnd}}"));

        await Assert.That(report).Contains(
            "Discord     https://discord.com/api/v10\n            compressed as zstd-stream\n  presence  {\"since\":null,\"activities\":[],\"status\":\"dnd\",\"afk\":false}\n");
    }

    [Test]
    public async Task A_rule_that_takes_all_events_is_shown_with_a_message()
    {
        string report = Report(Sample.With(6, "  events: [\"*\"]"));

        await Assert.That(report).Contains("  needed    whatever they enable is forwarded by a rule that takes all events\n");
        await Assert.That(report).Contains("  events    all\n").And.Contains("""{"t":"MESSAGE_CREATE",""");
    }

    [Test]
    public async Task Long_lists_of_events_are_broken_into_lines()
    {
        string names = string.Join(", ", Enumerable.Repeat("VOICE_CHANNEL_START_TIME_UPDATE_", 5).Select((name, index) => name + index));

        await Assert.That(Report(Sample.With(6, $"  events: [{names}]"))).Contains("""
              events    VOICE_CHANNEL_START_TIME_UPDATE_0, VOICE_CHANNEL_START_TIME_UPDATE_1,
                        VOICE_CHANNEL_START_TIME_UPDATE_2, VOICE_CHANNEL_START_TIME_UPDATE_3,
                        VOICE_CHANNEL_START_TIME_UPDATE_4

            """);
    }

    [Test]
    [Arguments("MESSAGE_CREATE", "{{GUILD_ID}}", "\"197038439483310086\"", "{\"guild_id\":\"197038439483310086\"}")]
    [Arguments("GUILD_CREATE", "{{GUILD_ID:int}}", "197038439483310086", "{\"id\":\"197038439483310086\"}")]
    [Arguments("MESSAGE_CREATE", "{{GUILD_SLOT:16}}", "2", "{\"guild_id\":\"197038439483310086\"}")]
    [Arguments("CHANNEL_UPDATE", "{{CHANNEL_ID}}", "\"41771983423143937\"", "{\"id\":\"41771983423143937\"}")]
    [Arguments("MESSAGE_CREATE", "{{CHANNEL_ID}}/{{USER_ID}}", "\"41771983423143937/80351110224678912\"", "{\"channel_id\":\"41771983423143937\",\"user_id\":\"80351110224678912\"}")]
    [Arguments("MESSAGE_CREATE", "{{SHARDS:int}}", "32", "{}")]
    public async Task A_target_with_ids_of_the_event_is_shown_with_samples_of_them(string name, string value, string rendered, string data)
    {
        string text = Sample.WithOperator($"{{path: /a, op: $contains, to: {{value: \"{value}\"}}}}").Replace("READY", name, StringComparison.Ordinal)
            + "discord: {shardCount: 32}\n";

        await Assert.That(Report(text))
            .Contains("\"to\":{\"value\":" + rendered + "}}]},\"nonce\":\"0:00000000:1:0\",\"payload\":{\"t\":\"" + name + "\",\"s\":1,\"op\":0,\"d\":" + data + "}}}");
    }

    [Test]
    public async Task The_namespace_and_the_metadata_are_told()
    {
        string report = Report(Sample.With(7, "singyeong: {namespace: bots, metadata: {role: gateway, build: 5}}"));

        await Assert.That(report).Contains("as application gateway, without a password, in the namespace bots\n  metadata  role (string), build (integer)\n");
    }

    private static string Report(string text, int? cluster = null)
    {
        ConfigurationResult result = Sample.Load(text);
        using StringWriter output = new() { NewLine = "\n" };
        CheckReport.Write(output, result.Configuration!, result.Warnings, cluster);
        return output.ToString();
    }
}
