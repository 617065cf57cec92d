using System.Runtime.CompilerServices;
using SinGateway.Configuration;

namespace SinGateway.Tests.Configuration;

/// <summary>config.example.yaml: a file to start from, and the list of every key.</summary>
public sealed class ExampleFileTests
{
    /// <summary>Every key of the contract; the section of a key stands before the dot.</summary>
    private const string Keys = """
        token redisDSN singyeongDSN loggingLevel logFormat intents
        clustering.enabled clustering.clusterCount clustering.clusterShards clustering.strict
        forwarding.type forwarding.target forwarding.events forwarding.unrouted forwarding.holdFor
        redisPrefix stateFile spool.directory spool.maxSize spool.commits
        discord.apiBaseURL discord.compression discord.largeThreshold discord.shardCount discord.presence
        singyeong.connections singyeong.namespace singyeong.metadata singyeong.outbox singyeong.whenFull singyeong.allowUnsafeOperators
        commands.enabled operations.listen operations.reload
        """;

    private static readonly string Text = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Here())!, "../../../config.example.yaml"));

    [Test]
    public async Task It_loads_as_it_stands_without_a_warning()
    {
        ConfigurationResult result = Sample.Load(Text);

        await Assert.That(string.Join('\n', result.Errors.Concat(result.Warnings))).IsEmpty();
        await Assert.That(result.Configuration!.Redis).IsNull();
        await Assert.That(result.Configuration.Clustering).IsNull();
    }

    [Test]
    public async Task It_shows_the_defaults_and_a_spool()
    {
        GatewayConfiguration example = Sample.Load(Text).Configuration!;
        GatewayConfiguration defaults = new()
        {
            Token = example.Token,
            Singyeong = example.Singyeong,
            Forwarding = example.Forwarding,
            Spool = new SpoolConfiguration { Directory = ".", Commits = true },
        };

        await Assert.That(example.Equals(defaults)).IsTrue();
    }

    [Test]
    public async Task It_holds_every_key()
    {
        HashSet<string> found = [];
        string section = "";
        foreach (string line in Text.Split('\n'))
        {
            string bare = line.TrimStart().TrimStart('#').TrimStart();
            int colon = bare.IndexOf(": ", StringComparison.Ordinal);
            string key = (colon < 0 ? bare.TrimEnd(':') : bare[..colon]).TrimStart('-', ' ');
            section = line.StartsWith(' ') || line.StartsWith("#  ", StringComparison.Ordinal) ? section : key;
            found.Add(key == section ? key : $"{section}.{key}");
        }

        string[] missing = [.. Keys.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries).Where(key => !found.Contains(key))];
        await Assert.That(string.Join(' ', missing)).IsEmpty();
    }

    [Test]
    [Arguments("  # namespace: bots", "  namespace: bots")]
    [Arguments("  # listen: 127.0.0.1:9400", "  listen: 127.0.0.1:9400")]
    [Arguments("    # unrouted: hold ", "    unrouted: hold ")]
    [Arguments("    # holdFor: 60s ", "    holdFor: 60s ")]
    [Arguments("  # metadata: { role", "  metadata: { role")]
    [Arguments("value: \"{{EVENT}}\"", "value: \"{{GUILD_SLOT:16}}\"")]
    [Arguments("  # metadata: { role: gateway }", "  metadata: { role: { type: version, value: 1.2.3 } }")]
    public async Task What_it_shows_commented_out_loads_too(string shown, string used)
    {
        await Assert.That(Text).Contains(shown);

        ConfigurationResult result = Sample.Load(Text.Replace(shown, used, StringComparison.Ordinal));

        await Assert.That(string.Join('\n', result.Errors.Concat(result.Warnings))).IsEmpty();
        await Assert.That(result.Configuration).IsNotNull();
    }

    [Test]
    public async Task Its_presence_is_valid_when_it_is_no_comment()
    {
        string[] lines = Text.Split('\n');
        int first = Array.FindIndex(lines, line => line.StartsWith("  # presence:", StringComparison.Ordinal));
        for (int i = first; lines[i].Length > 0; i++)
        {
            lines[i] = "  " + lines[i]["  # ".Length..];
        }

        ConfigurationResult result = Sample.Load(string.Join('\n', lines));

        await Assert.That(string.Join('\n', result.Errors.Concat(result.Warnings))).IsEmpty();
        await Assert.That(System.Text.Encoding.UTF8.GetString(result.Configuration!.Presence.Span)).IsEqualTo(
            """{"since":null,"activities":[{"name":"the bus","type":3}],"status":"online","afk":false}""");
    }

    [Test]
    public async Task Keys_of_a_later_version_are_marked()
    {
        foreach (string key in KeySet.Root.Later.Concat(KeySet.Discord.Later).Concat(KeySet.Singyeong.Later).Concat(KeySet.Rule.Later).Concat(KeySet.Clustering.Later).Concat(KeySet.Operations.Later))
        {
            string line = Text.Split('\n').Single(line => line.Contains($"# {key}:", StringComparison.Ordinal));

            await Assert.That(line).Contains("not in this version");
        }
    }

    private static string Here([CallerFilePath] string path = "") => path;
}
