using SinGateway.Configuration;
using SinGateway.Tests.Configuration;

namespace SinGateway.Tests.Forwarding;

public sealed class TargetQueryTests
{
    [Test]
    [Arguments("{}", "5:11: forwarding.target.application: the key is required, because a target without it matches every client, this gateway included. Name the application id of your workers.")]
    [Arguments("{application: ~}", "5:25: forwarding.target.application: the key is required, because a target without it matches every client, this gateway included. Name the application id of your workers.")]
    [Arguments("{application: \"\"}", "5:25: forwarding.target.application: the key is required, because a target without it matches every client, this gateway included. Name the application id of your workers.")]
    [Arguments("{application: gateway}", "5:25: forwarding.target.application: this is the gateway's own application, so the events would come back to it. Name the application id of your workers, or another one in singyeongDSN.")]
    [Arguments("{application: 5}", "5:25: forwarding.target.application: an application id is text. Put it in quotes.")]
    [Arguments("{application: [a, b]}", "5:25: forwarding.target.application: an application id is text. Put it in quotes.")]
    [Arguments("{application: w, ops: {op: $eq}}", "5:33: forwarding.target.ops: a mapping stands where a list of operators belongs. Put a - before each operator.")]
    [Arguments("{application: w, selector: $min}", "5:38: forwarding.target.selector: a selector is a mapping with one key. Write it as {\"$min\": \"/key\"}.")]
    [Arguments("{application: w, selector: {$mean: load}}", "5:39: forwarding.target.selector: 신경 knows no such selector. It knows $min, $max.")]
    [Arguments("{application: w, selector: {$min: 5}}", "5:45: forwarding.target.selector: a selector names a metadata key. Write it as {\"$min\": \"/key\"}.")]
    [Arguments("{application: \"{{SHARD:int}}\"}", "5:25: forwarding.target.application: an application id is text, and this becomes a number. Put a name before the variable, such as worker-{{SHARD}}.")]
    [Arguments("{application: \"{{GUILD_SLOT:4}}\"}", "5:25: forwarding.target.application: an application id is text, and this becomes a number. Put a name before the variable, such as worker-{{SHARD}}.")]
    [Arguments("{application: \"{{GUILD_ID}}{{USER_ID}}\"}", "5:25: forwarding.target.application: this is empty for an event without such an id, and an empty application matches every client. Put a name before the variable, such as worker-{{GUILD_ID}}.")]
    [Arguments("{application: w, selector: {$avg: load}}", "5:39: forwarding.target.selector.$avg: $avg makes the 신경 server end the connection. Use $min.")]
    [Arguments("{application: w, key: .inf}", "5:33: forwarding.target.key: JSON has no such number. Put it in quotes if it is meant as text.")]
    [Arguments("{application: w, key: 1e400}", "5:33: forwarding.target.key: JSON has no such number. Put it in quotes if it is meant as text.")]
    public async Task A_target_that_does_harm_is_an_error(string target, string expected) =>
        await Assert.That(Sample.ErrorsOf(Sample.With(5, $"  target: {target}"))).IsEqualTo("config.yaml:" + expected);

