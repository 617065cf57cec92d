using System.Globalization;
using System.Text.RegularExpressions;

namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>The published gateway.</summary>
internal sealed partial class GatewayProcess : IAsyncDisposable
{
    /// <summary>How long a stop may take: ten seconds for the outbox, and what surrounds it.</summary>
    public static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(15);

    private readonly ChildProcess _process;
    private readonly string? _below;

    /// <param name="process">The gateway, or what started it.</param>
    /// <param name="below">The name of the gateway below <paramref name="process"/>, if that hands no signals on.</param>
    private GatewayProcess(ChildProcess process, string? below = null)
    {
        _process = process;
        _below = below;
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public string Output => _process.Output;

    /// <summary>Its log, and the last line that says why it ended.</summary>
    public string Errors => _process.Errors;

    public string LastLine => Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault("");

    public string Tail => _process.Tail();

    /// <summary>The most memory that was ever resident, in bytes.</summary>
    public long PeakMemory => Status("VmHWM:") ?? throw new InvalidOperationException($"the gateway has ended:\n{Tail}");

    /// <summary>What is resident now, in bytes; null when it has ended.</summary>
    public long? Memory => Status("VmRSS:");

    /// <summary>Of it, what is not the executable's own pages, which the kernel takes back when it wants to; null when it has ended.</summary>
    public long? AnonymousMemory => Status("RssAnon:");

    /// <summary>The managed bytes that it allocated in its life.</summary>
    public long AllocatedBytes => AtItsEnd("allocated");

    /// <summary>What its last line of the log counts under <paramref name="name"/>.</summary>
    public long AtItsEnd(string name) => Regex.Match(Errors, $@"\b{name}=(\d+)") is { Success: true } match
        ? long.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture)
        : throw new InvalidOperationException($"the gateway logged no {name}=… at its end:\n{Tail}");

    public static GatewayProcess Start(string directory, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null) =>
        // Who runs the tests may ignore SIGHUP (nohup does), which a child would inherit.
        new(ChildProcess.Start("env", ["--default-signal=HUP", Binaries.Gateway, .. arguments], directory, environment));

    /// <summary>Started with a limit of open files, as prlimit takes it: <c>SOFT:</c>, or <c>SOFT:HARD</c>.</summary>
    public static GatewayProcess StartLimited(string openFiles, string directory, IEnumerable<string> arguments) =>
        new(ChildProcess.Start("prlimit", [$"--nofile={openFiles}", "--", Binaries.Gateway, .. arguments], directory));

    /// <summary>Started by <paramref name="command"/>, which becomes the gateway, or has it below itself and ends as it does.</summary>
    public static GatewayProcess StartBy(
        string[] command, bool isBelow, string directory, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment) =>
        new(ChildProcess.Start(command[0], [.. command[1..], .. arguments], directory, environment), isBelow ? "singateway" : null);

    /// <summary>Waits until its log holds <paramref name="text"/>: what it has logged reaches this process some time after what it has done.</summary>
    public Task SaysAsync(string text) => Eventually.HoldsAsync(
        () => Errors.Contains(text, StringComparison.Ordinal), $"the gateway says \"{text}\"", () => Tail);

    /// <summary>SIGTERM; answers the exit code.</summary>
    public Task<int> TerminateAsync()
    {
        if (_below is null)
        {
            _process.Terminate();
        }
        else
        {
            _process.Terminate(_below);
        }
        return WaitForExitAsync(StopDeadline);
    }

    /// <summary>SIGTERM, and nothing waited for.</summary>
    public void Terminate() => _process.Terminate();

    /// <summary>SIGSTOP, as a paused machine would be.</summary>
    public void Stop() => _process.Stop();

    /// <summary>SIGCONT.</summary>
    public void Continue() => _process.Continue();

    /// <summary>SIGHUP: reads its configuration again.</summary>
    public void HangUp() => _process.HangUp();

    /// <summary>SIGKILL, as a crash would be.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(Eventually.Deadline);
    }

    public Task<int> WaitForExitAsync(TimeSpan? deadline = null) => _process.WaitForExitAsync(deadline ?? Eventually.Deadline);

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    /// <summary>A size in /proc/PID/status, in bytes; an ended process has none.</summary>
    private long? Status(string key)
    {
        try
        {
            return File.ReadLines($"/proc/{_process.Id}/status").FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal)) is { } line
                ? long.Parse(Digits().Match(line).ValueSpan, CultureInfo.InvariantCulture) * 1024
                : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    [GeneratedRegex(@"\d+")]
    private static partial Regex Digits();
}
