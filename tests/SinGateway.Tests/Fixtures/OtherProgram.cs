using System.ComponentModel;
using System.Diagnostics;
using TUnit.Core.Exceptions;

namespace SinGateway.Tests.Fixtures;

/// <summary>A program that tests ask for a second opinion, run to its end.</summary>
internal static class OtherProgram
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Skips the test, and says what would run it, when the command does not end well.</summary>
    public static void RequireOrSkip(string package, string program, params string[] arguments)
    {
        try
        {
            Run(program, arguments);
        }
        catch (Exception missing) when (missing is Win32Exception or InvalidOperationException)
        {
            throw new SkipTestException($"{package} is missing; install it: apt-get install {package}");
        }
    }

    /// <summary>What the program prints; throws when it fails, with what it says.</summary>
    public static string Run(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            throw new System.TimeoutException($"{program} has not ended after {Patience}");
        }

        return process.ExitCode == 0 ? output.Result : throw new InvalidOperationException($"{program} fails: {error.Result}{output.Result}");
    }
}