    /// <summary>The operator starts in column 39 of line 5.</summary>
    [Test]
    [Arguments("x", "5:39: forwarding.target.ops[0]: an operator is a mapping. Write it as {path: /key, op: $eq, to: {value: …}}.")]
    [Arguments("{path: /a}", "5:39: forwarding.target.ops[0].op: the key is required. Name one of $eq, $gt, $gte, $lt, $lte, $in, $contains, $and, $or, $nor.")]
    [Arguments("{op: $ne, path: /a, to: {value: 1}}", "5:44: forwarding.target.ops[0].op: $ne makes the 신경 server end the connection. Use a $nor that holds the $eq.")]
    [Arguments("{op: $nin, path: /a, to: {value: 1}}", "5:44: forwarding.target.ops[0].op: $nin makes the 신경 server end the connection. Use a $nor that holds one $eq for each value.")]
    [Arguments("{op: $ncontains, path: /a, to: {value: 1}}", "5:44: forwarding.target.ops[0].op: $ncontains makes the 신경 server end the connection. Use a $nor that holds the $contains.")]
    [Arguments("{op: eq, path: /a, to: {value: 1}}", "5:44: forwarding.target.ops[0].op: 신경 knows no operator \"eq\", and one that it does not know costs the connection. Did you mean $eq?")]
    [Arguments("{op: $regex_match, path: /a, to: {value: 1}}", "5:44: forwarding.target.ops[0].op: 신경 knows no operator \"$regex_match\", and one that it does not know costs the connection. It knows $eq, $gt, $gte, $lt, $lte, $in, $contains, $and, $or, $nor.")]
    [Arguments("{op: $and, with: []}", "5:56: forwarding.target.ops[0].with: an empty $and makes the 신경 server end the connection. Remove the operator.")]
    [Arguments("{op: $or}", "5:39: forwarding.target.ops[0].with: $or needs a list of operators. Put them below with, a - before each.")]
    [Arguments("{op: $nor, with: [{op: $ne, path: /a, to: {value: 1}}]}", "5:62: forwarding.target.ops[0].with[0].op: $ne makes the 신경 server end the connection. Use a $nor that holds the $eq.")]
    [Arguments("{op: $eq, to: {value: 1}}", "5:39: forwarding.target.ops[0].path: the path of a metadata key starts with a slash. Write it as /key.")]
    [Arguments("{op: $eq, path: a, to: {value: 1}}", "5:55: forwarding.target.ops[0].path: the path of a metadata key starts with a slash. Write it as /key.")]
    [Arguments("{op: $eq, path: /a}", "5:39: forwarding.target.ops[0].to: the value to compare with is missing. Write it as to: {value: …}.")]
    [Arguments("{op: $eq, path: /a, to: 1}", "5:63: forwarding.target.ops[0].to: the value to compare with is missing. Write it as to: {value: …}.")]
    [Arguments("{op: $eq, path: /a, to: {}}", "5:63: forwarding.target.ops[0].to.value: the key is required. Write the value to compare with.")]
    [Arguments("{op: $eq, path: /a, to: {path: /b}}", "5:70: forwarding.target.ops[0].to.path: a comparison with another key (to.path) makes the 신경 server end the connection. Compare with a value.")]
    public async Task An_operator_that_does_harm_is_an_error(string op, string expected) =>
        await Assert.That(Sample.ErrorsOf(Sample.WithOperator(op))).IsEqualTo("config.yaml:" + expected);

