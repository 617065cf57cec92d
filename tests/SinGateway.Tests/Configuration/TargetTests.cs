using SinGateway.Configuration;

namespace SinGateway.Tests.Configuration;

/// <summary>What 신경 would make of a target is said before anything is sent.</summary>
public sealed class TargetTests
{
    private const string Op = "forwarding.target.ops[0]";
    private const string Ends = " makes the 신경 server end the connection. ";

    [Test]
    [Arguments("{path: /a, op: $ne, to: {value: 1}}", Op + ".op: $ne" + Ends + "Use a $nor that holds the $eq.")]
    [Arguments("{path: /a, op: $nin, to: {value: [1]}}", Op + ".op: $nin" + Ends + "Use a $nor that holds one $eq for each value.")]
    [Arguments("{path: /a, op: $ncontains, to: {value: 1}}", Op + ".op: $ncontains" + Ends + "Use a $nor that holds the $contains.")]
    [Arguments("{op: $and, with: []}", Op + ".with: an empty $and" + Ends + "Remove the operator.")]
    [Arguments("{path: /a, op: $eq, to: {path: /b, default: 1}}", Op + ".to.path: a comparison with another key (to.path)" + Ends + "Compare with a value.")]
    [Arguments("{op: $or, with: [{op: $nor, with: [{path: /a, op: $ne, to: {value: 1}}]}]}", Op + ".with[0].with[0].op: $ne" + Ends + "Use a $nor that holds the $eq.")]
    [Arguments("{path: /a, op: $eqq, to: {value: 1}}", Op + ".op: 신경 knows no operator \"$eqq\", and one that it does not know costs the connection. Did you mean $eq?")]
    [Arguments("{path: a, op: $eq, to: {value: 1}}", Op + ".path: the path of a metadata key starts with a slash. Write it as /key.")]
    [Arguments("{path: /a, op: $eq}", Op + ".to: the value to compare with is missing. Write it as to: {value: …}.")]
    [Arguments("{path: /a, op: $eq, to: {value: .inf}}", Op + ".to.value: JSON has no such number. Put it in quotes if it is meant as text.")]
    [Arguments("{path: /a, op: $eq, to: {value: \"{{event}}\"}}", Op + ".to.value: there is no variable {{event}}. Did you mean {{EVENT}}? The known ones are {{SHARD}}, {{CLUSTER}}, {{EVENT}}, {{SHARDS}}, {{GUILD_ID}}, {{CHANNEL_ID}}, {{USER_ID}}, {{GUILD_SLOT:n}}.")]
    [Arguments("{path: /a, op: $eq, to: {value: \"{{EVENT\"}}", Op + ".to.value: a {{ has no }} behind it. Close the variable.")]
    [Arguments("x", Op + ": an operator is a mapping. Write it as {path: /key, op: $eq, to: {value: …}}.")]
    public async Task An_operator_that_costs_the_connection_is_an_error(string op, string expected) =>
        await Assert.That(WithoutPlace(Sample.ErrorsOf(Sample.WithOperator(op)))).IsEqualTo(expected);

    [Test]
    [Arguments("{path: /a, op: $in, to: {value: [1]}}", Op + ".op: $in with a list never matches on the 신경 server. Use an $or that holds one $eq for each value.")]
    [Arguments("{path: /a, op: $eq, to: {value: [1]}}", Op + ".op: $eq with a list never matches on the 신경 server. Compare with one value, or use $contains.")]
    [Arguments("{path: /shard1, op: $eq, to: {value: 1}}", Op + ".path: a path with a digit inside a name never matches on the 신경 server. Name the metadata key without digits.")]
    [Arguments("{path: \"/shard{{SHARD}}\", op: $eq, to: {value: 1}}", Op + ".path: a path with a digit inside a name never matches on the 신경 server. Name the metadata key without digits.")]
    [Arguments("{path: /list/0, op: $eq, to: {value: 1}}", "")]
    [Arguments("{op: $or, with: []}", "")]
    public async Task What_never_matches_is_warned_of(string op, string expected) =>
        await Assert.That(WithoutPlace(Sample.WarningsOf(Sample.WithOperator(op)))).IsEqualTo(expected);

    [Test]
    [Arguments("{}", "application: the key is required, because a target without it matches every client, this gateway included. Name the application id of your workers.")]
    [Arguments("{application: ''}", "application: the key is required, because a target without it matches every client, this gateway included. Name the application id of your workers.")]
    [Arguments("{application: gateway}", "application: this is the gateway's own application, so the events would come back to it. Name the application id of your workers, or another one in singyeongDSN.")]
    [Arguments("{application: 5}", "application: an application id is text. Put it in quotes.")]
    [Arguments("{application: w, selector: {$avg: /a}}", "selector.$avg: $avg" + Ends + "Use $min.")]
    [Arguments("{application: w, droppable: yes}", "droppable: this is neither true nor false. Write one of the two, without quotes.")]
    [Arguments("{application: w, ops: {path: /a}}", "ops: a mapping stands where a list of operators belongs. Put a - before each operator.")]
    public async Task A_target_that_would_harm_is_an_error(string target, string expected) =>
        await Assert.That(WithoutPlace(Sample.ErrorsOf(Sample.With(5, $"  target: {target}")))).IsEqualTo("forwarding.target." + expected);

    [Test]
    [Arguments("{application: w, droppable: true}", "droppable: 신경 drops a droppable event in silence when no worker matches, so it cannot be held back until one does. Remove the key, or write unrouted: drop.")]
    [Arguments("{application: w, aplication: w}", "aplication: 신경 knows no such key in a target. Did you mean application?")]
    public async Task A_target_that_may_surprise_is_warned_of(string target, string expected) =>
        await Assert.That(WithoutPlace(Sample.WarningsOf(Sample.With(5, $"  target: {target}")))).IsEqualTo("forwarding.target." + expected);

    [Test]
    [Arguments("ops: []", "\"ops\":[]")]
    [Arguments("ops: [{path: /a, op: $gt, to: {value: 1}}]", "\"ops\":[{\"path\":\"/a\",\"op\":\"$gt\",\"to\":{\"value\":1}}],\"droppable\":true")]
    [Arguments("droppable: false, ops: [{path: /a, op: $gt, to: {value: 1}}]", "\"ops\":[{\"path\":\"/a\",\"op\":\"$gt\",\"to\":{\"value\":1}}],\"droppable\":true")]
    [Arguments("droppable: false", "\"droppable\":false")]
    public async Task A_broadcast_with_operators_is_sent_as_droppable(string keys, string expected)
    {
        string text = Sample.With(5, $"  target: {{application: w, {keys}}}").Replace("send", "broadcast", StringComparison.Ordinal);

        await Assert.That(Sample.Load(text).Configuration!.Forwarding[0].Target.ToString()).IsEqualTo($"{{\"application\":\"w\",{expected}}}");
    }

    private static string WithoutPlace(string problem) => problem.Length == 0 ? "" : problem[(problem.IndexOf(": ", StringComparison.Ordinal) + 2)..];
}
