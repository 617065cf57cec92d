using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using SinGateway.Configuration;
using SinGateway.Loop;

namespace SinGateway.Operations;

/// <summary>
/// The endpoints of <c>operations.listen</c>, on a thread and a loop of their own: whatever the gateway's loop does, they answer, and say so when it
/// does nothing.
/// </summary>
internal sealed partial class OperationsServer : IDisposable
{
    private readonly EventLoop _loop;
    private readonly HttpServer _http;

    private OperationsServer(EventLoop loop, HttpServer http)
    {
        _loop = loop;
        _http = http;
    }

    /// <summary>Answers from now on. Throws <see cref="IOException"/> with a message for the operator.</summary>
    public static async Task<OperationsServer> StartAsync(ListenAddress listen, StatusBoard board, ILogger logger)
    {
        IPEndPoint endPoint = new(await AddressAsync(listen), listen.Port);
        var loop = new EventLoop(TimeProvider.System);
        HttpServer http;
        try
        {
            http = HttpServer.Listen(endPoint, loop, new OperationsPages(board, TimeProvider.System).Answer, logger);
        }
        catch
        {
            loop.Dispose();
            throw;
        }

        loop.Failed += failure => LogEnded(logger, failure);
        loop.Start("operations");
        loop.Post(http.Start);
        LogListening(logger, (listen with { Port = http.Port }).ToString());
        return new OperationsServer(loop, http);
    }

    public void Dispose()
    {
        _loop.Dispose();
        _http.Dispose();
    }

    private static async Task<IPAddress> AddressAsync(ListenAddress listen)
    {
        if (IPAddress.TryParse(listen.Host, out IPAddress? literal))
        {
            return literal;
        }

        try
        {
            IPAddress[] addresses = await Dns.GetHostAddressesAsync(listen.Host);
            return addresses.OrderBy(address => address.AddressFamily != AddressFamily.InterNetwork).First();
        }
        catch (Exception unknown) when (unknown is SocketException or InvalidOperationException)
        {
            throw new IOException($"operations.listen: the name {listen.Host} does not resolve; write an IP address of this machine");
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Listening at http://{Address}: / for a browser, /livez, /readyz, /status, /metrics")]
    private static partial void LogListening(ILogger logger, string address);

    [LoggerMessage(Level = LogLevel.Error, Message = "The endpoints of operations.listen have failed and answer no more, please report it; the gateway goes on")]
    private static partial void LogEnded(ILogger logger, Exception failure);
}