    [Test]
    [Arguments("{op: $in, path: /a, to: {value: [1]}}", "5:44: forwarding.target.ops[0].op: $in with a list never matches on the 신경 server. Use an $or that holds one $eq for each value.")]
    [Arguments("{op: $in, path: /a, to: {value: x}}", "5:44: forwarding.target.ops[0].op: $in with a single value can only mean $contains, and is sent as that. Write $contains.")]
    [Arguments("{op: $eq, path: /a, to: {value: [1]}}", "5:44: forwarding.target.ops[0].op: $eq with a list never matches on the 신경 server. Compare with one value, or use $contains.")]
    [Arguments("{op: $eq, path: /shard1, to: {value: 1}}", "5:55: forwarding.target.ops[0].path: a path with a digit inside a name never matches on the 신경 server. Name the metadata key without digits.")]
    [Arguments("{op: $eq, path: \"/a/shard{{SHARD}}\", to: {value: 1}}", "5:55: forwarding.target.ops[0].path: a path with a digit inside a name never matches on the 신경 server. Name the metadata key without digits.")]
    [Arguments("{op: $or, with: [{op: $eq, path: /a1, to: {value: 1}}]}", "5:72: forwarding.target.ops[0].with[0].path: a path with a digit inside a name never matches on the 신경 server. Name the metadata key without digits.")]
    [Arguments("{op: $eq, path: \"/guild{{GUILD_SLOT:4}}\", to: {value: 1}}", "5:55: forwarding.target.ops[0].path: a path with a digit inside a name never matches on the 신경 server. Name the metadata key without digits.")]
    [Arguments("{op: $gte, path: /a, to: {value: \"1.10.0\"}}", "5:72: forwarding.target.ops[0].to.value: the 신경 server orders versions as text, by which 1.10.0 is below 1.9.0. Compare an integer in its place, such as a build number.")]
    [Arguments("{op: $lt, path: /a, to: {value: 2.0.0-rc1}}", "5:71: forwarding.target.ops[0].to.value: the 신경 server orders versions as text, by which 1.10.0 is below 1.9.0. Compare an integer in its place, such as a build number.")]
    [Arguments("{op: $eq, path: /a, to: {value: 1.10.0}}", "")]
    [Arguments("{op: $gt, path: /a, to: {value: a.b.c}}", "")]
    [Arguments("{op: $gt, path: /a, to: {value: 1.5}}", "")]
    [Arguments("{op: $contains, path: /slots, to: {value: \"{{GUILD_SLOT:16}}\"}}", "")]
    [Arguments("{op: $eq, path: \"/{{EVENT}}\", to: {value: 1}}", "")]
    [Arguments("{op: $eq, path: \"/list/{{GUILD_SLOT:4}}\", to: {value: 1}}", "")]
    [Arguments("{op: $eq, path: /list/0, to: {value: 1}}", "")]
    [Arguments("{op: $eq, path: \"/list/{{SHARD}}\", to: {value: 1}}", "")]
    [Arguments("{op: $contains, path: /a, to: {value: ~}}", "")]
    [Arguments("{op: $nor, with: []}", "")]
    public async Task An_operator_that_never_matches_is_a_warning(string op, string expected)
    {
        string text = Sample.WithOperator(op);

        await Assert.That(Sample.ErrorsOf(text)).IsEmpty();
        await Assert.That(Sample.WarningsOf(text)).IsEqualTo(expected.Length == 0 ? "" : "config.yaml:" + expected);
    }

    [Test]
    [Arguments("{application: w, droppable: true}", "5:39: forwarding.target.droppable: 신경 drops a droppable event in silence when no worker matches, so it cannot be held back until one does. Remove the key, or write unrouted: drop.")]
    [Arguments("{application: w, aplication: v}", "5:28: forwarding.target.aplication: 신경 knows no such key in a target. Did you mean application?")]
    [Arguments("{application: \"{{EVENT}}\"}", "")]
    [Arguments("{application: w, ops: ~, selector: ~}", "")]
    [Arguments("{application: w, selector: {$min: /load}}", "5:38: forwarding.target.selector: a selector over workers of whom none matches makes the 신경 server end the connection. Keep one that matches connected at all times, or remove the selector.")]
    [Arguments("{application: w, key: abc}", "5:33: forwarding.target.key: the 신경 server ignores this key. Say what is meant by ops.")]
    [Arguments("{application: w, optional: true}", "5:38: forwarding.target.optional: the 신경 server ignores this key. Say what is meant by ops.")]
    [Arguments("{application: w, optional: false, key: ~}", "")]
    [Arguments("{application: \"w{{GUILD_ID}}\"}", "")]
    [Arguments("{application: \"{{GUILD_ID}}{{SHARD}}\"}", "")]
    [Arguments("{application: w, droppable: false}", "")]
    public async Task A_doubtful_target_is_a_warning(string target, string expected)
    {
        string text = Sample.With(5, $"  target: {target}");

        await Assert.That(Sample.ErrorsOf(text)).IsEmpty();
        await Assert.That(Sample.WarningsOf(text)).IsEqualTo(expected.Length == 0 ? "" : "config.yaml:" + expected);
    }

