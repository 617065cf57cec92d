using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace SinGateway.Operations;

/// <summary>
/// Tells the service manager how the service is doing: a datagram of lines <c>NAME=VALUE</c> to the unix socket that NOTIFY_SOCKET names.
/// Without one, and when nobody listens there, nothing happens: the gateway runs the same. Any thread but a loop's.
/// </summary>
/// <remarks>https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html</remarks>
internal sealed class ServiceNotifier : IDisposable
{
    public const string SocketVariable = "NOTIFY_SOCKET";
    public const string WatchdogVariable = "WATCHDOG_USEC";
    public const string WatchdogProcessVariable = "WATCHDOG_PID";

    private readonly Socket? _socket;

    /// <param name="environment">Reads a variable of the environment, or null.</param>
    public ServiceNotifier(Func<string, string?> environment)
    {
        _socket = Connect(environment(SocketVariable));
        bool ours = environment(WatchdogProcessVariable) is not { Length: > 0 } process || process == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        if (_socket is not null && ours && long.TryParse(environment(WatchdogVariable), NumberStyles.None, CultureInfo.InvariantCulture, out long microseconds) && microseconds > 0)
        {
            WatchdogPatience = TimeSpan.FromMicroseconds(microseconds);
        }
    }

    /// <summary>How long the service manager waits for <see cref="Alive"/> before it restarts the service; null when it does not.</summary>
    public TimeSpan? WatchdogPatience { get; }

    /// <summary>What the service needs is there, and its work has begun.</summary>
    public void Ready() => Send("READY=1");

    public void Stopping() => Send("STOPPING=1");

    public void Alive() => Send("WATCHDOG=1");

    /// <summary>One line for people, which <c>systemctl status</c> shows.</summary>
    public void Status(string text) => Send("STATUS=" + text.ReplaceLineEndings(" "));

    public void Dispose() => _socket?.Dispose();

    private static Socket? Connect(string? address)
    {
        // A path, or a name in the abstract namespace, which begins with a zero byte that variables cannot hold.
        if (address is not ['/' or '@', _, ..])
        {
            return null;
        }

        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(address[0] == '@' ? '\0' + address[1..] : address));
            return socket;
        }
        catch (Exception unusable) when (unusable is SocketException or ArgumentException)
        {
            socket.Dispose();
            return null;
        }
    }

    private void Send(string state)
    {
        try
        {
            _socket?.Send(Encoding.UTF8.GetBytes(state));
        }
        catch (Exception unheard) when (unheard is SocketException or ObjectDisposedException)
        {
            // The service manager is being replaced, or has too much unread: it will be told the next time.
        }
    }
}
