using System.Net;
using Microsoft.Extensions.Logging;
using SinGateway.Loop;

namespace SinGateway.Operations;

/// <summary>Answers a GET of a path, which is borrowed; null when there is nothing there.</summary>
internal delegate HttpAnswer? HttpPages(ReadOnlySpan<byte> path);

/// <summary>
/// A small HTTP/1 server for whoever watches the gateway: GET and HEAD, one request a connection, everything bounded: connections, bytes of a
/// head, time. It belongs to a loop of its own, so that it answers while the gateway's stands still.
/// </summary>
internal sealed partial class HttpServer : IPollable, IDisposable
{
    /// <summary>The oldest connection makes room for one more: many who are slow keep nobody out.</summary>
    public const int MaximumConnections = 32;

    /// <summary>Taken in one turn, so that each has its request read before others make it the oldest.</summary>
    private const int AcceptedAtOnce = MaximumConnections / 2;

    /// <summary>How long nobody is accepted when the system has no descriptor for him, in ms.</summary>
    private const int DescriptorPause = 1_000;

    private readonly int _listener;
    private readonly LoopTimer _pauseTimer;
    private readonly LinkedList<HttpConnection> _connections = new();
    private readonly ILogger _logger;
    private ulong _watch;

    private HttpServer(EventLoop loop, int listener, HttpPages pages, ILogger logger)
    {
        Loop = loop;
        Pages = pages;
        _listener = listener;
        _logger = logger;
        _pauseTimer = new LoopTimer(loop, Continue);
    }

    public EventLoop Loop { get; }

    public HttpPages Pages { get; }

    /// <summary>Where it listens; chosen by the system when it was to.</summary>
    public int Port => SystemCalls.PortOf(_listener);

    /// <summary>Those that are open.</summary>
    public int Connections => _connections.Count;

    /// <summary>
    /// Listens from now on, and answers once <see cref="Start"/> was called on the loop. Throws <see cref="IOException"/> with a message for the
    /// operator.
    /// </summary>
    public static HttpServer Listen(IPEndPoint endPoint, EventLoop loop, HttpPages pages, ILogger logger)
    {
        int listener = SystemCalls.ListenAt(endPoint);
        return listener >= 0
            ? new HttpServer(loop, listener, pages, logger)
            : throw new IOException($"operations.listen: cannot listen at {endPoint} ({SystemCalls.Describe(SystemCalls.LastError)}); name another address or port, or stop who has it");
    }

    public void Start() => _watch = Loop.Watch(_listener, SystemCalls.PollIn, this);

    public void OnReady(uint events)
    {
        for (int i = 0; i < AcceptedAtOnce; i++)
        {
            int descriptor = SystemCalls.Accept(_listener);
            if (descriptor >= 0)
            {
                Add(descriptor);
            }
            else if (SystemCalls.LastError is SystemCalls.TryAgain)
            {
                return;
            }
            else if (SystemCalls.LastError is SystemCalls.TooManyFiles or SystemCalls.TooManyFilesInSystem)
            {
                // Told again and again while somebody waits: looked at again in a second.
                Loop.ChangeWatch(_watch, _listener, 0);
                _pauseTimer.Start(DescriptorPause);
                return;
            }

            // Anything else is the trouble of one connection that ended before it was accepted.
        }
    }

    public void Remove(LinkedListNode<HttpConnection> connection) => _connections.Remove(connection);

    /// <summary>A page could not be made: the asker gets a 500, the log the cause.</summary>
    public HttpAnswer Fail(Exception failure)
    {
        LogFailed(failure);
        return HttpAnswer.Text(500, "This page failed; the gateway's log says why.\n");
    }

    /// <summary>When the loop has ended: clients are left as they are.</summary>
    public void Dispose()
    {
        foreach (HttpConnection connection in _connections)
        {
            SystemCalls.Close(connection.Descriptor);
        }

        SystemCalls.Close(_listener);
    }

    private void Add(int descriptor)
    {
        if (_connections.Count == MaximumConnections)
        {
            _connections.First!.Value.End();
        }

        HttpConnection connection = new(this, descriptor);
        connection.Open(_connections.AddLast(connection));
    }

    private void Continue() => Loop.ChangeWatch(_watch, _listener, SystemCalls.PollIn);

    [LoggerMessage(Level = LogLevel.Error, Message = "A page of operations.listen failed, please report it")]
    private partial void LogFailed(Exception failure);
}
