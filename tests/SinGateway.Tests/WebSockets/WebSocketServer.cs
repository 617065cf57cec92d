using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using SinGateway.Tests.Loop;
using SinGateway.WebSockets;

namespace SinGateway.Tests.WebSockets;

/// <summary>
/// A server on a free port of loopback, at the level that a test asks for: sockets, streams (TLS with a certificate), or .NET's own
/// websockets.
/// </summary>
internal sealed class WebSocketServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<Socket> _sockets = [];
    private readonly X509Certificate2? _certificate;

    public WebSocketServer(X509Certificate2? certificate = null)
    {
        _certificate = certificate;
        _listener.Start();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>With the address of loopback as host, or <paramref name="host"/>, which the client's dialer must resolve.</summary>
    public Uri Uri(string host = "127.0.0.1") => new($"{(_certificate is null ? "ws" : "wss")}://{host}:{Port}/socket?x=1");

    public async Task<Socket> AcceptSocketAsync()
    {
        using CancellationTokenSource patience = new(RunningLoop.Patience);
        Socket socket = await _listener.AcceptSocketAsync(patience.Token);
        socket.NoDelay = true;
        lock (_sockets)
        {
            _sockets.Add(socket);
        }

        return socket;
    }

    /// <summary>The stream over TCP, or over TLS when its handshake has been done.</summary>
    public async Task<Stream> AcceptStreamAsync()
    {
        Stream stream = new NetworkStream(await AcceptSocketAsync(), ownsSocket: true);
        if (_certificate is not null)
        {
            SslStream secure = new(stream);
            await secure.AuthenticateAsServerAsync(_certificate).WaitAsync(RunningLoop.Patience);
            stream = secure;
        }

        return stream;
    }

    /// <summary>A stream behind the upgrade: what follows is frames.</summary>
    public async Task<Stream> AcceptUpgradedAsync(Func<Stream, Stream>? wrap = null)
    {
        Stream stream = await AcceptStreamAsync();
        stream = wrap?.Invoke(stream) ?? stream;
        string request = await ReadHeadAsync(stream);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(UpgradeAnswerTo(request)));
        return stream;
    }

    /// <summary>A websocket of .NET over the stream, which <paramref name="wrap"/> may replace.</summary>
    public async Task<WebSocket> AcceptAsync(Func<Stream, Stream>? wrap = null) =>
        WebSocket.CreateFromStream(await AcceptUpgradedAsync(wrap), new WebSocketCreationOptions { IsServer = true, KeepAliveInterval = TimeSpan.Zero });

    /// <summary>The head of a request, up to and with its empty line.</summary>
    public static async Task<string> ReadHeadAsync(Stream stream)
    {
        using CancellationTokenSource patience = new(RunningLoop.Patience);
        StringBuilder head = new();
        byte[] one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one, patience.Token);
            head.Append((char)one[0]);
        }

        return head.ToString();
    }

    public static string UpgradeAnswerTo(string request)
    {
        string key = request.Split("\r\n").First(line => line.StartsWith("Sec-WebSocket-Key: ", StringComparison.Ordinal))[19..];
        return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
            $"Sec-WebSocket-Accept: {Encoding.ASCII.GetString(UpgradeHandshake.ExpectedAccept(key))}\r\n\r\n";
    }

    public void Dispose()
    {
        _listener.Dispose();
        lock (_sockets)
        {
            _sockets.ForEach(socket => socket.Dispose());
        }
    }
}
