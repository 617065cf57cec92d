using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using SinGateway.Discord;
using SinGateway.Forwarding;

namespace SinGateway.Tests.Forwarding;

public sealed class RouteTableTests
{
    [Test]
    public async Task Every_rule_that_matches_gives_a_copy_in_the_order_of_the_rules()
    {
        RouteTable table = new([Rule(0, "*"), Rule(1, "READY"), Rule(2, "READY", "RESUMED")], cluster: 0, shardCount: 16);

        await Assert.That(RuleIndexes(table, "READY")).IsEqualTo("0 1 2");
        await Assert.That(RuleIndexes(table, "RESUMED")).IsEqualTo("0 2");
        await Assert.That(RuleIndexes(table, "TYPING_START")).IsEqualTo("0");
    }

    [Test]
    public async Task An_event_that_no_rule_names_has_no_route()
    {
        RouteTable table = new([Rule(0, "READY")], cluster: 0, shardCount: 16);

        await Assert.That(table.Find("READ"u8)).IsNull();
        await Assert.That(table.Find("READY_"u8)).IsNull();
        await Assert.That(table.Find(""u8)).IsNull();
        await Assert.That(table.Find("*"u8)).IsNull();
    }

    [Test]
    [Arguments("*")]
    [Arguments("READY")]
    public async Task Events_that_are_taken_are_counted_by_name_whether_a_rule_matches_or_not(string rule)
    {
        RouteTable table = new([Rule(0, rule)], cluster: 0, shardCount: 16);

        table.Take("READY"u8);
        table.Take("TYPING_START"u8);
        table.Take("TYPING_START"u8);
        table.Take("SOME_NEW_EVENT"u8);
        table.Take("ANOTHER_NEW_EVENT"u8);
        table.Find("READY"u8);

        await Assert.That(CountOf(table, "READY")).IsEqualTo(1);
        await Assert.That(CountOf(table, "TYPING_START")).IsEqualTo(2);
        await Assert.That(CountOf(table, "other")).IsEqualTo(2);
        await Assert.That(table.Take("TYPING_START"u8) is null).IsEqualTo(rule != "*");
    }

    private static long CountOf(RouteTable table, string name)
    {
        for (int i = 0; i < EventCatalogue.Indexes; i++)
        {
            if (EventCatalogue.NameAt(i) == name)
            {
                return table.Taken[i];
            }
        }

        throw new ArgumentException($"there is no place for {name}", nameof(name));
    }

    [Test]
    public async Task A_name_seen_before_keeps_its_route()
    {
        RouteTable table = new([Rule(0, "*")], cluster: 0, shardCount: 16);

        await Assert.That(table.Find("SOME_NEW_EVENT"u8)).IsSameReferenceAs(table.Find("SOME_NEW_EVENT"u8));
    }

    [Test]
    public async Task A_name_seen_before_is_found_without_allocation()
    {
        RouteTable table = new([Rule(0, "*"), Rule(1, "READY")], cluster: 0, shardCount: 16);
        long allocated = 0;

        // The first turns let the runtime allocate what it needs for itself.
        for (int turn = 0; turn < 100; turn++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            table.Find("READY"u8);
            table.Find("SOME_NEW_EVENT"u8);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        await Assert.That(allocated).IsEqualTo(0);
    }

    [Test]
    public async Task Beyond_the_bound_a_name_is_routed_but_not_kept()
    {
        RouteTable table = new([Rule(0, "*")], cluster: 0, shardCount: 16);
        for (int i = 0; i < RouteTable.MaxLearnedNames; i++)
        {
            table.Find(Encoding.UTF8.GetBytes($"EVENT_{i}"));
        }

        await Assert.That(table.Find("EVENT_0"u8)).IsSameReferenceAs(table.Find("EVENT_0"u8));
        await Assert.That(table.Find("ONE_MORE"u8)).IsNotSameReferenceAs(table.Find("ONE_MORE"u8));
        await Assert.That(Render(table, "ONE_MORE", shard: 3)).IsEqualTo("""{"to":"ONE_MORE 3 0"}""");
    }

    [Test]
    public async Task A_name_of_absurd_length_is_routed_but_not_kept()
    {
        RouteTable table = new([Rule(0, "*")], cluster: 0, shardCount: 16);
        byte[] name = Encoding.UTF8.GetBytes(new string('A', RouteTable.MaxLearnedNameLength + 1));

        await Assert.That(table.Find(name)).IsNotSameReferenceAs(table.Find(name));
    }

    [Test]
    [Arguments(0)]
    [Arguments(9)]
    [Arguments(10)]
    [Arguments(65535)]
    [Arguments(int.MaxValue)]
    public async Task A_target_has_its_shard_cluster_and_event(int shard)
    {
        RouteTable table = new([Rule(0, "*")], cluster: 12, shardCount: 16);

        await Assert.That(Render(table, "MESSAGE_CREATE", shard)).IsEqualTo($$"""{"to":"MESSAGE_CREATE {{shard}} 12"}""");
    }

    [Test]
    public async Task A_target_without_variables_is_written_as_it_is()
    {
        TargetTemplateBuilder builder = new();
        builder.AddJson("""{"application":"worker"}""");
        RouteTable table = new([new ForwardingRule(0, DispatchKind.Send, builder.Build(hasOps: false, "worker"), ["READY"], Holds: true, TimeSpan.FromMinutes(1))], cluster: 0, shardCount: 16);

        await Assert.That(Render(table, "READY", shard: 1)).IsEqualTo("""{"application":"worker"}""");
    }

    [Test]
    public void Any_event_name_is_rendered_as_valid_json() => Prop.ForAll<byte[], NonNegativeInt>((name, shard) =>
    {
        RouteTable table = new([Rule(0, "*")], cluster: 0, shardCount: 16);
        RouteCopy copy = table.Find(name)!.Copies[0];
        byte[] target = new byte[copy.MeasureTarget(shard.Get, default)];
        int written = copy.WriteTarget(shard.Get, default, target);
        using JsonDocument json = JsonDocument.Parse(target);
        string expected = $"{Encoding.UTF8.GetString(name)} {shard.Get} 0";
        return written == target.Length && json.RootElement.GetProperty("to").GetString() == expected;
    }).QuickCheckThrowOnFailure();

    /// <summary>A rule whose target is <c>{"to":"{{EVENT}} {{SHARD}} {{CLUSTER}}"}</c>.</summary>
    private static ForwardingRule Rule(int index, params string[] events)
    {
        TargetTemplateBuilder builder = new();
        builder.AddJson("""{"to":""" + "\"");
        builder.AddVariable(new VariableUse(TemplateVariable.Event));
        builder.AddText(" ");
        builder.AddVariable(new VariableUse(TemplateVariable.Shard));
        builder.AddText(" ");
        builder.AddVariable(new VariableUse(TemplateVariable.Cluster));
        builder.AddJson("\"}");
        return new ForwardingRule(index, DispatchKind.Send, builder.Build(hasOps: false, "worker"), events, Holds: true, TimeSpan.FromMinutes(1));
    }

    private static string RuleIndexes(RouteTable table, string name) =>
        string.Join(' ', table.Find(Encoding.UTF8.GetBytes(name))!.Copies.ToArray().Select(copy => copy.Rule.Index));

    private static string Render(RouteTable table, string name, int shard)
    {
        RouteCopy copy = table.Find(Encoding.UTF8.GetBytes(name))!.Copies[0];
        byte[] target = new byte[copy.MeasureTarget(shard, default)];
        return Encoding.UTF8.GetString(target, 0, copy.WriteTarget(shard, default, target));
    }
}
