using System.Text;

namespace SinGateway.Configuration;

/// <summary>
/// Fills in <c>${NAME}</c>, <c>${NAME:-default}</c> (also when NAME is empty) and <c>${file:/path}</c> in the values of a tree that was
/// already parsed, so that what is filled in is text and can never become structure. <c>$${</c> stands for <c>${</c>.
/// </summary>
internal sealed class Interpolation(Func<string, string?> environment, ProblemList problems)
{
    private const string FilePrefix = "file:";

    /// <summary>In bytes; a secret is smaller.</summary>
    private const int MaxFileLength = 64 * 1024;

    public ConfigurationNode Expand(ConfigurationNode node, string path) => node switch
    {
        MappingNode mapping => new MappingNode(
            mapping.Position,
            [.. mapping.Entries.Select(entry => entry with { Value = Expand(entry.Value, KeyPath.Of(path, entry.Key)) })]),
        SequenceNode sequence => new SequenceNode(
            sequence.Position,
            [.. sequence.Items.Select((item, index) => Expand(item, KeyPath.At(path, index)))]),
        ScalarNode { Kind: ScalarKind.Text } scalar when scalar.Text.Contains("${", StringComparison.Ordinal) =>
            new ScalarNode(scalar.Position, scalar.Text, Fill(scalar, path), ScalarKind.Text),
        _ => node,
    };

    private string Fill(ScalarNode scalar, string path)
    {
        StringBuilder value = new();
        ReadOnlySpan<char> rest = scalar.Text;
        for (int open = rest.IndexOf("${"); open >= 0; open = rest.IndexOf("${"))
        {
            if (open > 0 && rest[open - 1] == '$')
            {
                value.Append(rest[..(open - 1)]).Append("${");
                rest = rest[(open + 2)..];
                continue;
            }

            value.Append(rest[..open]);
            rest = rest[(open + 2)..];
            int close = rest.IndexOf('}');
            if (close < 0)
            {
                problems.PartError(scalar.Position, path, "a ${ has no } behind it", "Close it, or write $${ for the two characters themselves.");
                return "";
            }

            value.Append(Resolve(rest[..close].ToString(), scalar.Position, path));
            rest = rest[(close + 1)..];
        }

        return value.Append(rest).ToString();
    }

    private string Resolve(string reference, SourcePosition position, string path)
    {
        if (reference.StartsWith(FilePrefix, StringComparison.Ordinal))
        {
            return ReadSecret(reference[FilePrefix.Length..], position, path);
        }

        int separator = reference.IndexOf(":-", StringComparison.Ordinal);
        string name = separator < 0 ? reference : reference[..separator];
        if (!IsName(name))
        {
            problems.PartError(position, path, $"${{{name}}} is no name of an environment variable", "Write ${NAME}, ${NAME:-default} or ${file:/path}, and $${ for the two characters themselves.");
            return "";
        }

        string? value = environment(name);
        if (value is [.., '\n' or '\r'])
        {
            // As a secret made by echo has it: no value of ours ends so, and a password with it would be a wrong one.
            problems.PartError(position, path, $"the environment variable {name} ends with a line break", "Set it without (printf does not add one, echo does).");
            return "";
        }

        if (separator >= 0)
        {
            return string.IsNullOrEmpty(value) ? reference[(separator + 2)..] : value;
        }

        if (value is null)
        {
            problems.PartError(position, path, $"the environment variable {name} is not set", $"Set it, or give a default: ${{{name}:-default}}.");
        }

        return value ?? "";
    }

    private string ReadSecret(string file, SourcePosition position, string path)
    {
        if (BoundedFile.TryRead(file, MaxFileLength, out string? text, out string why))
        {
            return text.EndsWith("\r\n", StringComparison.Ordinal) ? text[..^2] : text.EndsWith('\n') ? text[..^1] : text;
        }

        problems.PartError(position, path, $"the file {file} {why}", "Correct the path or the rights of the file.");
        return "";
    }

    private static bool IsName(string name) =>
        name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');
}
