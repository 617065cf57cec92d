using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace SinGateway.Benchmarks;

/// <summary>
/// A program that runs beside the driver, is stopped by its handle, and whose output is kept for the message when it fails.
/// </summary>
internal sealed partial class ChildProcess : IAsyncDisposable
{
    private const int Sigterm = 15;
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(15);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly TaskCompletionSource<string> _firstLine = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ChildProcess(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        Name = Path.GetFileName(start.FileName);
        _process = Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} did not start");
        _process.OutputDataReceived += (_, line) =>
        {
            Keep(line.Data);
            _firstLine.TrySetResult(line.Data ?? "");
        };
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        Meter = new ProcessMeter(_process.Id);
    }

    public string Name { get; }

    public ProcessMeter Meter { get; }

    public bool HasExited => _process.HasExited;

    /// <summary>Both streams, as far as they were written. Whole after <see cref="StopAsync"/>.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    public int Id => _process.Id;

    /// <param name="command">The executable and its arguments.</param>
    /// <param name="environment">Added to this process' own.</param>
    public static ChildProcess Start(string[] command, IReadOnlyDictionary<string, string>? environment = null)
    {
        ProcessStartInfo start = new(command[0], command[1..]);
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }
        return new ChildProcess(start);
    }

    /// <summary>The first line on stdout; empty when the program ended without one.</summary>
    public Task<string> FirstLineAsync(CancellationToken cancellationToken) => _firstLine.Task.WaitAsync(cancellationToken);

    /// <summary>Waits for its own end, and throws when it failed.</summary>
    public async Task WaitForSuccessAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        if (_process.ExitCode != 0)
        {
            throw Gone();
        }
    }

    /// <summary>Asks it to stop (SIGTERM), and kills it when it does not.</summary>
    public async Task StopAsync()
    {
        if (!_process.HasExited)
        {
            kill(_process.Id, Sigterm);
        }
        using CancellationTokenSource timeout = new(StopTimeout);
        try
        {
            await _process.WaitForExitAsync(timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>The error to throw when it is gone although it should run.</summary>
    public InvalidOperationException Gone() => new($"{Name} ended with exit code {_process.ExitCode}:\n{Output}");

    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        _process.Dispose();
    }

    private void Keep(string? line)
    {
        lock (_output)
        {
            _output.AppendLine(line);
        }
    }

    [LibraryImport("libc")]
    private static partial int kill(int processId, int signal);
}
