using System.Globalization;

namespace SinGateway.Benchmarks;

/// <summary>floor.c, compiled here: what the same work costs in C.</summary>
internal static class FloorProgram
{
    /// <summary>Compiles it into <paramref name="directory"/>, with the system's zlib. Returns the executable's path.</summary>
    public static Task<string> CompileAsync(string directory, CancellationToken cancellationToken) =>
        CompileAsync(Path.Combine(directory, "floor"), "-lz", cancellationToken);

    /// <summary>The same with the faster zlib (zlib-ng) that .NET links into native executables; null where that is not found.</summary>
    public static async Task<string?> CompileWithZlibOfDotnetAsync(string directory, CancellationToken cancellationToken)
    {
        string packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        string rid = System.Runtime.InteropServices.RuntimeInformation.RuntimeIdentifier;
        DirectoryInfo runtime = new(Path.Combine(packages, $"microsoft.netcore.app.runtime.nativeaot.{rid}"));
        string? library = runtime.Exists
            ? runtime.EnumerateFiles("libz.a", SearchOption.AllDirectories).MaxBy(file => file.LastWriteTimeUtc)?.FullName
            : null;
        return library is null ? null : await CompileAsync(Path.Combine(directory, "floor-zlib-ng"), library, cancellationToken).ConfigureAwait(false);
    }

    public static ChildProcess Start(string executable, SandboxProcess sandbox, int shards, string[] before) => ChildProcess.Start(
        [
            .. before,
            executable,
            sandbox.GatewayPort.ToString(CultureInfo.InvariantCulture),
            sandbox.SingyeongEndpoint.Split(':')[^1],
            shards.ToString(CultureInfo.InvariantCulture),
        ]);

    private static async Task<string> CompileAsync(string executable, string library, CancellationToken cancellationToken)
    {
        string source = Path.Combine(AppContext.BaseDirectory, "floor.c");
        string compiler = Environment.GetEnvironmentVariable("CC") ?? "cc";
        ChildProcess process = ChildProcess.Start([compiler, "-O2", "-s", "-Wall", "-Wextra", "-o", executable, source, library]);
        await using (process.ConfigureAwait(false))
        {
            await process.WaitForSuccessAsync(cancellationToken).ConfigureAwait(false);
        }
        return executable;
    }
}
