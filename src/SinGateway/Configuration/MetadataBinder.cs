using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using SinGateway.Singyeong;

namespace SinGateway.Configuration;

/// <summary>
/// Reads <c>singyeong.metadata</c>: a mapping of keys to plain values, whose type at 신경 is that of the value, or to <c>{type, value}</c>,
/// which converts: what came from the environment is text otherwise, and a version can be told in no other way. The server closes a
/// connection whose metadata is not of its type, so each value is checked (singyeong PROTOCOL.md, metadata).
/// </summary>
internal sealed class MetadataBinder(ProblemList problems)
{
    private const string VersionHint = "Write three numbers, such as \"1.2.3\", in quotes.";

    private static readonly string[] Types = ["string", "integer", "float", "version", "list", "boolean", "map"];
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The entries that could be read, in the file's order.</summary>
    public IReadOnlyList<MetadataEntry> Bind(MappingNode metadata, string path)
    {
        List<MetadataEntry> entries = [];
        foreach (MappingEntry entry in metadata.Entries)
        {
            if (BindEntry(entry, KeyPath.Of(path, entry.Key)) is { } bound)
            {
                entries.Add(bound);
            }
        }

        return entries;
    }

    private MetadataEntry? BindEntry(MappingEntry entry, string path)
    {
        if (MetadataEntry.OfGateway.Contains(entry.Key))
        {
            problems.Error(entry.Position, path, "the gateway sets this key itself, so that workers find the one that holds a shard", "Name it otherwise.");
            return null;
        }

        if (MetadataEntry.OfServer.Contains(entry.Key))
        {
            problems.Error(entry.Position, path, "신경 sets this key itself, and ends the connection of a client that does", "Name it otherwise.");
            return null;
        }

        if (entry.Key.Length == 0)
        {
            problems.Error(entry.Position, path, "a metadata key is empty", "Name it.");
            return null;
        }

        if (entry.Key.Any(c => char.IsAsciiDigit(c) || c == '/'))
        {
            problems.Warning(entry.Position, path, "a path with this key never matches on the 신경 server", "Name it without digits and slashes.");
        }

        return entry.Value is MappingNode { Entries.Count: 2 } typed && typed["type"] is { } type && typed["value"] is { } value
            ? BindTyped(entry.Key, type, value, path)
            : BindPlain(entry.Key, entry.Value, path);
    }

    private MetadataEntry? BindPlain(string key, ConfigurationNode value, string path)
    {
        string? type = value switch
        {
            SequenceNode => "list",
            MappingNode => "map",
            ScalarNode { Kind: ScalarKind.Text } => "string",
            ScalarNode { Kind: ScalarKind.Integer } => "integer",
            ScalarNode { Kind: ScalarKind.Number } => "float",
            ScalarNode { Kind: ScalarKind.Boolean } => "boolean",
            _ => null,
        };
        if (type is null)
        {
            problems.Error(value.Position, path, "the key has no value, and 신경 has no type for that", "Write a value, or remove the key.");
            return null;
        }

        return ToJson(value, path) is { } json ? new MetadataEntry(key, type, json) : null;
    }

    private MetadataEntry? BindTyped(string key, ConfigurationNode type, ConfigurationNode value, string path)
    {
        string? name = (type as ScalarNode)?.Value;
        if (!Types.Contains(name))
        {
            string shown = type is ScalarNode scalar ? Section.Show(scalar) : Section.Kind(type);
            string hint = NearestName.Find(name ?? "", Types) is { } nearest ? $"Did you mean {nearest}?" : $"It knows {string.Join(", ", Types)}.";
            problems.Error(type.Position, KeyPath.Of(path, "type"), $"신경 knows no type {shown}", hint);
            return null;
        }

        string valuePath = KeyPath.Of(path, "value");
        if (Convert(name!, value) is not { } fitting)
        {
            string shown = value is ScalarNode scalar ? Section.Show(scalar) : Section.Kind(value);
            problems.Error(value.Position, valuePath, $"{shown} is no {name}", name == "version" ? VersionHint : "Write a value of this type, or another type.");
            return null;
        }

        return ToJson(fitting, valuePath) is { } json ? new MetadataEntry(key, name!, json) : null;
    }

