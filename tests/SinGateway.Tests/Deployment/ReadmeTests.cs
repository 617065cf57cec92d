using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using SinGateway.Configuration;
using SinGateway.Operations;

namespace SinGateway.Tests.Deployment;

/// <summary>README.md: what it quotes, lists and promises is what the program says, reads and serves.</summary>
internal sealed partial class ReadmeTests
{
    private static readonly string Root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "../../.."));
    private static readonly string Readme = File.ReadAllText(Path.Combine(Root, "README.md"));

    /// <summary>
    /// In a quoted message, <c>…</c> stands for anything, and a capital letter alone, HOST or a number for one value, which is a placeholder in
    /// the sources.
    /// </summary>
    [Test]
    public async Task Every_message_of_the_table_of_faults_is_one_that_the_program_has()
    {
        string[] pieces = [.. Rows(Section("### When it goes wrong")).SelectMany(row => Code().Matches(row.Split(" | ")[0]))
            .SelectMany(message => message.Groups[1].Value.Split('…', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).Where(piece => piece.Length > 2)];
        string sources = string.Join('\n', Directory.EnumerateFiles(Path.Combine(Root, "src/SinGateway"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal)).Select(File.ReadAllText));

        string[] unknown = [.. pieces.Where(piece => !Regex.IsMatch(sources, Value().Replace(Regex.Escape(piece), @"(?:\{.*?\}|\d+)")))];

        await Assert.That(pieces.Length).IsGreaterThan(50);
        await Assert.That(unknown).IsEmpty();
    }

    [Test]
    public async Task The_table_of_keys_has_those_of_the_program_and_no_other()
    {
        (string Path, KeySet Keys)[] sections =
        [
            ("clustering", KeySet.Clustering), ("discord", KeySet.Discord), ("singyeong", KeySet.Singyeong), ("spool", KeySet.Spool), ("commands", KeySet.Commands),
            ("operations", KeySet.Operations), ("forwarding[]", KeySet.Rule),
        ];
        IEnumerable<string> keys = KeySet.Root.Built.Where(key => sections.All(section => section.Path != key))
            .Concat(sections.SelectMany(section => section.Keys.Built.Select(key => $"{section.Path}.{key}")));

        // The three that every rule has stand in the text of forwarding.
        string[] always = ["forwarding[].type", "forwarding[].target", "forwarding[].events"];
        await Assert.That(Listed(Section("## Configuration")).Concat(always)).IsEquivalentTo(keys);
    }

    [Test]
    public async Task The_table_of_metrics_names_all_that_are_served()
    {
        PageBuffer page = new();
        MetricsPage.Write(new StatusProcess(1, "a:1"), new StatusSnapshot(new StatusProcess(1, "a:1"), 1, 1, 1), page);
        IEnumerable<string> served = Served().Matches(Encoding.UTF8.GetString(page.Bytes)).Select(metric => metric.Groups[1].Value);

        string[] named = [.. Rows(Section("### Watching it")).SelectMany(row => Code().Matches(row.Split(" | ")[0])).Select(code => code.Groups[1].Value.Split('{')[0])];

        await Assert.That(served.Except(named)).IsEmpty();
        await Assert.That(served.Count()).IsGreaterThan(20);
    }

    /// <summary>The keys in the first column of a table; one that begins with a dot goes on from the one before.</summary>
    private static IEnumerable<string> Listed(string section)
    {
        string parent = "";
        foreach (Match code in Rows(section).SelectMany(row => Code().Matches(row.Split(" | ")[0])))
        {
            string key = code.Groups[1].Value;
            yield return key[0] == '.' ? parent + key : key;
            parent = key[0] == '.' ? parent : key.Split('.')[0];
        }
    }

    /// <summary>From a heading to the next of its level or above.</summary>
    private static string Section(string heading)
    {
        string rest = Readme[(Readme.IndexOf($"\n{heading}\n", StringComparison.Ordinal) + heading.Length + 2)..];
        return Regex.Split(rest, $"\n#{{2,{heading.IndexOf(' ', StringComparison.Ordinal)}}} ")[0];
    }

    private static IEnumerable<string> Rows(string section) => section.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal));

    private static string Here([CallerFilePath] string path = "") => path;

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"\b(?:[A-Z]|HOST|\d+)\b")]
    private static partial Regex Value();

    [GeneratedRegex("# TYPE singateway_([a-z_]+) ")]
    private static partial Regex Served();
}
