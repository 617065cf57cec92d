using System.Text;
using SinGateway.Configuration;
using SinGateway.Forwarding;
using SinGateway.Tests.Configuration;

namespace SinGateway.Tests.Forwarding;

/// <summary>Variables from the configuration's text to the bytes that are sent.</summary>
public sealed class DynamicTargetTests
{
    private const string Message = """{"guild_id":"4194304000000000001","channel_id":"2","author":{"id":"3"}}""";

    [Test]
    [Arguments("{{GUILD_ID}}", Message, "\"4194304000000000001\"")]
    [Arguments("{{GUILD_ID:int}}", Message, "4194304000000000001")]
    [Arguments("{{CHANNEL_ID:int}}", Message, "2")]
    [Arguments("{{USER_ID:int}}", Message, "3")]
    [Arguments("a-{{GUILD_ID}}-{{CHANNEL_ID}}-{{USER_ID}}-{{SHARD}}-b", Message, "\"a-4194304000000000001-2-3-5-b\"")]
    [Arguments("{{GUILD_SLOT:16}}", Message, "0")]
    [Arguments("{{GUILD_SLOT:1000000}}", Message, "0")]
    [Arguments("{{GUILD_SLOT:7}}", Message, "1")]
    [Arguments("slot {{GUILD_SLOT:7}}", Message, "\"slot 1\"")]
    [Arguments("{{GUILD_ID}}", "{}", "\"\"")]
    [Arguments("{{GUILD_ID:int}}", "{}", "null")]
    [Arguments("{{CHANNEL_ID:int}}", "null", "null")]
    [Arguments("{{USER_ID}}/{{SHARD}}", "{}", "\"/5\"")]
    [Arguments("{{GUILD_SLOT:7}}", "{}", "0")]
    [Arguments("{{GUILD_ID}}", """{"guild_id":"\",\"droppable\":true,\"x\":\""}""", "\"\"")]
    [Arguments("{{GUILD_ID:int}}", """{"guild_id":"1}"}""", "null")]
    [Arguments("{{SHARD:int}}", "{}", "5")]
    [Arguments("{{CLUSTER:int}}", "{}", "2")]
    [Arguments("{{SHARDS:int}}", "{}", "16")]
    [Arguments("{{SHARDS}} of {{EVENT}}", "{}", "\"16 of MESSAGE_CREATE\"")]
    public async Task A_variable_becomes_what_the_event_has(string value, string data, string expected) =>
        await Assert.That(Render([value], "MESSAGE_CREATE", data)).IsEqualTo(expected);

    [Test]
    [Arguments("GUILD_CREATE", "9 -")]
    [Arguments("GUILD_UPDATE", "9 -")]
    [Arguments("GUILD_DELETE", "9 -")]
    [Arguments("GUILD_MEMBER_ADD", "- -")]
    [Arguments("GUILD_ROLE_CREATE", "- -")]
    [Arguments("CHANNEL_CREATE", "- 9")]
    [Arguments("CHANNEL_DELETE", "- 9")]
    [Arguments("THREAD_UPDATE", "- 9")]
    [Arguments("VOICE_CHANNEL_STATUS_UPDATE", "- -")]
    [Arguments("MESSAGE_CREATE", "- -")]
    public async Task An_id_is_that_of_what_the_event_is_about(string name, string expected)
    {
        string rendered = Render(["{{GUILD_ID:int}}", "{{CHANNEL_ID:int}}"], name, """{"id":"9"}""");

        await Assert.That(rendered.Replace("null", "-", StringComparison.Ordinal)).IsEqualTo(expected);
    }

    [Test]
    public async Task A_rule_without_such_variables_reads_nothing_of_the_event()
    {
        RouteTable table = new(Rules(["{{EVENT}} {{SHARD}} {{SHARDS}}"], "READY"), cluster: 0, shardCount: 1);
        Route route = table.Find("READY"u8)!;

        await Assert.That(route.Copies[0].Fields).IsEqualTo(EventFields.None);
        await Assert.That(route.ReadIds("""{"d":{"guild_id":"1","channel_id":"1","user_id":"1"}}"""u8)).IsEqualTo(default(EventIds));
    }

    [Test]
    public async Task One_reading_serves_all_rules_of_an_event()
    {
        RouteTable table = new(Rules(["{{GUILD_ID}}", "{{USER_ID}}"], "READY"), cluster: 0, shardCount: 1);
        EventIds ids = table.Find("READY"u8)!.ReadIds("""{"d":{"guild_id":"1","channel_id":"2","user_id":"3"}}"""u8);

        await Assert.That(ids).IsEqualTo(new EventIds(1, null, 3));
    }

    [Test]
    public async Task Filling_in_allocates_nothing()
    {
        RouteTable table = new(Rules(["{{GUILD_ID}} {{USER_ID}}", "{{GUILD_SLOT:16}}"], "READY"), cluster: 0, shardCount: 1);
        byte[] message = Encoding.UTF8.GetBytes($$"""{"d":{{Message}}}""");
        byte[] target = new byte[1024];
        long allocated = 0;

        // The first turns let the runtime allocate what it needs for itself.
        for (int turn = 0; turn < 100; turn++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Route route = table.Find("READY"u8)!;
            EventIds ids = route.ReadIds(message);
            foreach (RouteCopy copy in route.Copies)
            {
                copy.WriteTarget(5, ids, target.AsSpan(0, copy.MeasureTarget(5, ids)));
            }

            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        await Assert.That(allocated).IsEqualTo(0);
    }

    /// <summary>The value of a rule each, rendered for shard 5 of 16 in cluster 2, separated by spaces.</summary>
    private static string Render(string[] values, string name, string data)
    {
        RouteTable table = new(Rules(values, name), cluster: 2, shardCount: 16);
        Route route = table.Find(Encoding.UTF8.GetBytes(name))!;
        EventIds ids = route.ReadIds(Encoding.UTF8.GetBytes($$"""{"t":"{{name}}","s":1,"op":0,"d":{{data}}}"""));
        List<string> rendered = [];
        foreach (RouteCopy copy in route.Copies)
        {
            byte[] target = new byte[copy.MeasureTarget(5, ids)];
            int length = copy.WriteTarget(5, ids, target);
            string text = Encoding.UTF8.GetString(target, 0, length);
            rendered.Add(length == target.Length ? text["""{"application":"worker","key":""".Length..^1] : $"{length} bytes, not {target.Length}");
        }

        return string.Join(' ', rendered);
    }

    private static IReadOnlyList<ForwardingRule> Rules(string[] values, string name)
    {
        string rules = string.Concat(values.Select(value => $"\n- {{type: send, target: {{application: worker, key: \"{value}\"}}, events: [{name}]}}"));
        ConfigurationResult result = Sample.Load($"token: a\nsingyeongDSN: singyeong://gateway@h\nforwarding:{rules}\n");
        return result.Configuration?.Forwarding ?? throw new InvalidOperationException(string.Join('\n', result.Errors));
    }
}
