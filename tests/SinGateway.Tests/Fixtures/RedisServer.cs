using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using SinGateway.Sessions;

namespace SinGateway.Tests.Fixtures;

/// <summary>A redis-server of the test's own on a unix socket, without persistence; killed with its owner.</summary>
internal sealed partial class RedisServer : IAsyncDisposable
{
    private const int StopSignal = 19;
    private const int ContinueSignal = 18;

    private readonly TemporaryDirectory _directory = new();
    private readonly string[] _arguments;
    private Process _process;

    private RedisServer(string[] arguments)
    {
        _arguments = arguments;
        _process = Run();
    }

    public RedisDsn Dsn => new() { UnixSocket = Socket };

    private string Socket => _directory.File("redis.sock");

    /// <summary>Returns when it accepts connections. <paramref name="arguments"/> are added to the command line.</summary>
    public static async Task<RedisServer> StartAsync(params string[] arguments)
    {
        RedisServer server = new(arguments);
        try
        {
            await server.AcceptsAsync();
            return server;
        }
        catch
        {
            server._process.Dispose();
            server._directory.Dispose();
            throw;
        }
    }

    /// <summary>One in cluster mode, whose bus takes a TCP port whatever else it listens on: a free one, or another if it was just taken.</summary>
    public static async Task<RedisServer> StartClusterAsync()
    {
        while (true)
        {
            using TcpListener free = new(IPAddress.Loopback, 0);
            free.Start();
            int port = ((IPEndPoint)free.LocalEndpoint).Port;
            free.Stop();
            try
            {
                return await StartAsync("--bind", "127.0.0.1", "--cluster-enabled", "yes", "--cluster-port", $"{port}");
            }
            catch (InvalidOperationException) when (IsTaken(port))
            {
            }
        }
    }

    /// <summary>Kills it, and starts another one, empty, on the same socket.</summary>
    public async Task RestartAsync()
    {
        await KillAsync();
        _process = Run();
        await AcceptsAsync();
    }

    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        File.Delete(Socket);
    }

    /// <summary>Lets it stand still (SIGSTOP) until <see cref="Continue"/>: connections stay, and nothing is answered.</summary>
    public void Pause() => Signal(StopSignal);

    public void Continue() => Signal(ContinueSignal);

    public async ValueTask DisposeAsync()
    {
        if (File.Exists(Socket))
        {
            await KillAsync();
        }

        _directory.Dispose();
    }

    private void Signal(int signal)
    {
        if (kill(_process.Id, signal) != 0)
        {
            throw new InvalidOperationException("redis-server has ended");
        }
    }

    [LibraryImport("libc")]
    private static partial int kill(int processId, int signal);

    public static bool IsTaken(int port) =>
        IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Any(listener => listener.Port == port);

    private Process Run() => Process.Start(
        new ProcessStartInfo(
            "redis-server",
            ["--port", "0", "--unixsocket", Socket, "--save", "", "--appendonly", "no", "--dir", _directory.File("."), .. _arguments])
        {
            RedirectStandardOutput = true,
        })!;

    private async Task AcceptsAsync()
    {
        // redis-server says so on stdout, once its socket listens.
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.Contains("ready to accept connections", StringComparison.OrdinalIgnoreCase) || line.Contains("now ready", StringComparison.Ordinal))
            {
                _ = _process.StandardOutput.ReadToEndAsync();
                return;
            }
        }

        throw new InvalidOperationException("redis-server ended before it was ready");
    }
}
