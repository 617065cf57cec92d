using SinGateway.Configuration;

namespace SinGateway.Forwarding;

/// <summary>
/// A target as 신경 will judge it: refuses what costs the connection or would come back to us, warns of what never matches, and repairs
/// the one mistake whose meaning is certain. What the server does with each was observed on the real one.
/// </summary>
/// <param name="gatewayApplication">Our own application id; null when it is not known.</param>
/// <param name="holds">What finds no receiver waits; else it is dropped (G9, G10).</param>
/// <param name="allowUnsafe">What costs the connection on the server of today is a warning: for one that was mended.</param>
/// <param name="problems">Takes errors and warnings.</param>
internal sealed class TargetQuery(string? gatewayApplication, bool holds, bool allowUnsafe, ProblemList problems)
{
    private static readonly string[] Keys = ["application", "restricted", "key", "droppable", "optional", "ops", "selector"];
    private static readonly string[] Comparisons = ["$eq", "$gt", "$gte", "$lt", "$lte", "$in", "$contains"];
    private static readonly string[] Combinations = ["$and", "$or", "$nor"];
    private static readonly string[] Selectors = ["$min", "$max"];

    /// <summary>The target as it is to be sent, and whether it has operators. Errors and warnings go to the problem list.</summary>
    public (MappingNode Target, bool HasOps) Check(MappingNode target, string path)
    {
        List<MappingEntry> entries = [];
        foreach (MappingEntry entry in target.Entries)
        {
            string entryPath = KeyPath.Of(path, entry.Key);
            ConfigurationNode value = entry.Value;
            switch (entry.Key)
            {
                case "ops":
                    value = CheckOperators(value, entryPath);
                    break;
                case "selector":
                    CheckSelector(value, entryPath);
                    break;
                case "key" or "optional":
                    WarnOfIgnored(value, entryPath);
                    break;
                default:
                    WarnOfUnknown(entry, entryPath);
                    break;
            }

            entries.Add(entry with { Value = value });
        }

        CheckApplication(target, path);
        bool hasOps = target["ops"] is SequenceNode { Items.Count: > 0 };
        DecideDroppable(entries, target, path, hasOps);
        return (new MappingNode(target.Position, entries), hasOps);
    }

    private void WarnOfUnknown(MappingEntry entry, string path)
    {
        if (!Keys.Contains(entry.Key))
        {
            string hint = NearestName.Find(entry.Key, Keys) is { } nearest ? $"Did you mean {nearest}?" : $"It knows {string.Join(", ", Keys)}.";
            problems.Warning(entry.Position, path, "신경 knows no such key in a target", hint);
        }
    }

    private void WarnOfIgnored(ConfigurationNode value, string path)
    {
        bool isOff = value is ScalarNode { Kind: ScalarKind.Boolean or ScalarKind.Null } scalar
            && !scalar.Value.Equals("true", StringComparison.OrdinalIgnoreCase);
        if (!isOff)
        {
            problems.Warning(value.Position, path, "the 신경 server ignores this key", "Say what is meant by ops.");
        }
    }

    /// <summary>
    /// G12. What an application with variables comes to cannot be judged, except that it must be text and must not come to nothing.
    /// </summary>
    private void CheckApplication(MappingNode target, string path)
    {
        ConfigurationNode? application = target["application"];
        string applicationPath = KeyPath.Of(path, "application");
        switch (application)
        {
            case null or ScalarNode { IsNull: true } or ScalarNode { Value: "" }:
                problems.Error(
                    application?.Position ?? target.Position,
                    applicationPath,
                    "the key is required, because a target without it matches every client, this gateway included",
                    "Name the application id of your workers.");
                break;
            case ScalarNode { Kind: ScalarKind.Text } id when id.Value == gatewayApplication:
                problems.Error(id.Position, applicationPath, "this is the gateway's own application, so the events would come back to it", "Name the application id of your workers, or another one in singyeongDSN.");
                break;
            case not ScalarNode { Kind: ScalarKind.Text }:
                problems.Error(application.Position, applicationPath, "an application id is text", "Put it in quotes.");
                break;
            case ScalarNode number when IsNumberAlone(number.Value):
                problems.Error(number.Position, applicationPath, "an application id is text, and this becomes a number", "Put a name before the variable, such as worker-{{SHARD}}.");
                break;
            case ScalarNode id when CanBeEmpty(id.Value):
                problems.Error(id.Position, applicationPath, "this is empty for an event without such an id, and an empty application matches every client", "Put a name before the variable, such as worker-{{GUILD_ID}}.");
                break;
        }
    }

