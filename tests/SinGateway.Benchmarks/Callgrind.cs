using System.Globalization;
using System.Text.RegularExpressions;

namespace SinGateway.Benchmarks;

/// <summary>
/// Runs a program on valgrind's processor, which counts its instructions while it is told to (https://valgrind.org/docs/manual/cl-manual.html).
/// </summary>
internal static partial class Callgrind
{
    public static bool IsInstalled =>
        Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(directory => File.Exists(Path.Combine(directory, "callgrind_control")));

    /// <summary>What stands before the program on the command line. Nothing is counted at first.</summary>
    /// <param name="directory">Where the profile goes.</param>
    public static string[] Command(string directory) =>
        ["valgrind", "--tool=callgrind", "--instr-atstart=no", $"--callgrind-out-file={Path.Combine(directory, "callgrind.out.%p")}"];

    /// <summary>Begins to count, or ends.</summary>
    public static async Task SwitchAsync(ChildProcess process, bool on, CancellationToken cancellationToken)
    {
        string id = process.Id.ToString(CultureInfo.InvariantCulture);
        ChildProcess control = ChildProcess.Start(["callgrind_control", "-i", on ? "on" : "off", id]);
        await using (control.ConfigureAwait(false))
        {
            await control.WaitForSuccessAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>What was counted until <paramref name="stopped"/> had ended.</summary>
    public static long Counted(ChildProcess stopped) => Collected().Match(stopped.Output) is { Success: true } match
        ? long.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture)
        : throw new InvalidOperationException($"valgrind has counted nothing:\n{stopped.Output}");

    [GeneratedRegex(@"Collected : (\d+)")]
    private static partial Regex Collected();
}
