using SinGateway.Configuration;

namespace SinGateway.Forwarding;

/// <summary>Turns the tree of a target into a <see cref="TargetTemplate"/>.</summary>
internal sealed class TargetCompiler(ProblemList problems)
{
    private readonly TargetTemplateBuilder _builder = new();

    public static TargetTemplate Compile(MappingNode target, string path, bool hasOps, ProblemList problems)
    {
        TargetCompiler compiler = new(problems);
        compiler.Add(target, path);
        string? application = (target["application"] as ScalarNode)?.Value;
        return compiler._builder.Build(
            hasOps, application?.Contains(TemplateVariables.Open, StringComparison.Ordinal) == true ? null : application, target["selector"] is MappingNode);
    }

    private void Add(ConfigurationNode node, string path)
    {
        switch (node)
        {
            case MappingNode mapping:
                AddMapping(mapping, path);
                break;
            case SequenceNode sequence:
                AddSequence(sequence, path);
                break;
            case ScalarNode { Kind: ScalarKind.Text } scalar:
                AddString(scalar, path);
                break;
            case ScalarNode scalar when CoreSchema.ToJson(scalar.Kind, scalar.Value) is { } json:
                _builder.AddJson(json);
                break;
            default:
                problems.Error(node.Position, path, "JSON has no such number", "Put it in quotes if it is meant as text.");
                break;
        }
    }

    private void AddMapping(MappingNode mapping, string path)
    {
        string separator = "{\"";
        foreach (MappingEntry entry in mapping.Entries)
        {
            _builder.AddJson(separator);
            _builder.AddText(entry.Key);
            _builder.AddJson("\":");
            Add(entry.Value, KeyPath.Of(path, entry.Key));
            separator = ",\"";
        }

        _builder.AddJson(mapping.Entries.Count == 0 ? "{}" : "}");
    }

    private void AddSequence(SequenceNode sequence, string path)
    {
        _builder.AddJson("[");
        for (int i = 0; i < sequence.Items.Count; i++)
        {
            _builder.AddJson(i == 0 ? "" : ",");
            Add(sequence.Items[i], KeyPath.At(path, i));
        }

        _builder.AddJson("]");
    }

    private void AddString(ScalarNode scalar, string path)
    {
        List<(string Text, VariableUse? Use)> parts = [.. Split(scalar, path)];
        if (parts is [{ Use: { AsNumber: true } number }])
        {
            _builder.AddVariable(number);
            return;
        }

        _builder.AddJson("\"");
        foreach ((string text, VariableUse? use) in parts)
        {
            if (use is { } variable)
            {
                _builder.AddVariable(variable);
            }
            else
            {
                _builder.AddText(text);
            }
        }

        _builder.AddJson("\"");
    }

    /// <summary>The text and the variables of a string, without empty texts; variables with errors are left out.</summary>
    private IEnumerable<(string Text, VariableUse? Use)> Split(ScalarNode scalar, string path)
    {
        string rest = scalar.Value;
        for (int open = Find(rest, TemplateVariables.Open); open >= 0; open = Find(rest, TemplateVariables.Open))
        {
            if (open > 0)
            {
                yield return (rest[..open], null);
            }

            rest = rest[(open + TemplateVariables.Open.Length)..];
            int close = Find(rest, TemplateVariables.Close);
            if (close < 0)
            {
                problems.PartError(scalar.Position, path, "a {{ has no }} behind it", "Close the variable.");
                yield break;
            }

            bool alone = TemplateVariables.Open.Length + close + TemplateVariables.Close.Length == scalar.Value.Length;
            if (ReadVariable(rest[..close], alone, scalar.Position, path) is { } use)
            {
                yield return ("", use);
            }

            rest = rest[(close + TemplateVariables.Close.Length)..];
        }

        if (rest.Length > 0)
        {
            yield return (rest, null);
        }
    }

    private VariableUse? ReadVariable(string text, bool alone, SourcePosition position, string path)
    {
        if (TemplateVariables.TryParse(text, alone, out VariableUse use, out string error, out string hint))
        {
            return use;
        }

        if (hint.Length == 0)
        {
            // Names are compared without what follows the colon, which only some of them take.
            string name = text.Split(':')[0].Trim();
            string nearest = NearestName.Find(name, TemplateVariables.Known.Select(known => known.Split(':')[0])) is { } found
                ? $"Did you mean {Braced(TemplateVariables.Known.First(known => known.Split(':')[0] == found))}? "
                : "";
            hint = $"{nearest}The known ones are {string.Join(", ", TemplateVariables.Known.Select(Braced))}.";
        }

        problems.PartError(position, path, error, hint);
        return null;
    }

    private static string Braced(string name) => TemplateVariables.Open + name + TemplateVariables.Close;

    private static int Find(string text, string what) => text.IndexOf(what, StringComparison.Ordinal);
}
