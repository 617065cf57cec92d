using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using SinGateway.Operations;
using SinGateway.Tests.Loop;

namespace SinGateway.Tests.Operations;

/// <summary>The server on a real loop against clients that do what they want.</summary>
public sealed class HttpServerTests
{
    private const string Request = "GET /page HTTP/1.1\r\nHost: a\r\n\r\n";

    [Test]
    public async Task A_GET_is_answered_with_the_page_and_its_length()
    {
        using Server server = new();

        string answer = await server.AskAsync(Request);

        await Assert.That(answer).StartsWith("HTTP/1.1 200 OK\r\n").And.Contains("\r\nContent-Length: 5\r\n").And.Contains("\r\nConnection: close\r\n").And.EndsWith("\r\n\r\nhello");
    }

    [Test]
    public async Task A_HEAD_has_the_same_head_and_no_body()
    {
        using Server server = new();

        string answer = await server.AskAsync(Request.Replace("GET", "HEAD", StringComparison.Ordinal));

        await Assert.That(answer).StartsWith("HTTP/1.1 200 OK\r\n").And.Contains("\r\nContent-Length: 5\r\n").And.EndsWith("\r\n\r\n");
    }

    [Test]
    [Arguments("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", "404 Not Found")]
    [Arguments("GET /fails HTTP/1.1\r\nHost: a\r\n\r\n", "500 Internal Server Error")]
    [Arguments("DELETE /page HTTP/1.1\r\nHost: a\r\n\r\n", "405 Method Not Allowed")]
    [Arguments("get /page HTTP/1.1\r\nHost: a\r\n\r\n", "405 Method Not Allowed")]
    [Arguments("GET /page HTTP/1.1\r\n\r\n", "400 Bad Request")]
    [Arguments("\u0016\u0003\u0001\u0002", "400 Bad Request")]
    [Arguments("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 HTTP Version Not Supported")]
    public async Task What_cannot_be_answered_is_told_and_the_server_goes_on(string request, string status)
    {
        using Server server = new();

        await Assert.That(await server.AskAsync(request)).StartsWith($"HTTP/1.1 {status}\r\n");

        await Assert.That(await server.AskAsync(Request)).EndsWith("hello");
    }

    [Test]
    public async Task A_405_names_the_methods_that_there_are()
    {
        using Server server = new();

        await Assert.That(await server.AskAsync("POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")).Contains("\r\nAllow: GET, HEAD\r\n");
    }

    [Test]
    public async Task A_request_may_come_byte_by_byte()
    {
        using Server server = new();
        using Socket client = await server.ConnectAsync();
        foreach (char part in Request)
        {
            await client.SendAsync(Encoding.Latin1.GetBytes([part]));
            await server.Running.TurnAsync();
        }

        await Assert.That(await ReadAsync(client)).EndsWith("hello");
    }

    [Test]
    public async Task A_client_that_has_ended_its_half_is_answered()
    {
        using Server server = new();
        using Socket client = await server.ConnectAsync();
        await client.SendAsync(Encoding.Latin1.GetBytes(Request));
        client.Shutdown(SocketShutdown.Send);

        await Assert.That(await ReadAsync(client)).EndsWith("hello");
    }

    [Test]
    public async Task Requests_behind_the_first_do_not_cost_its_answer()
    {
        using Server server = new();

        string answer = await server.AskAsync(string.Concat(Enumerable.Repeat(Request, 100)));

        await Assert.That(answer.Split("HTTP/1.1 200 OK").Length - 1).IsEqualTo(1);
        await Assert.That(answer).EndsWith("hello");
    }

    [Test]
    public async Task A_head_without_an_end_is_refused()
    {
        using Server server = new();
        using Socket client = await server.ConnectAsync();
        await client.SendAsync(Encoding.Latin1.GetBytes("GET /page HTTP/1.1\r\nX: " + new string('x', HttpRequest.MaximumHead)));

        await Assert.That(await ReadAsync(client)).StartsWith("HTTP/1.1 431 ");
    }

    [Test]
    public async Task A_client_that_dribbles_is_cut_off_after_five_seconds()
    {
        FakeTimeProvider time = new();
        using Server server = new(time);
        using Socket client = await server.ConnectAsync();
        await client.SendAsync("GET /page HT"u8.ToArray());
        await server.Running.UntilAsync(() => server.Http.Connections == 1);
        for (int second = 1; second < HttpConnection.Patience / 1_000; second++)
        {
            await server.Running.AdvanceAsync(1_000);
            await client.SendAsync("T"u8.ToArray());
        }

        await server.Running.UntilAsync(() => server.Http.Connections == 0, step: 100);

        await Assert.That(await ReadAsync(client)).StartsWith("HTTP/1.1 408 ");
    }

    [Test]
    public async Task A_client_that_says_nothing_is_closed_without_a_word()
    {
        FakeTimeProvider time = new();
        using Server server = new(time);
        using Socket client = await server.ConnectAsync();
        await server.Running.UntilAsync(() => server.Http.Connections == 1);

        await server.Running.AdvanceAsync(HttpConnection.Patience);

        await Assert.That(await ReadAsync(client)).IsEmpty();
    }

