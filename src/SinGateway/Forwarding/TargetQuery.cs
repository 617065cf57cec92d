using SinGateway.Configuration;

namespace SinGateway.Forwarding;

/// <summary>
/// A target as 신경 will judge it: refuses what costs the connection or would come back to us, warns of what never matches, and repairs
/// the one mistake whose meaning is certain. What the server does with each was observed on the real one.
/// </summary>
/// <param name="gatewayApplication">Our own application id; null when it is not known.</param>
/// <param name="holds">What finds no receiver waits; else it is dropped (G9, G10).</param>
/// <param name="problems">Takes errors and warnings.</param>
internal sealed class TargetQuery(string? gatewayApplication, bool holds, ProblemList problems)
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

    /// <summary>G12. An application that holds variables cannot be judged.</summary>
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
        else if (selector.Entries[0] is { Key: "$avg" } average)
        {
            Refuse(average.Position, KeyPath.Of(path, average.Key), "$avg", "Use $min.");
        }
        else if (!Selectors.Contains(selector.Entries[0].Key))
        {
            problems.Error(selector.Entries[0].Position, path, "신경 knows no such selector", $"It knows {string.Join(", ", Selectors)}.");
        }
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

    /// <summary>A segment of digits alone is a list index, which works. SHARD and CLUSTER are digits in the end.</summary>
    private static bool HasStrayDigit(string segment)
    {
        string rendered = segment.Replace("{{SHARD}}", "0", StringComparison.Ordinal).Replace("{{CLUSTER}}", "0", StringComparison.Ordinal);
        return rendered.Any(char.IsAsciiDigit) && !rendered.All(char.IsAsciiDigit);
    }

    private void Refuse(SourcePosition position, string path, string what, string hint) =>
        problems.Error(position, path, $"{what} makes the 신경 server end the connection", hint);

    private static MappingNode With(MappingNode mapping, string key, ConfigurationNode value) =>
        new(mapping.Position, [.. mapping.Entries.Select(entry => entry.Key == key ? entry with { Value = value } : entry)]);
}
