using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>
/// A program under test: what it writes is kept line by line, and it is stopped by its handle, at the latest when this process ends.
/// </summary>
internal sealed partial class ChildProcess : IAsyncDisposable
{
    private const int Sighup = 1;
    private const int Sigterm = 15;
    private const int Sigcont = 18;
    private const int Sigstop = 19;
    private static readonly ConcurrentDictionary<ChildProcess, bool> Running = new();

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly TaskCompletionSource<string> _firstLine = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _reading;

    static ChildProcess() => AppDomain.CurrentDomain.ProcessExit += (_, _) =>
    {
        foreach (ChildProcess child in Running.Keys)
        {
            child.Kill();
        }
    };

    private ChildProcess(ProcessStartInfo start)
    {
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        Name = Path.GetFileName(start.FileName);
        _process = Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} did not start");
        Running[this] = true;
        _reading = Task.WhenAll(ReadAsync(_process.StandardOutput, _output), ReadAsync(_process.StandardError, _errors));
    }

    public string Name { get; }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Complete once the process has ended.</summary>
    public string Output => string.Join('\n', _output);

    /// <summary>What it wrote to stderr; complete once the process has ended.</summary>
    public string Errors => string.Join('\n', _errors);

    /// <summary>The first line on stdout; empty when the program ended without one.</summary>
    public Task<string> FirstLine => _firstLine.Task;

    /// <param name="executable">Its path.</param>
    /// <param name="arguments">Each as it is.</param>
    /// <param name="directory">Its working directory.</param>
    /// <param name="environment">What differs from this process' own environment.</param>
    public static ChildProcess Start(
        string executable, IEnumerable<string> arguments, string directory, IReadOnlyDictionary<string, string>? environment = null)
    {
        ProcessStartInfo start = new(executable, arguments) { WorkingDirectory = directory };
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }
        return new ChildProcess(start);
    }

    /// <summary>SIGTERM.</summary>
    public void Terminate() => Signal(Sigterm);

    /// <summary>SIGHUP.</summary>
    public void HangUp() => Signal(Sighup);

    /// <summary>
    /// SIGTERM to the one process below this one whose name is <paramref name="name"/>: for a parent that does not hand signals on.
    /// </summary>
    public void Terminate(string name)
    {
        foreach (int below in Below(_process.Id).Where(id => NameOf(id) == name))
        {
            kill(below, Sigterm);
        }
    }

    /// <summary>SIGSTOP: not a thread of it runs until <see cref="Continue"/>.</summary>
    public void Stop() => kill(_process.Id, Sigstop);

    /// <summary>SIGCONT.</summary>
    public void Continue() => kill(_process.Id, Sigcont);

    /// <summary>SIGKILL.</summary>
    public void Kill()
    {
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended.
        }
    }

    /// <summary>
    /// Waits for its end and the end of its output, and answers its exit code (128 + the signal's number, when one killed it).
    /// </summary>
    public async Task<int> WaitForExitAsync(TimeSpan deadline)
    {
        using CancellationTokenSource timeout = new(deadline);
        try
        {
            await _process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"{Name} did not end within {deadline.TotalSeconds:0} s. It said:\n{Tail()}");
        }
        await _reading;
        return _process.ExitCode;
    }

    /// <summary>The last lines of stderr, for a failure's message.</summary>
    public string Tail(int lines = 40) => string.Join('\n', _errors.TakeLast(lines));

    public async ValueTask DisposeAsync()
    {
        Kill();
        await _process.WaitForExitAsync();
        await _reading;
        Running.TryRemove(this, out _);
        _process.Dispose();
    }

    private void Signal(int number)
    {
        if (!_process.HasExited)
        {
            kill(_process.Id, number);
        }
    }

    private async Task ReadAsync(StreamReader from, ConcurrentQueue<string> into)
    {
        while (await from.ReadLineAsync() is { } line)
        {
            into.Enqueue(line);
            if (into == _output)
            {
                _firstLine.TrySetResult(line);
            }
        }
        if (into == _output)
        {
            _firstLine.TrySetResult("");
        }
    }

    private static IEnumerable<int> Below(int parent)
    {
        foreach (string task in Directory.Exists($"/proc/{parent}/task") ? Directory.GetDirectories($"/proc/{parent}/task") : [])
        {
            foreach (string child in Read(Path.Combine(task, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                int id = int.Parse(child, CultureInfo.InvariantCulture);
                yield return id;
                foreach (int below in Below(id))
                {
                    yield return below;
                }
            }
        }
    }

    private static string NameOf(int id) => Read($"/proc/{id}/comm").TrimEnd();

    /// <summary>A file in /proc; empty when its process or thread has ended, which it may at any time.</summary>
    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return "";
        }
    }

    [LibraryImport("libc")]
    private static partial int kill(int processId, int signal);
}