    [Test]
    public async Task A_client_that_does_not_read_is_dropped_and_its_page_given_back()
    {
        FakeTimeProvider time = new();
        using Server server = new(time);
        using Socket client = await server.ConnectAsync();
        await client.SendAsync("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray());
        await server.Running.UntilAsync(() => server.Large.Users == 1);

        await server.Running.AdvanceAsync(HttpConnection.Patience);

        await Assert.That(await server.Running.RunAsync(() => (server.Large.Users, server.Http.Connections))).IsEqualTo((0, 0));
    }

    [Test]
    public async Task A_page_larger_than_the_sockets_arrives_whole()
    {
        using Server server = new();

        string answer = await server.AskAsync("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");

        await Assert.That(answer.Length - answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) - 4).IsEqualTo(Server.LargeSize);
    }

    [Test]
    public async Task A_thousand_idle_connections_keep_nobody_out()
    {
        using Server server = new();
        List<Socket> idle = [];
        for (int i = 0; i < 1_000; i++)
        {
            idle.Add(await server.ConnectAsync());
        }

        await Assert.That(await server.AskAsync(Request)).EndsWith("hello");

        await Assert.That(await server.Running.RunAsync(() => server.Http.Connections)).IsLessThanOrEqualTo(HttpServer.MaximumConnections);
        idle.ForEach(socket => socket.Dispose());
        await Assert.That(await server.AskAsync(Request)).EndsWith("hello");
    }

    [Test]
    public async Task A_thousand_slow_connections_keep_nobody_out()
    {
        using Server server = new();
        List<Socket> slow = [];
        for (int i = 0; i < 1_000; i++)
        {
            Socket socket = await server.ConnectAsync();
            slow.Add(socket);
            await socket.SendAsync("GET /pa"u8.ToArray());
        }

        await Assert.That(await server.AskAsync(Request)).EndsWith("hello");

        slow.ForEach(socket => socket.Dispose());
    }

    [Test]
    public async Task Clients_that_do_anything_at_all_do_not_stop_it()
    {
        using Server server = new();
        Random random = new(7);
        for (int round = 0; round < 300; round++)
        {
            using Socket client = await server.ConnectAsync();
            byte[] bytes = Encoding.Latin1.GetBytes(Request);
            byte[] sent = random.Next(4) switch
            {
                0 => bytes[..random.Next(bytes.Length)],
                1 => [.. bytes, .. new byte[random.Next(200_000)]],
                2 => [.. Enumerable.Range(0, random.Next(20_000)).Select(_ => (byte)random.Next(256))],
                _ => bytes,
            };
            try
            {
                await client.SendAsync(sent);
            }
            catch (SocketException)
            {
                // It was closed on us, as garbage may be.
            }

            client.Close(random.Next(2) == 0 ? 0 : 1);
        }

        await Assert.That(await server.AskAsync(Request)).EndsWith("hello");
    }

    private static async Task<string> ReadAsync(Socket client)
    {
        using CancellationTokenSource patience = new(RunningLoop.Patience);
        byte[] buffer = new byte[64 * 1024];
        StringBuilder text = new();
        while (await client.ReceiveAsync(buffer, patience.Token) is > 0 and var count)
        {
            text.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }

        return text.ToString();
    }

    private sealed class Server : IDisposable
    {
        public const int LargeSize = 32 * 1024 * 1024;

        /// <param name="time">The loop's clock; without, it stands still: a client's patience must not end because the machine is slow.</param>
        public Server(FakeTimeProvider? time = null)
        {
            Large.Append(new byte[LargeSize]);
            Running = new RunningLoop(time ?? new FakeTimeProvider());
            Http = HttpServer.Listen(new IPEndPoint(IPAddress.Loopback, 0), Running.Loop, Answer, NullLogger.Instance);
            Running.Loop.Post(Http.Start);
        }

        public RunningLoop Running { get; }

        public HttpServer Http { get; }

        public PageBuffer Large { get; } = new();

        public async Task<Socket> ConnectAsync()
        {
            Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Loopback, Http.Port);
            return socket;
        }

        public async Task<string> AskAsync(string request)
        {
            using Socket client = await ConnectAsync();
            await client.SendAsync(Encoding.Latin1.GetBytes(request));
            return await ReadAsync(client);
        }

        public void Dispose()
        {
            Running.Dispose();
            Http.Dispose();
        }

        private HttpAnswer? Answer(ReadOnlySpan<byte> path) => path switch
        {
            _ when path.SequenceEqual("/page"u8) => HttpAnswer.Text(200, "hello"),
            _ when path.SequenceEqual("/large"u8) => new HttpAnswer(200, "application/octet-stream", Large),
            _ when path.SequenceEqual("/fails"u8) => throw new InvalidOperationException("a page that fails"),
            _ => null,
        };
    }
}