    [Test]
    [Arguments("{application: w}", """{"application":"w"}""")]
    [Arguments("{application: w, ops: []}", """{"application":"w","ops":[]}""")]
    [Arguments("{application: w, ops: [{op: $or, with: []}]}", """{"application":"w","ops":[{"op":"$or","with":[]}],"droppable":true}""")]
    [Arguments("{application: w, droppable: true, ops: [{op: $or, with: []}]}", """{"application":"w","droppable":true,"ops":[{"op":"$or","with":[]}]}""")]
    [Arguments("{application: w, droppable: false, ops: [{op: $or, with: []}]}", """{"application":"w","ops":[{"op":"$or","with":[]}],"droppable":true}""")]
    public async Task A_broadcast_with_operators_is_droppable(string target, string expected)
    {
        ConfigurationResult result = Sample.Load(Sample.Text.Replace("send", "broadcast", StringComparison.Ordinal)
            .Replace("{application: worker}", target, StringComparison.Ordinal));

        await Assert.That(result.Configuration!.Forwarding[0].Target.ToString()).IsEqualTo(expected);
    }

    [Test]
    public async Task The_greatest_of_a_key_is_warned_of()
    {
        string text = Sample.With(5, "  target: {application: w, selector: {$max: /load}}");

        await Assert.That(Sample.WarningsOf(text)).Contains("$max on the 신경 server may pick a client that has no such key. Use $min, or give every worker the key.");
    }

    [Test]
    [Arguments("{op: $ne, path: /a, to: {value: 1}}", "$ne makes the 신경 server end the connection. Use a $nor that holds the $eq. It is sent, because singyeong.allowUnsafeOperators is true.")]
    [Arguments("{op: $nin, path: /a, to: {value: [1]}}", "$nin makes")]
    [Arguments("{op: $ncontains, path: /a, to: {value: 1}}", "$ncontains makes")]
    [Arguments("{op: $and, with: []}", "an empty $and makes")]
    [Arguments("{op: $eq, path: /a, to: {path: /b, default: 1}}", "a comparison with another key (to.path) makes")]
    public async Task An_operator_that_costs_the_connection_can_be_allowed(string op, string warning)
    {
        string text = Sample.WithOperator(op) + "singyeong: {allowUnsafeOperators: true}\n";

        await Assert.That(Sample.ErrorsOf(text)).IsEmpty();
        await Assert.That(Sample.WarningsOf(text)).Contains(warning);
        await Assert.That(Sample.Load(text).Configuration!.Forwarding[0].Target.ToString()).Contains("\"op\":\"$");
    }

    [Test]
    public async Task A_selector_that_costs_the_connection_can_be_allowed()
    {
        string text = Sample.With(5, "  target: {application: w, selector: {$avg: /load}}") + "singyeong: {allowUnsafeOperators: true}\n";

        await Assert.That(Sample.Load(text).Configuration!.Forwarding[0].Target.ToString()).IsEqualTo("""{"application":"w","selector":{"$avg":"/load"}}""");
    }

    [Test]
    [Arguments("{op: $eqq, path: /a, to: {value: 1}}")]
    [Arguments("{op: $eq, path: a, to: {value: 1}}")]
    public async Task What_no_server_understands_cannot_be_allowed(string op) =>
        await Assert.That(Sample.ErrorsOf(Sample.WithOperator(op) + "singyeong: {allowUnsafeOperators: true}\n")).IsNotEmpty();

    [Test]
    public async Task A_repaired_operator_may_stand_inside_others()
    {
        string text = Sample.WithOperator("{op: $and, with: [{path: /a, op: $in, to: {value: x}}]}");

        await Assert.That(Sample.Load(text).Configuration!.Forwarding[0].Target.ToString())
            .Contains("""{"path":"/a","op":"$contains","to":{"value":"x"}}""");
    }
}