    /// <summary>G10: what may be dropped must say so when it has operators, because an unroutable one costs the connection.</summary>
    private void DecideDroppable(List<MappingEntry> entries, MappingNode target, string path, bool hasOps)
    {
        const string Key = "droppable";
        if (target[Key] is not (null or ScalarNode { Kind: ScalarKind.Boolean or ScalarKind.Null }))
        {
            problems.Error(target[Key]!.Position, KeyPath.Of(path, Key), "this is neither true nor false", "Write one of the two, without quotes.");
            return;
        }

        ScalarNode? droppable = target[Key] as ScalarNode;
        bool isTrue = droppable is { Kind: ScalarKind.Boolean } && droppable.Value.Equals("true", StringComparison.OrdinalIgnoreCase);
        if (holds && isTrue)
        {
            problems.Warning(droppable!.Position, KeyPath.Of(path, Key), "신경 drops a droppable event in silence when no worker matches, so it cannot be held back until one does", "Remove the key, or write unrouted: drop.");
        }
        else if (!holds && hasOps && !isTrue)
        {
            if (droppable is { Kind: ScalarKind.Boolean })
            {
                problems.Warning(droppable.Position, KeyPath.Of(path, Key), "with unrouted: drop a target with ops is sent as droppable, because 신경 ends our connection when nobody matches one that is not", "Remove the key.");
            }

            entries.RemoveAll(entry => entry.Key == Key);
            entries.Add(new MappingEntry(target.Position, Key, new ScalarNode(target.Position, "true", "true", ScalarKind.Boolean)));
        }
    }

    private void CheckSelector(ConfigurationNode node, string path)
    {
        if (node is ScalarNode { IsNull: true })
        {
            return;
        }

        if (node is not MappingNode { Entries.Count: 1 } selector)
        {
            problems.Error(node.Position, path, "a selector is a mapping with one key", "Write it as {\"$min\": \"/key\"}.");
        }
        else if (selector.Entries[0].Key is not ("$avg" or "$min" or "$max"))
        {
            problems.Error(selector.Entries[0].Position, path, "신경 knows no such selector", $"It knows {string.Join(", ", Selectors)}.");
        }
        else if (selector.Entries[0].Value is not ScalarNode { Kind: ScalarKind.Text })
        {
            problems.Error(selector.Entries[0].Value.Position, path, "a selector names a metadata key", "Write it as {\"$min\": \"/key\"}.");
        }
        else if (selector.Entries[0] is { Key: "$avg" } average)
        {
            Refuse(average.Position, KeyPath.Of(path, average.Key), "$avg", "Use $min.");
        }
        else
        {
            WarnOfSelector(selector, path);
        }
    }

    private void WarnOfSelector(MappingNode selector, string path)
    {
        if (selector.Entries[0].Key == "$max")
        {
            problems.Warning(selector.Entries[0].Position, path, "$max on the 신경 server may pick a client that has no such key", "Use $min, or give every worker the key.");
        }

        problems.Warning(selector.Position, path, "a selector over workers of whom none matches makes the 신경 server end the connection", "Keep one that matches connected at all times, or remove the selector.");
    }

    private ConfigurationNode CheckOperators(ConfigurationNode node, string path)
    {
        if (node is SequenceNode list)
        {
            return new SequenceNode(list.Position, [.. list.Items.Select((item, index) => CheckOperator(item, KeyPath.At(path, index)))]);
        }

        if (node is not ScalarNode { IsNull: true })
        {
            problems.Error(node.Position, path, $"{Section.Kind(node)} stands where a list of operators belongs", "Put a - before each operator.");
        }

        return node;
    }

    private ConfigurationNode CheckOperator(ConfigurationNode node, string path)
    {
        if (node is not MappingNode mapping)
        {
            problems.Error(node.Position, path, "an operator is a mapping", "Write it as {path: /key, op: $eq, to: {value: …}}.");
            return node;
        }

        string opPath = KeyPath.Of(path, "op");
        if (mapping["op"] is not ScalarNode op)
        {
            problems.Error(mapping["op"]?.Position ?? mapping.Position, opPath, "the key is required", $"Name one of {string.Join(", ", (string[])[.. Comparisons, .. Combinations])}.");
            return node;
        }

        switch (op.Value)
        {
            case "$and" or "$or" or "$nor":
                return CheckCombination(mapping, op, path);
            case "$ne":
                Refuse(op.Position, opPath, op.Value, "Use a $nor that holds the $eq.");
                break;
            case "$nin":
                Refuse(op.Position, opPath, op.Value, "Use a $nor that holds one $eq for each value.");
                break;
            case "$ncontains":
                Refuse(op.Position, opPath, op.Value, "Use a $nor that holds the $contains.");
                break;
            case var name when !Comparisons.Contains(name):
                string hint = NearestName.Find(name, [.. Comparisons, .. Combinations]) is { } nearest
                    ? $"Did you mean {nearest}?"
                    : $"It knows {string.Join(", ", (string[])[.. Comparisons, .. Combinations])}.";
                problems.Error(op.Position, opPath, $"신경 knows no operator {Section.Show(op)}, and one that it does not know costs the connection", hint);
                break;
        }

        return CheckComparison(mapping, op, path);
    }

