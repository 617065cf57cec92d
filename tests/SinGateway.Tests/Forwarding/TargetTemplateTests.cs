using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using SinGateway.Configuration;
using SinGateway.Forwarding;
using SinGateway.Tests.Configuration;

namespace SinGateway.Tests.Forwarding;

public sealed class TargetTemplateTests
{
    private const string Known = "{{SHARD}}, {{CLUSTER}}, {{EVENT}}, {{SHARDS}}, {{GUILD_ID}}, {{CHANNEL_ID}}, {{USER_ID}}, {{GUILD_SLOT:n}}";

    [Test]
    [Arguments("{{GUILD_SLTO:16}}", "there is no variable {{GUILD_SLTO:16}}. Did you mean {{GUILD_SLOT:n}}? The known ones are " + Known + ".")]
    [Arguments("{{GUILD_ID:string}}", "there is no variable {{GUILD_ID:string}}. Write {{GUILD_ID}}, or {{GUILD_ID:int}} for a number.")]
    [Arguments("{{EVENT:x}}", "there is no variable {{EVENT:x}}. Write {{EVENT}}.")]
    [Arguments("{{EVENT:int}}", "{{EVENT:int}} would be a number, and an event's name is none. Write {{EVENT}}.")]
    [Arguments("a{{SHARD:int}}", "{{SHARD:int}} is a number only where it stands alone in its string. Write {{SHARD}} here.")]
    [Arguments("{{USER_ID:int}} ", "{{USER_ID:int}} is a number only where it stands alone in its string. Write {{USER_ID}} here.")]
    [Arguments("{{GUILD_SLOT}}", "{{GUILD_SLOT}} does not say how many slots there are, 1 to 1000000. Write {{GUILD_SLOT:16}} for 16.")]
    [Arguments("{{GUILD_SLOT:0}}", "{{GUILD_SLOT:0}} does not say how many slots there are, 1 to 1000000. Write {{GUILD_SLOT:16}} for 16.")]
    [Arguments("{{GUILD_SLOT:-1}}", "{{GUILD_SLOT:-1}} does not say how many slots there are, 1 to 1000000. Write {{GUILD_SLOT:16}} for 16.")]
    [Arguments("{{GUILD_SLOT:1000001}}", "{{GUILD_SLOT:1000001}} does not say how many slots there are, 1 to 1000000. Write {{GUILD_SLOT:16}} for 16.")]
    [Arguments("{{GUILD_SLOT:16:int}}", "{{GUILD_SLOT:16:int}} does not say how many slots there are, 1 to 1000000. Write {{GUILD_SLOT:16}} for 16.")]
    [Arguments("{{event}}", "there is no variable {{event}}. Did you mean {{EVENT}}? The known ones are " + Known + ".")]
    [Arguments("{{ EVENT }}", "there is no variable {{ EVENT }}. Did you mean {{EVENT}}? The known ones are " + Known + ".")]
    [Arguments("{{PAYLOAD_SIZE}}", "there is no variable {{PAYLOAD_SIZE}}. The known ones are " + Known + ".")]
    [Arguments("{{}}", "there is no variable {{}}. The known ones are " + Known + ".")]
    [Arguments("a {{EVENT} b", "a {{ has no }} behind it. Close the variable.")]
    public async Task A_variable_that_is_not_there_is_an_error(string value, string expected) =>
        await Assert.That(Sample.ErrorsOf(Sample.With(5, $"  target: {{application: worker, key: \"{value}\"}}")))
            .IsEqualTo("config.yaml:5:38: forwarding.target.key: " + expected);

    [Test]
    [Arguments("[0, -0, +7, 007, 0x1F, 0o17, 12345678901234567890123]", "[0,0,7,7,31,15,12345678901234567890123]")]
    [Arguments("[1.0, .5, 1., 1e3, -2.50, 1e-7]", "[1.0,0.5,1.0,1000.0,-2.5,1E-07]")]
    [Arguments("[true, False, ~, null, yes, \"true\", '1']", "[true,false,null,null,\"yes\",\"true\",\"1\"]")]
    [Arguments("[{}, [], {a: {b: \"\"}}]", "[{},[],{\"a\":{\"b\":\"\"}}]")]
    [Arguments("\"\\\" \\\\ \\n \\x01 é 한 <&'>\"", "\"\\\" \\\\ \\n \\u0001 é 한 <&'>\"")]
    [Arguments("\"{EVENT} }} { {x\"", "\"{EVENT} }} { {x\"")]
    [Arguments("{\"{{EVENT}}\": 1}", "{\"{{EVENT}}\":1}")]
    public async Task A_value_becomes_compact_json(string value, string expected)
    {
        ConfigurationResult result = Sample.Load(Sample.With(5, $"  target: {{application: worker, key: {value}}}"));

        await Assert.That(string.Join('\n', result.Errors)).IsEmpty();
        await Assert.That(result.Configuration!.Forwarding[0].Target.ToString()).IsEqualTo($$"""{"application":"worker","key":{{expected}}}""");
    }

    [Test]
    public void Any_text_around_variables_is_rendered_as_valid_json() => Prop.ForAll<string, string, NonNegativeInt>((before, after, shard) =>
    {
        // Braces would be read as variables; a lone surrogate has no UTF-8 and is replaced.
        string head = Clean(before);
        string tail = Clean(after);
        SourcePosition nowhere = SourcePosition.Start;
        string text = head + "{{SHARD}}/{{EVENT}}/{{CLUSTER}}" + tail;
        MappingNode target = new(nowhere, [new MappingEntry(nowhere, tail, new ScalarNode(nowhere, text, text, ScalarKind.Text))]);
        TargetTemplate template = TargetCompiler.Compile(target, "", hasOps: false, new ProblemList("config.yaml"));
        RouteCopy copy = new(new ForwardingRule(0, DispatchKind.Send, template, ["*"], Holds: true, TimeSpan.FromMinutes(1)), "READY"u8, cluster: 7, shardCount: 16);
        byte[] bytes = new byte[copy.MeasureTarget(shard.Get, default)];
        copy.WriteTarget(shard.Get, default, bytes);
        using JsonDocument json = JsonDocument.Parse(bytes);
        return json.RootElement.GetProperty(tail).GetString() == $"{head}{shard.Get}/READY/7{tail}";
    }).QuickCheckThrowOnFailure();

    private static string Clean(string? text) =>
        Encoding.UTF8.GetString(Encoding.UTF8.GetBytes((text ?? "").Replace("{", "", StringComparison.Ordinal)));
}
