using System.ComponentModel;
using System.Diagnostics;
using TUnit.Core.Exceptions;

namespace SinGateway.Tests.Fixtures;

/// <summary>Prometheus' own checker; Debian has it in its package prometheus.</summary>
internal static class Promtool
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>What it finds wrong; empty when it is content. Without it the test is skipped.</summary>
    /// <param name="input">What it reads on stdin.</param>
    /// <param name="directory">Where it runs.</param>
    /// <param name="arguments">Its command.</param>
    public static async Task<string> ComplaintsAsync(string input, string directory, params string[] arguments)
    {
        Process process;
        try
        {
            process = Process.Start(new ProcessStartInfo("promtool", arguments)
            {
                WorkingDirectory = directory,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
        }
        catch (Win32Exception)
        {
            throw new SkipTestException("promtool is missing; install it: apt-get install prometheus");
        }

        using (process)
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            await process.WaitForExitAsync().WaitAsync(Patience);
            string said = (await output + await errors).Trim();
            return process.ExitCode != 0 || (said.Length > 0 && !said.Contains("SUCCESS", StringComparison.Ordinal)) ? $"exit code {process.ExitCode}: {said}" : "";
        }
    }
}