    private MappingNode CheckCombination(MappingNode mapping, ScalarNode op, string path)
    {
        string withPath = KeyPath.Of(path, "with");
        if (mapping["with"] is not SequenceNode with)
        {
            problems.Error(mapping["with"]?.Position ?? mapping.Position, withPath, $"{op.Value} needs a list of operators", "Put them below with, a - before each.");
            return mapping;
        }

        if (op.Value == "$and" && with.Items.Count == 0)
        {
            Refuse(with.Position, withPath, "an empty $and", "Remove the operator.");
        }

        return With(mapping, "with", CheckOperators(with, withPath));
    }

    private MappingNode CheckComparison(MappingNode mapping, ScalarNode op, string path)
    {
        CheckPath(mapping, path);
        string toPath = KeyPath.Of(path, "to");
        if (mapping["to"] is not MappingNode to)
        {
            problems.Error(mapping["to"]?.Position ?? mapping.Position, toPath, "the value to compare with is missing", "Write it as to: {value: …}.");
            return mapping;
        }

        if (to["path"] is { } other)
        {
            Refuse(other.Position, KeyPath.Of(toPath, "path"), "a comparison with another key (to.path)", "Compare with a value.");
        }
        else if (to["value"] is null)
        {
            problems.Error(to.Position, KeyPath.Of(toPath, "value"), "the key is required", "Write the value to compare with.");
        }

        return CheckValue(mapping, op, path, to["value"]);
    }

    private MappingNode CheckValue(MappingNode mapping, ScalarNode op, string path, ConfigurationNode? value)
    {
        string opPath = KeyPath.Of(path, "op");
        switch (op.Value, value)
        {
            case ("$in", SequenceNode):
                problems.Warning(op.Position, opPath, "$in with a list never matches on the 신경 server", "Use an $or that holds one $eq for each value.");
                return mapping;
            case ("$eq", SequenceNode):
                problems.Warning(op.Position, opPath, "$eq with a list never matches on the 신경 server", "Compare with one value, or use $contains.");
                return mapping;
            case ("$gt" or "$gte" or "$lt" or "$lte", ScalarNode { Kind: ScalarKind.Text } version) when IsVersion(version.Value):
                problems.Warning(version.Position, KeyPath.Of(KeyPath.Of(path, "to"), "value"), "the 신경 server orders versions as text, by which 1.10.0 is below 1.9.0", "Compare an integer in its place, such as a build number.");
                return mapping;
            case ("$in", not null):
                problems.Warning(op.Position, opPath, "$in with a single value can only mean $contains, and is sent as that", "Write $contains.");
                return With(mapping, "op", new ScalarNode(op.Position, "$contains", "$contains", ScalarKind.Text));
            default:
                return mapping;
        }
    }

    private void CheckPath(MappingNode mapping, string path)
    {
        string pathPath = KeyPath.Of(path, "path");
        if (mapping["path"] is not ScalarNode { Kind: ScalarKind.Text } key || !key.Value.StartsWith('/'))
        {
            problems.Error(mapping["path"]?.Position ?? mapping.Position, pathPath, "the path of a metadata key starts with a slash", "Write it as /key.");
        }
        else if (key.Value.Split('/').Any(HasStrayDigit))
        {
            problems.Warning(key.Position, pathPath, "a path with a digit inside a name never matches on the 신경 server", "Name the metadata key without digits.");
        }
    }

    /// <summary>A segment of digits alone is a list index, which works. All variables but EVENT are digits in the end.</summary>
    private static bool HasStrayDigit(string segment)
    {
        string rendered = TemplateVariables.Replace(segment, name => name == "EVENT" ? name : "0");
        return rendered.Any(char.IsAsciiDigit) && !rendered.All(char.IsAsciiDigit);
    }

    private void Refuse(SourcePosition position, string path, string what, string hint)
    {
        string message = $"{what} makes the 신경 server end the connection";
        if (allowUnsafe)
        {
            problems.Warning(position, path, message, $"{hint} It is sent, because singyeong.allowUnsafeOperators is true.");
        }
        else
        {
            problems.Error(position, path, message, hint);
        }
    }

    private static bool IsNumberAlone(string text) =>
        text.StartsWith(TemplateVariables.Open, StringComparison.Ordinal)
        && text.IndexOf(TemplateVariables.Close, StringComparison.Ordinal) == text.Length - TemplateVariables.Close.Length
        && TemplateVariables.TryParse(text[TemplateVariables.Open.Length..^TemplateVariables.Close.Length], alone: true, out VariableUse use, out _, out _)
        && use.AsNumber;

    private static bool CanBeEmpty(string text) =>
        TemplateVariables.Replace(text, name => name is "GUILD_ID" or "CHANNEL_ID" or "USER_ID" ? "" : name).Length == 0;

    private static bool IsVersion(string text) =>
        text.Split('.') is [var major, var minor, [>= '0' and <= '9', ..], ..] && major.Length > 0 && (major + minor).All(char.IsAsciiDigit) && minor.Length > 0;

    private static MappingNode With(MappingNode mapping, string key, ConfigurationNode value) =>
        new(mapping.Position, [.. mapping.Entries.Select(entry => entry.Key == key ? entry with { Value = value } : entry)]);
}
