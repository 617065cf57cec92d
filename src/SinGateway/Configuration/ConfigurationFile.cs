namespace SinGateway.Configuration;

/// <summary>The configuration file: where it is, and what is in it.</summary>
internal static class ConfigurationFile
{
    /// <summary>What to tell the user when <see cref="Find"/> finds nothing.</summary>
    public const string NotFound =
        "There is no config.json, config.yaml or config.yml in this directory. Write one (config.example.yaml shows all keys), or name it with --config FILE.";

    /// <summary>In bytes.</summary>
    public const int MaxLength = 1 << 20;

    private static readonly string[] Names = ["config.json", "config.yaml", "config.yml"];

    /// <summary>
    /// The first of config.json, config.yaml and config.yml that is in the directory, as the Python program looks; null when none is.
    /// </summary>
    public static string? Find(string directory) =>
        Names.Select(name => Path.Combine(directory, name)).FirstOrDefault(File.Exists);

    /// <summary>Reads and checks a file. A file that cannot be read is an error in the result.</summary>
    /// <param name="environment">The value of an environment variable, null when it is not set.</param>
    public static ConfigurationResult Load(string path, Func<string, string?> environment)
    {
        if (BoundedFile.TryRead(path, MaxLength, out string? text, out string why))
        {
            return Parse(path, text, environment);
        }

        ProblemList problems = new(path);
        problems.Error(SourcePosition.Start, "", $"the file {why}", why == BoundedFile.NotUtf8 ? "Save it as UTF-8." : "Name a configuration file with --config FILE.");
        return new ConfigurationResult(null, problems.Errors, problems.Warnings);
    }

    /// <summary>Checks the text of a file: JSON if its name ends in <c>.json</c>, else YAML.</summary>
    public static ConfigurationResult Parse(string path, string text, Func<string, string?> environment)
    {
        ProblemList problems = new(path);
        ConfigurationNode? node = path.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
            ? JsonReader.Read(text, problems)
            : YamlReader.Read(text, problems);
        GatewayConfiguration? configuration = null;
        if (node is MappingNode file)
        {
            MappingNode expanded = (MappingNode)new Interpolation(environment, problems).Expand(file, "");
            configuration = ConfigurationBinder.Bind(expanded, problems);
        }
        else if (node is not null)
        {
            problems.Error(node.Position, "", $"{Section.Kind(node)} stands where the keys belong", "Start from config.example.yaml.");
        }

        return new ConfigurationResult(configuration, problems.Errors, problems.Warnings);
    }
}

/// <summary>What came of reading a file: a configuration, or errors. Warnings come with either.</summary>
/// <param name="Configuration">Null when there are errors.</param>
/// <param name="Errors">All of them, in the file's order.</param>
/// <param name="Warnings">In the file's order.</param>
internal sealed record ConfigurationResult(
    GatewayConfiguration? Configuration,
    IReadOnlyList<ConfigurationProblem> Errors,
    IReadOnlyList<ConfigurationProblem> Warnings);
