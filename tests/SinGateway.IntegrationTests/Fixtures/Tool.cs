using TUnit.Core.Exceptions;

namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>Programs of the host that some tests need and that not every host has.</summary>
internal static class Tool
{
    /// <summary>The path of <paramref name="program"/>; skips the test, and says what would run it, where there is none.</summary>
    public static string Find(string program, string package) =>
        $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin".Split(':').Select(directory => Path.Combine(directory, program)).FirstOrDefault(File.Exists)
        ?? throw new SkipTestException($"{program} is missing; install it: apt-get install {package}");

    /// <summary>Skips the test where this process is not root.</summary>
    public static void RequireRoot(string why)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            throw new SkipTestException($"only root may {why}");
        }
    }

    /// <summary>What the program prints on stdout; throws with what it said when it fails.</summary>
    public static async Task<string> RunAsync(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        await using ChildProcess process = ChildProcess.Start(program, arguments, Path.GetTempPath(), environment);
        int code = await process.WaitForExitAsync(Eventually.Deadline);
        return code == 0 ? process.Output : throw new InvalidOperationException($"{program} ended with {code}:\n{process.Output}\n{process.Tail()}");
    }
}
