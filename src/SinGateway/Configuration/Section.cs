using System.Globalization;

namespace SinGateway.Configuration;

/// <summary>
/// One mapping of the file, read key by key. What is wrong with a key goes to the problem list, and the key reads as absent.
/// </summary>
internal sealed class Section
{
    /// <summary>What a message shows of a value, at most.</summary>
    private const int MaxShown = 40;

    private readonly MappingNode _node;
    private readonly string _path;
    private readonly KeySet _keys;
    private readonly ProblemList _problems;

    /// <summary>Reports the keys that do not belong here.</summary>
    public Section(MappingNode node, string path, KeySet keys, ProblemList problems)
    {
        _node = node;
        _path = path;
        _keys = keys;
        _problems = problems;
        foreach (MappingEntry entry in node.Entries)
        {
            Recognise(entry);
        }
    }

    public string Path(string key) => KeyPath.Of(_path, key);

    /// <summary>The value, or null when the key is absent or has none.</summary>
    public ConfigurationNode? Find(string key) => _node[key] is { } value and not ScalarNode { IsNull: true } ? value : null;

    /// <summary>As <see cref="Find"/>; an absent key is an error.</summary>
    public ConfigurationNode? Require(string key, string hint)
    {
        ConfigurationNode? value = Find(key);
        if (value is null)
        {
            Error(key, _node[key] is null ? "the key is required" : "the key has no value", hint);
        }

        return value;
    }

    public void Error(string key, string message, string hint) =>
        _problems.Error(_node[key]?.Position ?? _node.Position, Path(key), message, hint);

    public void Warning(string key, string message, string hint) =>
        _problems.Warning(_node[key]?.Position ?? _node.Position, Path(key), message, hint);

    /// <summary>Text, or a number or boolean as it is written. Null when absent, or not a single value (an error).</summary>
    public ScalarNode? Scalar(string key)
    {
        ConfigurationNode? value = Find(key);
        if (value is null or ScalarNode)
        {
            return (ScalarNode?)value;
        }

        Error(key, $"{Kind(value)} stands where one value belongs", "Write the value behind the colon.");
        return null;
    }

    public string? Text(string key) => Scalar(key)?.Value;

    /// <summary>An integer, quoted or not, within the limits, both included.</summary>
    public long? Integer(string key, long min, long max, string hint = "Write digits only.")
    {
        if (Scalar(key) is not { } scalar)
        {
            return null;
        }

        if (long.TryParse(scalar.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
            && number >= min
            && number <= max)
        {
            return number;
        }

        Error(key, $"{Show(scalar)} is not an integer from {min} to {max}", hint);
        return null;
    }

    /// <summary>True or false, quoted or not; unquoted yes, no, on and off too, as the YAML 1.1 of the Python program read them.</summary>
    public bool Boolean(string key)
    {
        if (Scalar(key) is not { } scalar)
        {
            return false;
        }

        switch (scalar.Value.ToLowerInvariant())
        {
            case "true" or "yes" or "on":
                return true;
            case "false" or "no" or "off":
                return false;
            default:
                Error(key, $"{Show(scalar)} is neither true nor false", "Write one of the two.");
                return false;
        }
    }

    /// <summary>The mapping behind a key; an empty one when the key is absent, or something else (an error).</summary>
    public Section Child(string key, KeySet keys)
    {
        ConfigurationNode? value = Find(key);
        if (value is not (null or MappingNode))
        {
            Error(key, $"{Kind(value)} stands where keys belong", $"Put these keys below it, each in its own line: {string.Join(", ", keys.Built)}.");
        }

        return new Section(value as MappingNode ?? new MappingNode(_node.Position, []), Path(key), keys, _problems);
    }

    /// <summary>A value for a message, as it stands in the file: what <c>${…}</c> filled in does not appear. Not for secrets.</summary>
    public static string Show(ScalarNode scalar) =>
        scalar.Text.Length <= MaxShown ? $"\"{scalar.Text}\"" : $"\"{scalar.Text[..MaxShown]}…\"";

    public static string Kind(ConfigurationNode node) => node switch
    {
        SequenceNode => "a list",
        MappingNode => "a mapping",
        _ => "a single value",
    };

    private void Recognise(MappingEntry entry)
    {
        if (_keys.Built.Contains(entry.Key))
        {
            return;
        }

        string path = Path(entry.Key);
        if (_keys.Later.Contains(entry.Key))
        {
            _problems.Error(entry.Position, path, "this key is not in this version", "Remove it for now.");
            return;
        }

        string hint = NearestName.Find(entry.Key, [.. _keys.Built, .. _keys.Later]) is { } nearest
            ? $"Did you mean {nearest}?"
            : KeySet.PlaceOf(entry.Key) is { } place && place != _path
            ? place.Length == 0 ? "It belongs at the top level of the file." : $"It belongs below {place}, in a line of its own."
            : $"The keys here are {string.Join(", ", _keys.Built)}.";
        _problems.Error(entry.Position, path, "there is no such key", hint);
    }
}
