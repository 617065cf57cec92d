namespace SinGateway.Configuration;

/// <summary>
/// What was found while reading one file. The first error of a value is the one that counts: what follows from it is not said.
/// </summary>
internal sealed class ProblemList(string file)
{
    private readonly List<ConfigurationProblem> _errors = [];
    private readonly List<ConfigurationProblem> _warnings = [];

    public bool HasErrors => _errors.Count > 0;

    /// <summary>In the file's order.</summary>
    public IReadOnlyList<ConfigurationProblem> Errors => Sorted(_errors);

    /// <summary>In the file's order.</summary>
    public IReadOnlyList<ConfigurationProblem> Warnings => Sorted(_warnings);

    public void Error(SourcePosition position, string keyPath, string message, string hint) =>
        AddFirst(_errors, new ConfigurationProblem(file, position, keyPath, message, hint));

    public void Warning(SourcePosition position, string keyPath, string message, string hint) =>
        _warnings.Add(new ConfigurationProblem(file, position, keyPath, message, hint));

    private static void AddFirst(List<ConfigurationProblem> problems, ConfigurationProblem problem)
    {
        if (!problems.Exists(other => other.Position == problem.Position && other.KeyPath == problem.KeyPath))
        {
            problems.Add(problem);
        }
    }

    private static ConfigurationProblem[] Sorted(List<ConfigurationProblem> problems) =>
        [.. problems.OrderBy(problem => problem.Position)];
}
