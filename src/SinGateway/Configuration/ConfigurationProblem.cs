using System.Globalization;

namespace SinGateway.Configuration;

/// <summary>One thing that is wrong in a configuration file, or unwise, and what to change.</summary>
/// <param name="KeyPath">Such as <c>forwarding[0].type</c>; empty for the file as a whole.</param>
/// <param name="Message">What is wrong, without the full stop. Never holds a secret.</param>
/// <param name="Hint">What to change: a sentence.</param>
internal sealed record ConfigurationProblem(string File, SourcePosition Position, string KeyPath, string Message, string Hint)
{
    /// <summary><c>config.yaml:12:7: forwarding[0].type: WHAT. HINT</c>, in one line; control characters of the file do not reach the terminal.</summary>
    public override string ToString()
    {
        string path = KeyPath.Length == 0 ? "" : KeyPath + ": ";
        string text = string.Create(CultureInfo.InvariantCulture, $"{File}:{Position.Line}:{Position.Column}: {path}{Message}. {Hint}");
        return string.Concat(text.ReplaceLineEndings(" ").Select(c => char.IsControl(c) ? ' ' : c));
    }
}
