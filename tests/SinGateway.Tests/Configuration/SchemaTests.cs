using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using SinGateway.Configuration;
using SinGateway.Discord;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests.Configuration;

/// <summary>config.schema.json, which editors check a configuration by, against the program, which has the last word.</summary>
public sealed partial class SchemaTests
{
    private static readonly string Root = Path.Combine(Path.GetDirectoryName(Here())!, "../../..");
    private static readonly string SchemaFile = Path.Combine(Root, "config.schema.json");
    private static readonly JsonNode Definitions = JsonNode.Parse(File.ReadAllText(SchemaFile))!["$defs"]!;

    /// <summary>The definition of a set of keys has the name of its field: <c>KeySet.Discord</c> is <c>#/$defs/discord</c>.</summary>
    private static readonly (string Name, KeySet Keys)[] KeySets =
    [
        .. typeof(KeySet).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (JsonNamingPolicy.CamelCase.ConvertName(field.Name), (KeySet)field.GetValue(null)!)),
    ];

    /// <summary>Sections whose keys are those of a later version, until they have a set of keys.</summary>
    private static string[] Later => [.. KeySet.Root.Later.Where(key => KeySets.All(set => set.Name != key))];

    /// <summary>What replaces or follows the sample's lines, and is right.</summary>
    private static readonly string[] GoodLines =
    [
        "", "loggingLevel: debug", "logFormat: json", "logFormat: ", "intents: \"513\"", "intents: [GUILDS, \"${WHICH:-GUILDS}\"]", "intents: []", "intents: \"${NUMBER}\"",
        "redisDSN: redis://user:pass@host:1/2", "redisDSN: unix:///run/redis.sock?db=1", "redisPrefix: 5", "stateFile: s", "commands: {enabled: yes}", "commands: ",
        "redisDSN: redis://h\nclustering: {enabled: true, clusterCount: 2, clusterShards: \"4\"}", "clustering: {enabled: \"off\", clusterCount: 0}",
        "discord: {shardCount: auto, largeThreshold: 50, compression: none, apiBaseURL: HTTPS://h/api}", "discord: {shardCount: 16}", "discord: {shardCount: \"${NUMBER}\"}",
        "discord: {presence: {status: dnd, afk: true, since: 5, activities: [{type: watching, name: x}, {type: 4, state: y}, {type: STREAMING, name: z, url: https://twitch.tv/a}]}}",
        "discord: {presence: {activities: }}", "singyeong: {outbox: 256KiB, namespace: n, allowUnsafeOperators: true, connections: 64}", "singyeong: {outbox: 1048576, whenFull: close}",
        "singyeong: {metadata: {role: x, list: [1], map: {a: b}, version: {type: version, value: 1.2.3}, n: 5, typed: {type: a, other: b}}}", "operations: {reload: true}", "spool: {directory: x, maxSize: 1MiB}", "spool: ", "redisDSN: redis://h\nspool: {directory: x, maxSize: 1048576, commits: true}",
    ];

    /// <summary>The same, and wrong in a way that a schema can say.</summary>
    private static readonly string[] BadLines =
    [
        "tokn: x", "discord: {token: x}", "clustering: {clusterCont: 2}", "operations: {listn: x}", "loggingLevel: LOUD", "logFormat: xml", "intents: [GUILD]", "intents: -1", "intents: many",
        "intents: 1.5", "redisDSN: http://x", "redisPrefix: [a]", "stateFile: \"\"", "commands: {enabled: perhaps}", "commands: true", "clustering: {enabled: true, clusterCount: 1, clusterShards: 1}",
        "redisDSN: redis://h\nclustering: {enabled: true, clusterCount: 1}", "redisDSN: redis://h\nclustering: {enabled: true, clusterCount: 0, clusterShards: 1}", "clustering: {enabled: maybe}",
        "redisDSN: redis://h\nclustering: {enabled: true, clusterCount: 1, clusterShards: 1}\ndiscord: {shardCount: 1}", "discord: 5", "discord: {compression: gzip}", "discord: {shardCount: 0}",
        "discord: {largeThreshold: 49}", "discord: {largeThreshold: 251}", "discord: {apiBaseURL: localhost}", "discord: {presence: {status: away}}", "discord: {presence: {since: -1}}",
        "discord: {presence: {activities: {type: 1}}}", "discord: {presence: {activities: [{type: watching}]}}", "discord: {presence: {activities: [{type: custom, name: x}]}}",
        "discord: {presence: {activities: [{type: streaming, name: x, url: https://example.org/}]}}", "discord: {presence: {activities: [{type: sleeping, name: x}]}}",
        "discord: {presence: {activities: [{name: x}]}}", "discord: {presence: {activities: [{type: 6, name: x}]}}", "singyeong: {outbox: 1}", "singyeong: {outbox: much}", "singyeong: {connections: 0}", "singyeong: {whenFull: wait}",
        "singyeong: {connections: 65}", "singyeong: {namespace: \"\"}", "singyeong: {namespace: [a]}", "singyeong: {metadata: [a]}", "singyeong: {metadata: {shards: 5}}", "singyeong: {metadata: {a: }}",
        "singyeong: {metadata: {a: {type: date, value: 1}}}", "singyeong: {allowUnsafeOperators: perhaps}", "operations: {reload: often}", "operations: [a]", "spool: {}", "spool: {directory: \"\"}", "spool: x", "spool: {directory: x, maxSize: 5}", "spool: {directory: x, commits: 2}",
    ];

    private static readonly (int Line, string Text)[] GoodRules =
    [
        (1, "token: \"Bot abc.def_-\""), (1, "token: \"${TOKEN}\""), (2, "singyeongDSN: \"ssingyeong://app:p@ss@[::1]:80/?encoding=etf\""), (2, "singyeongDSN: \"${A:-singyeong://g@h}\""),
        (4, "  type: BroadCast"), (4, "  type: send\n  unrouted: DROP"), (4, "  type: send\n  holdFor: 5M"), (4, "  type: send\n  holdFor: 90"), (4, "  type: send\n  holdFor: 24h"),
        (5, "  target: {application: \"${APPLICATION}\", ops: [{op: $or, with: [{path: /a, op: $eq, to: {value: }}]}], selector: {$min: /load}, droppable: false}"),
        (5, "  target: {application: worker, ops: , selector: }"), (6, "  events: [\"*\"]"), (6, "  events: [READY, SOMETHING_NEW]"),
    ];

    private static readonly (int Line, string Text)[] BadRules =
    [
        (1, ""), (1, "token: "), (1, "token: a b"), (2, "singyeongDSN: singyeong://localhost"), (2, "singyeongDSN: http://g@h"), (2, ""), (4, "  type: post"), (4, ""), (4, "  type: send\n  unrouted: keep"),
        (4, "  type: send\n  holdFor: soon"), (4, "  type: send\n  holdFor: 0"), (4, "  type: send\n  extra: 1"), (5, "  target: worker"), (5, "  target: {}"), (5, "  target: {application: }"),
        (5, "  target: {application: 5}"), (5, "  target: {application: worker, ops: {}}"), (5, "  target: {application: worker, ops: [{path: /a, op: $same, to: {value: 1}}]}"),
        (5, "  target: {application: worker, ops: [{path: a, op: $eq, to: {value: 1}}]}"), (5, "  target: {application: worker, ops: [{path: /a, op: $eq}]}"),
        (5, "  target: {application: worker, ops: [{path: /a, op: $eq, to: {}}]}"), (5, "  target: {application: worker, ops: [{op: $or}]}"),
        (5, "  target: {application: worker, selector: {$median: /a}}"), (5, "  target: {application: worker, droppable: maybe}"),
        (6, "  events: [message_create]"), (6, "  events: READY"), (6, "  events: []"), (6, ""),
    ];

    [Test]
    public async Task Every_key_of_the_program_is_in_the_schema_and_the_other_way_round()
    {
        foreach ((string name, KeySet set) in KeySets)
        {
            string[] keys = [.. Definitions[name]!["properties"]!.AsObject().Select(property => property.Key).Order(StringComparer.Ordinal)];

            await Assert.That(string.Join(' ', keys)).IsEqualTo(string.Join(' ', set.Built.Concat(set.Later).Order(StringComparer.Ordinal))).Because(name);
        }
    }

    [Test]
    public async Task Every_section_of_the_schema_is_one_of_the_program_and_takes_no_other_key()
    {
        string[] closed = [.. Definitions.AsObject().Where(definition => definition.Value!["additionalProperties"]?.GetValueKind() == JsonValueKind.False).Select(definition => definition.Key)];

        await Assert.That(closed).IsEquivalentTo([.. KeySets.Select(set => set.Name), .. Later.Where(key => Definitions[key] is not null)]);
    }

    [Test]
    public async Task Every_key_is_described()
    {
        foreach (JsonNode? definition in Definitions.AsObject().Select(definition => definition.Value))
        {
            foreach ((string key, JsonNode? property) in definition!["properties"]?.AsObject() ?? [])
            {
                JsonNode described = property!["description"] is null && property["$ref"] is { } reference
                    ? Definitions[reference.GetValue<string>()["#/$defs/".Length..]]!
                    : property;
                await Assert.That(described["description"]?.GetValue<string>()).IsNotNull().Because(key);
            }
        }
    }

    [Test]
    public async Task The_schemas_defaults_are_the_programs()
    {
        JsonObject file = new() { ["token"] = "abc", ["singyeongDSN"] = "singyeong://gateway@localhost" };
        file["forwarding"] = JsonNode.Parse("""{"type":"send","target":{"application":"worker"},"events":["READY"]}""");
        file["spool"] = JsonNode.Parse("""{"directory":"d"}""");
        GatewayConfiguration plain = Load(file);
        Fill(file, "root", KeySet.Root);
        Fill(file["forwarding"]!.AsObject(), "rule", KeySet.Rule);
        foreach ((string name, KeySet set) in KeySets.Where(set => KeySet.Root.Built.Contains(set.Name)))
        {
            file[name] ??= new JsonObject();
            Fill(file[name]!.AsObject(), name, set);
        }

        GatewayConfiguration filled = Load(file);
        await Assert.That(filled.Forwarding[0].HoldFor).IsEqualTo(plain.Forwarding[0].HoldFor);
        await Assert.That(filled with { Singyeong = plain.Singyeong, Forwarding = plain.Forwarding }).IsEqualTo(plain);
    }

    [Test]
    public async Task The_schema_knows_the_events_and_intents_of_the_program()
    {
        JsonNode events = Definitions["rule"]!["properties"]!["events"]!["items"]!["anyOf"]![0]!["enum"]!;
        JsonNode intents = Definitions["root"]!["properties"]!["intents"]!["anyOf"]![0]!["items"]!["anyOf"]![0]!["enum"]!;

        await Assert.That(events.AsArray().Select(name => name!.GetValue<string>())).IsEquivalentTo(["*", .. EventCatalogue.Names]);
        await Assert.That(intents.AsArray().Select(name => name!.GetValue<string>())).IsEquivalentTo(Intents.Known.Select(intent => intent.Name));
    }

    [Test]
    public async Task What_the_program_takes_the_schema_takes()
    {
        string[] files = [.. GoodLines.Select(line => Sample.With(7, line)), .. GoodRules.Select(rule => Sample.With(rule.Line, rule.Text)), .. Documented(), Sample.Text];

        await Assert.That(string.Join('\n', files.Select(file => Sample.ErrorsOf(file)).Where(errors => errors.Length > 0))).IsEmpty();
        await Assert.That(string.Join('\n', Validate(files).Zip(files).Where(result => result.First != "valid").Select(result => $"{result.First}\n{result.Second}"))).IsEmpty();
    }

    [Test]
    public async Task What_the_schema_refuses_the_program_refuses()
    {
        string[] files = [.. BadLines.Select(line => Sample.With(7, line)), .. BadRules.Select(rule => Sample.With(rule.Line, rule.Text))];

        await Assert.That(string.Join('\n', files.Where(file => Sample.ErrorsOf(file).Length == 0))).IsEmpty();
        await Assert.That(string.Join('\n', Validate(files).Zip(files).Where(result => result.First == "valid").Select(result => result.Second))).IsEmpty();
    }

    [Test]
    public async Task The_example_names_the_schema_to_editors() =>
        await Assert.That(File.ReadLines(Path.Combine(Root, "config.example.yaml")).First()).IsEqualTo("# yaml-language-server: $schema=./config.schema.json");

    /// <summary>The example file, as it stands and with what it shows in comments, and the README's files.</summary>
    private static IEnumerable<string> Documented()
    {
        string example = File.ReadAllText(Path.Combine(Root, "config.example.yaml"));
        yield return example;
        yield return Uncommented().Replace(example, "$1$2");
        string readme = File.ReadAllText(Path.Combine(Root, "README.md")).Replace("${DISCORD_TOKEN}", "${TOKEN}", StringComparison.Ordinal);
        foreach (Match block in YamlBlock().Matches(readme))
        {
            yield return block.Groups[1].Value;
        }
    }

    private static void Fill(JsonObject section, string definition, KeySet keys)
    {
        foreach ((string key, JsonNode? property) in Definitions[definition]!["properties"]!.AsObject())
        {
            if (keys.Built.Contains(key) && property!["default"] is { } value)
            {
                section[key] = value.DeepClone();
            }
        }
    }

    private static GatewayConfiguration Load(JsonObject file)
    {
        ConfigurationResult result = Sample.Load(file.ToJsonString(), "config.json");
        return result.Configuration ?? throw new InvalidOperationException(string.Join('\n', result.Errors));
    }

    /// <summary>What an independent validator says of each file: valid, or what is wrong.</summary>
    private static string[] Validate(string[] files)
    {
        OtherProgram.RequireOrSkip("python3-jsonschema", "/usr/bin/python3", "-c", "import jsonschema");
        using TemporaryDirectory directory = new();
        File.WriteAllLines(directory.File("cases"), files.Select(file => ToJson(YamlReader.Read(file, new ProblemList("config.yaml")))?.ToJsonString() ?? "null"));
        string script = Path.Combine(AppContext.BaseDirectory, "Configuration", "Schema", "validate.py");
        return OtherProgram.Run("/usr/bin/python3", script, SchemaFile, directory.File("cases")).TrimEnd('\n').Split('\n');
    }

    private static JsonNode? ToJson(ConfigurationNode? node) => node switch
    {
        MappingNode mapping => new JsonObject(mapping.Entries.Select(entry => KeyValuePair.Create(entry.Key, ToJson(entry.Value)))),
        SequenceNode sequence => new JsonArray([.. sequence.Items.Select(ToJson)]),
        ScalarNode scalar when CoreSchema.ToJson(scalar.Kind, scalar.Value) is { } literal => JsonNode.Parse(literal),
        ScalarNode scalar => JsonValue.Create(scalar.Value),
        _ => null,
    };

    private static string Here([CallerFilePath] string path = "") => path;

    /// <summary>A key in a comment that the example shows for use, but for those of a later version and those that need another.</summary>
    [GeneratedRegex(@"^( +)# ((?:namespace|metadata|unrouted|holdFor|presence|  status|  afk|  since|  activities|    -|clusterCount|clusterShards)\b?.*)$", RegexOptions.Multiline)]
    private static partial Regex Uncommented();

    [GeneratedRegex(@"```yaml\n(token:.*?)```", RegexOptions.Singleline)]
    private static partial Regex YamlBlock();
}
