using SinGateway.Configuration;
using SinGateway.Forwarding;

namespace SinGateway.Tests.Configuration;

/// <summary>What a rule says of events that no worker takes (G9, G10).</summary>
public sealed class UnroutedTests
{
    [Test]
    [Arguments("send", "", true, 60)]
    [Arguments("send", "\n  unrouted: drop", false, 60)]
    [Arguments("send", "\n  holdFor: 5m", true, 300)]
    [Arguments("SEND", "\n  unrouted: HOLD\n  holdFor: 90", true, 90)]
    [Arguments("broadcast", "", false, 60)]
    [Arguments("broadcast", "\n  unrouted: hold\n  holdFor: 1h", true, 3_600)]
    public async Task A_rule_holds_or_drops_by_its_kind_or_as_it_says(string type, string more, bool holds, int seconds)
    {
        ForwardingRule rule = Rule($"  type: {type}{more}");

        await Assert.That((rule.Holds, rule.HoldFor.TotalSeconds)).IsEqualTo((holds, (double)seconds));
    }

    [Test]
    public async Task A_target_with_ops_that_may_be_dropped_says_so_to_the_server()
    {
        const string Ops = "  target: {application: w, ops: [{path: /a, op: $eq, to: {value: 1}}]}";
        ConfigurationResult drops = Sample.Load(Sample.With(4, "  type: send\n  unrouted: drop").Replace("  target: {application: worker}", Ops, StringComparison.Ordinal));
        ConfigurationResult holds = Sample.Load(Sample.With(4, "  type: broadcast\n  unrouted: hold").Replace("  target: {application: worker}", Ops, StringComparison.Ordinal));

        await Assert.That(drops.Configuration!.Forwarding[0].Target.ToString()).Contains("\"droppable\":true");
        await Assert.That(holds.Configuration!.Forwarding[0].Target.ToString()).DoesNotContain("droppable");
    }

    [Test]
    public async Task A_time_without_holding_is_warned_of()
    {
        ConfigurationResult result = Sample.Load(Sample.With(4, "  type: send\n  unrouted: drop\n  holdFor: 5s"));

        await Assert.That(string.Join('\n', result.Warnings)).Contains("forwarding.holdFor: nothing is held");
    }

    [Test]
    [Arguments("worker", "worker")]
    [Arguments("\"w-{{CLUSTER}}\"", null)]
    public async Task The_application_of_a_lane_is_known_unless_variables_decide(string application, string? expected)
    {
        ConfigurationResult result = Sample.Load(Sample.With(5, $"  target: {{application: {application}}}"));

        await Assert.That(result.Configuration!.Forwarding[0].Target.Application).IsEqualTo(expected);
    }

    private static ForwardingRule Rule(string type) => Sample.Load(Sample.With(4, type)).Configuration!.Forwarding[0];
}
