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
        return compiler._builder.Build(hasOps, application?.Contains(TemplateVariables.Open, StringComparison.Ordinal) == true ? null : application);
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
                _builder.AddJson("\"");
                AddText(scalar, path);
                _builder.AddJson("\"");
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

    private void AddText(ScalarNode scalar, string path)
    {
        string rest = scalar.Value;
        for (int open = Find(rest, TemplateVariables.Open); open >= 0; open = Find(rest, TemplateVariables.Open))
        {
            _builder.AddText(rest[..open]);
            rest = rest[(open + TemplateVariables.Open.Length)..];
            int close = Find(rest, TemplateVariables.Close);
            if (close < 0)
            {
                problems.PartError(scalar.Position, path, "a {{ has no }} behind it", "Close the variable.");
                return;
            }

            AddVariable(rest[..close], scalar.Position, path);
            rest = rest[(close + TemplateVariables.Close.Length)..];
        }

        _builder.AddText(rest);
    }

    private void AddVariable(string name, SourcePosition position, string path)
    {
        string known = string.Join(", ", TemplateVariables.Known.Select(variable => $"{{{{{variable}}}}}"));
        if (TemplateVariables.TryParse(name, out TemplateVariable variable))
        {
            _builder.AddVariable(variable);
        }
        else if (TemplateVariables.IsOfLaterVersion(name))
        {
            problems.PartError(position, path, $"the variable {{{{{name}}}}} is not in this version", $"This one has {known}.");
        }
        else
        {
            string hint = NearestName.Find(name.Trim(), TemplateVariables.Known) is { } nearest ? $"Did you mean {{{{{nearest}}}}}? " : "";
            problems.PartError(position, path, $"there is no variable {{{{{name}}}}}", $"{hint}The known ones are {known}.");
        }
    }

    private static int Find(string text, string what) => text.IndexOf(what, StringComparison.Ordinal);
}
