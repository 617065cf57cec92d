namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>The published executables: in the directory that SINGATEWAY_BIN names, else in the repository's out/.</summary>
internal static class Binaries
{
    public static string Gateway { get; } = Find("singateway");

    public static string Sandbox { get; } = Find("singateway-sandbox");

    private static string Find(string name)
    {
        string directory = Environment.GetEnvironmentVariable("SINGATEWAY_BIN") is { Length: > 0 } given ? given : Path.Combine(Repository(), "out");
        string path = Path.Combine(directory, name);
        return File.Exists(path) ? path : throw new FileNotFoundException($"{path} is not there: run ./build.sh build, or set SINGATEWAY_BIN");
    }

    private static string Repository()
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "SinGateway.sln")))
        {
            directory = directory.Parent;
        }
        return directory?.FullName ?? throw new FileNotFoundException($"no SinGateway.sln above {AppContext.BaseDirectory}: set SINGATEWAY_BIN");
    }
}