    /// <summary>The value as one of the type; null when it cannot be one.</summary>
    private static ConfigurationNode? Convert(string type, ConfigurationNode value)
    {
        if (value is not ScalarNode scalar)
        {
            return type == "list" && value is SequenceNode || type == "map" && value is MappingNode ? value : null;
        }

        ScalarKind kind = scalar.Kind is ScalarKind.Text ? CoreSchema.Resolve(scalar.Value) : scalar.Kind;
        return (type, kind) switch
        {
            ("string", _) when !scalar.IsNull => As(ScalarKind.Text),
            ("version", _) when IsVersion(scalar.Value) => As(ScalarKind.Text),
            ("integer", ScalarKind.Integer) or ("boolean", ScalarKind.Boolean) => As(kind),

            // 신경 tells floats from integers: 1 is none, 1.0 is.
            ("float", ScalarKind.Integer or ScalarKind.Number) => As(ScalarKind.Number),
            _ => null,
        };

        ScalarNode As(ScalarKind wanted) => new(scalar.Position, scalar.Text, scalar.Value, wanted);
    }

    /// <summary>The value as JSON; null, and an error, when it holds a number that JSON has not.</summary>
    private string? ToJson(ConfigurationNode value, string path)
    {
        ArrayBufferWriter<byte> json = new();
        using (Utf8JsonWriter writer = new(json, Readable))
        {
            if (!TryWrite(writer, value, path))
            {
                // What was written so far is incomplete, which the writer would complain of.
                writer.Reset(Stream.Null);
                return null;
            }
        }

        return Encoding.UTF8.GetString(json.WrittenSpan);
    }

    private bool TryWrite(Utf8JsonWriter writer, ConfigurationNode node, string path)
    {
        switch (node)
        {
            case MappingNode mapping:
                writer.WriteStartObject();
                foreach (MappingEntry entry in mapping.Entries)
                {
                    writer.WritePropertyName(entry.Key);
                    if (!TryWrite(writer, entry.Value, KeyPath.Of(path, entry.Key)))
                    {
                        return false;
                    }
                }

                writer.WriteEndObject();
                return true;
            case SequenceNode sequence:
                writer.WriteStartArray();
                for (int i = 0; i < sequence.Items.Count; i++)
                {
                    if (!TryWrite(writer, sequence.Items[i], KeyPath.At(path, i)))
                    {
                        return false;
                    }
                }

                writer.WriteEndArray();
                return true;
            case ScalarNode { Kind: ScalarKind.Text } text:
                writer.WriteStringValue(text.Value);
                return true;
            case ScalarNode scalar when CoreSchema.ToJson(scalar.Kind, scalar.Value) is { } literal:
                writer.WriteRawValue(literal);
                return true;
            default:
                problems.Error(node.Position, path, "JSON has no such number", "Put it in quotes if it is meant as text.");
                return false;
        }
    }

    /// <summary>A semantic version, https://semver.org, as the server's language reads it: all three numbers, no leading zeros.</summary>
    private static bool IsVersion(string text)
    {
        int build = text.IndexOf('+', StringComparison.Ordinal);
        string named = build < 0 ? text : text[..build];
        int pre = named.IndexOf('-', StringComparison.Ordinal);
        string[] numbers = (pre < 0 ? named : named[..pre]).Split('.');
        return numbers.Length == 3 && numbers.All(number => number.Length > 0 && number.All(char.IsAsciiDigit) && !HasLeadingZero(number))
            && (pre < 0 || named[(pre + 1)..].Split('.').All(part => IsIdentifier(part) && !(part.All(char.IsAsciiDigit) && HasLeadingZero(part))))
            && (build < 0 || text[(build + 1)..].Split('.').All(IsIdentifier));
    }

    private static bool HasLeadingZero(string number) => number is ['0', _, ..];

    private static bool IsIdentifier(string part) => part.Length > 0 && part.All(c => char.IsAsciiLetterOrDigit(c) || c == '-');
}
