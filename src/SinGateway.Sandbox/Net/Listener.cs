using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace SinGateway.Sandbox.Net;

/// <summary>
/// Accepts connections on one port of 127.0.0.1, plain or TLS, and can stop and start again on the same port. A connection that
/// <c>isGarbled</c> picks gets bytes that are no handshake of any kind.
/// </summary>
internal sealed class Listener(
    int port, SslStreamCertificateContext? certificate, Func<Connection, Task> serve, Func<bool>? isGarbled = null) : IDisposable
{
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    private Socket? _socket;

    /// <summary>The port in use, once started.</summary>
    public int Port { get; private set; } = port;

    public void Start()
    {
        if (_socket is not null)
        {
            return;
        }
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, Port));
        socket.Listen(1024);
        Port = ((IPEndPoint)socket.LocalEndPoint!).Port;
        _socket = socket;
        _ = AcceptAsync(socket);
    }

    /// <summary>Refuses new connections; those that exist go on.</summary>
    public void Stop()
    {
        _socket?.Dispose();
        _socket = null;
    }

    public void Dispose() => Stop();

    private async Task AcceptAsync(Socket listening)
    {
        while (true)
        {
            try
            {
                Socket socket = await listening.AcceptAsync().ConfigureAwait(false);
                socket.NoDelay = true;
                _ = ServeAsync(socket);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                if (_socket != listening)
                {
                    return;
                }
                await Task.Delay(10).ConfigureAwait(false);
            }
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        await Task.Yield();
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            if (isGarbled?.Invoke() is true)
            {
                await stream.WriteAsync("\u0001\u0002 neither TLS nor HTTP\r\n"u8.ToArray()).ConfigureAwait(false);
                await stream.DisposeAsync().ConfigureAwait(false);
                return;
            }
            if (certificate is not null)
            {
                SslStream tls = new(stream);
                stream = tls;
                using CancellationTokenSource timeout = new(HandshakeTimeout);
                SslServerAuthenticationOptions options = new() { ServerCertificateContext = certificate };
                await tls.AuthenticateAsServerAsync(options, timeout.Token).ConfigureAwait(false);
            }
            using Connection connection = new(socket, stream);
            await serve(connection).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException
            or System.Security.Authentication.AuthenticationException)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            await Console.Error.WriteLineAsync($"sandbox: a connection failed: {e}").ConfigureAwait(false);
            await stream.DisposeAsync().ConfigureAwait(false);
        }
    }
}
