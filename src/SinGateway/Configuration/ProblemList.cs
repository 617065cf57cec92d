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

    public void Error(SourcePosition position, string keyPath, string message, string hint)
    {
        if (!_errors.Exists(other => other.Position == position && other.KeyPath == keyPath))
        {
            _errors.Add(new ConfigurationProblem(file, position, keyPath, message, hint));
        }
    }

    /// <summary>As <see cref="Error"/>, for one of several parts of a value, each of which may be wrong by itself.</summary>
    public void PartError(SourcePosition position, string keyPath, string message, string hint)
    {
        ConfigurationProblem problem = new(file, position, keyPath, message, hint);
        if (!_errors.Contains(problem))
        {
            _errors.Add(problem);
        }
    }

    public void Warning(SourcePosition position, string keyPath, string message, string hint) =>
        _warnings.Add(new ConfigurationProblem(file, position, keyPath, message, hint));

    private static ConfigurationProblem[] Sorted(List<ConfigurationProblem> problems) =>
        [.. problems.OrderBy(problem => problem.Position)];
}
