namespace SinGateway.Configuration;

/// <summary>
/// A value of a configuration file as it stands there, whether YAML or JSON. Immutable; a YAML alias shares its anchor's node.
/// </summary>
internal abstract class ConfigurationNode(SourcePosition position)
{
    public SourcePosition Position { get; } = position;
}

/// <summary>Text, a number, a boolean or null.</summary>
/// <param name="text">As it stands in the file: what messages may show.</param>
/// <param name="value">After <c>${…}</c> was filled in: may be a secret.</param>
/// <param name="kind">What the text means; <see cref="ScalarKind.Text"/> for everything quoted or filled in.</param>
internal sealed class ScalarNode(SourcePosition position, string text, string value, ScalarKind kind) : ConfigurationNode(position)
{
    public string Text { get; } = text;

    public string Value { get; } = value;

    public ScalarKind Kind { get; } = kind;

    public bool IsNull => Kind is ScalarKind.Null;
}

internal sealed class SequenceNode(SourcePosition position, IReadOnlyList<ConfigurationNode> items) : ConfigurationNode(position)
{
    public IReadOnlyList<ConfigurationNode> Items { get; } = items;
}

/// <summary>Keys are text and each stands once: the readers see to it.</summary>
internal sealed class MappingNode(SourcePosition position, IReadOnlyList<MappingEntry> entries) : ConfigurationNode(position)
{
    public IReadOnlyList<MappingEntry> Entries { get; } = entries;

    public ConfigurationNode? this[string key]
    {
        get
        {
            foreach (MappingEntry entry in Entries)
            {
                if (entry.Key == key)
                {
                    return entry.Value;
                }
            }

            return null;
        }
    }
}

internal readonly record struct MappingEntry(SourcePosition Position, string Key, ConfigurationNode Value);
