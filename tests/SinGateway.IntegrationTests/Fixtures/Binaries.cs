using TUnit.Core.Exceptions;

namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>The published executables: in the directory that SINGATEWAY_BIN names, else in the repository's out/.</summary>
internal static class Binaries
{
    public static string Gateway { get; } = Find("singateway");

    public static string Sandbox { get; } = Find("singateway-sandbox");

    /// <summary>The gateway of a release; skips the test where there is none.</summary>
    /// <param name="rid">linux-x64 or linux-arm64.</param>
    public static string Release(string rid) => OfRelease(Path.Combine(rid, "singateway"), $"./build.sh release {rid}");

    /// <summary>The container image for linux-x64, an OCI archive; skips the test where there is none.</summary>
    public static string Image => OfRelease("singateway.oci.tar", "./build.sh image");

    /// <summary>The checked-out repository.</summary>
    public static string Repository()
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "SinGateway.sln")))
        {
            directory = directory.Parent;
        }
        return directory?.FullName ?? throw new FileNotFoundException($"no SinGateway.sln above {AppContext.BaseDirectory}: set SINGATEWAY_BIN");
    }

    private static string OfRelease(string name, string maker)
    {
        string? directory = Environment.GetEnvironmentVariable("SINGATEWAY_RELEASE");
        string path = Path.Combine(directory ?? "", name);
        return directory is { Length: > 0 } && File.Exists(path)
            ? path
            : throw new SkipTestException($"{name} of a release is not built here; {maker} says what is missing for it (./build.sh test builds it, unless its filter names other tests)");
    }

    private static string Directory() => Environment.GetEnvironmentVariable("SINGATEWAY_BIN") is { Length: > 0 } given ? given : Path.Combine(Repository(), "out");

    private static string Find(string name)
    {
        string path = Path.Combine(Directory(), name);
        return File.Exists(path) ? path : throw new FileNotFoundException($"{path} is not there: run ./build.sh build, or set SINGATEWAY_BIN");
    }
}
