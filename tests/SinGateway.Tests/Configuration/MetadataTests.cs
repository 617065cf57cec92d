using SinGateway.Configuration;
using SinGateway.Singyeong;

namespace SinGateway.Tests.Configuration;

/// <summary>singyeong.metadata: plain values have the type that they look like, and {type, value} converts.</summary>
public sealed class MetadataTests
{
    [Test]
    [Arguments("gateway", "string", "\"gateway\"")]
    [Arguments("\"5\"", "string", "\"5\"")]
    [Arguments("\"a\\n\\\"é한\"", "string", "\"a\\n\\\"é한\"")]
    [Arguments("007", "integer", "7")]
    [Arguments("-12345678901234567890123", "integer", "-12345678901234567890123")]
    [Arguments("1.0", "float", "1.0")]
    [Arguments("1e3", "float", "1000.0")]
    [Arguments("True", "boolean", "true")]
    [Arguments("[1, a, [true], ~]", "list", "[1,\"a\",[true],null]")]
    [Arguments("[]", "list", "[]")]
    [Arguments("{a: {b: 1.5}}", "map", "{\"a\":{\"b\":1.5}}")]
    [Arguments("{type: a}", "map", "{\"type\":\"a\"}")]
    [Arguments("{type: a, value: b, more: c}", "map", "{\"type\":\"a\",\"value\":\"b\",\"more\":\"c\"}")]
    [Arguments("{type: version, value: 1.2.3}", "version", "\"1.2.3\"")]
    [Arguments("{type: version, value: \"1.2.0-rc.1+b5\"}", "version", "\"1.2.0-rc.1+b5\"")]
    [Arguments("{type: string, value: 5}", "string", "\"5\"")]
    [Arguments("{type: integer, value: \"${NUMBER}\"}", "integer", "513")]
    [Arguments("{type: float, value: 1}", "float", "1.0")]
    [Arguments("{type: float, value: \"2.5\"}", "float", "2.5")]
    [Arguments("{type: boolean, value: \"false\"}", "boolean", "false")]
    [Arguments("{type: list, value: [1]}", "list", "[1]")]
    [Arguments("{type: map, value: {type: a, value: b}}", "map", "{\"type\":\"a\",\"value\":\"b\"}")]
    [Arguments("\"${APPLICATION}\"", "string", "\"worker\"")]
    [Arguments("\"${NUMBER}\"", "string", "\"513\"")]
    [Arguments("\"{{SHARD}}\"", "string", "\"{{SHARD}}\"")]
    public async Task A_value_has_a_type(string value, string type, string json)
    {
        ConfigurationResult result = Sample.Load(With($"role: {value}"));

        await Assert.That(string.Join('\n', result.Errors.Concat(result.Warnings))).IsEmpty();
        await Assert.That(result.Configuration!.SingyeongMetadata).IsEquivalentTo([new MetadataEntry("role", type, json)]);
    }

    /// <summary>The key starts in column 24 of line 7.</summary>
    [Test]
    [Arguments("shards: [1]", "7:24: singyeong.metadata.shards: the gateway sets this key itself, so that workers find the one that holds a shard. Name it otherwise.")]
    [Arguments("cluster: 1", "7:24: singyeong.metadata.cluster: the gateway sets this key itself, so that workers find the one that holds a shard. Name it otherwise.")]
    [Arguments("shard_count: 1", "7:24: singyeong.metadata.shard_count: the gateway sets this key itself, so that workers find the one that holds a shard. Name it otherwise.")]
    [Arguments("ip: a", "7:24: singyeong.metadata.ip: 신경 sets this key itself, and ends the connection of a client that does. Name it otherwise.")]
    [Arguments("\"\": a", "7:24: singyeong.metadata.: a metadata key is empty. Name it.")]
    [Arguments("a: ~", "7:27: singyeong.metadata.a: the key has no value, and 신경 has no type for that. Write a value, or remove the key.")]
    [Arguments("a: .inf", "7:27: singyeong.metadata.a: JSON has no such number. Put it in quotes if it is meant as text.")]
    [Arguments("a: {b: [1, .nan]}", "7:35: singyeong.metadata.a.b[1]: JSON has no such number. Put it in quotes if it is meant as text.")]
    [Arguments("a: {type: verson, value: 1.2.3}", "7:34: singyeong.metadata.a.type: 신경 knows no type \"verson\". Did you mean version?")]
    [Arguments("a: {type: date, value: 1}", "7:34: singyeong.metadata.a.type: 신경 knows no type \"date\". It knows string, integer, float, version, list, boolean, map.")]
    [Arguments("a: {type: [a], value: 1}", "7:34: singyeong.metadata.a.type: 신경 knows no type a list. It knows string, integer, float, version, list, boolean, map.")]
    [Arguments("a: {type: version, value: \"1.2\"}", "7:50: singyeong.metadata.a.value: \"1.2\" is no version. Write three numbers, such as \"1.2.3\", in quotes.")]
    [Arguments("a: {type: version, value: 01.2.3}", "7:50: singyeong.metadata.a.value: \"01.2.3\" is no version. Write three numbers, such as \"1.2.3\", in quotes.")]
    [Arguments("a: {type: version, value: 1.2.3-}", "7:50: singyeong.metadata.a.value: \"1.2.3-\" is no version. Write three numbers, such as \"1.2.3\", in quotes.")]
    [Arguments("a: {type: integer, value: 1.5}", "7:50: singyeong.metadata.a.value: \"1.5\" is no integer. Write a value of this type, or another type.")]
    [Arguments("a: {type: boolean, value: 1}", "7:50: singyeong.metadata.a.value: \"1\" is no boolean. Write a value of this type, or another type.")]
    [Arguments("a: {type: list, value: {}}", "7:47: singyeong.metadata.a.value: a mapping is no list. Write a value of this type, or another type.")]
    [Arguments("a: {type: map, value: x}", "7:46: singyeong.metadata.a.value: \"x\" is no map. Write a value of this type, or another type.")]
    [Arguments("a: {type: string, value: ~}", "7:49: singyeong.metadata.a.value: \"~\" is no string. Write a value of this type, or another type.")]
    public async Task What_the_server_would_refuse_is_an_error(string entry, string expected) =>
        await Assert.That(Sample.ErrorsOf(With(entry))).IsEqualTo("config.yaml:" + expected);

    [Test]
    [Arguments("shard1: 1")]
    [Arguments("a/b: 1")]
    public async Task A_key_that_no_path_can_name_is_warned_of(string entry) =>
        await Assert.That(Sample.WarningsOf(With(entry))).EndsWith(": a path with this key never matches on the 신경 server. Name it without digits and slashes.");

    [Test]
    public async Task A_namespace_is_text()
    {
        await Assert.That(Sample.Load(Sample.With(7, "singyeong: {namespace: \"${APPLICATION}\"}")).Configuration!.SingyeongNamespace).IsEqualTo("worker");
        await Assert.That(Sample.Load(Sample.Text).Configuration!.SingyeongNamespace).IsNull();
    }

    private static string With(string entry) => Sample.With(7, $"singyeong: {{metadata: {{{entry}}}}}");
}
