using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;

namespace SinGateway.Tests.Fixtures;

/// <summary>
/// An HTTP/1.1 server on 127.0.0.1 that gives its answers in turn, one a connection, and keeps the requests' heads. "" never answers.
/// </summary>
internal sealed class HttpAnswers : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Channel<string> _requests = Channel.CreateUnbounded<string>();
    private readonly List<TcpClient> _clients = [];

    public HttpAnswers(params string[] answers)
    {
        _listener.Start();
        _ = AnswerAsync(answers);
    }

    public string BaseUrl => $"http://{_listener.LocalEndpoint}/api/v10";

    public static string Answer(int status, string body, string headers = "") =>
        $"HTTP/1.1 {status} X\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\nConnection: close\r\n{headers}\r\n{body}";

    public ValueTask<string> NextRequestAsync() => _requests.Reader.ReadAsync();

    public void Dispose()
    {
        _listener.Dispose();
        _clients.ForEach(client => client.Dispose());
    }

    private async Task AnswerAsync(string[] answers)
    {
        try
        {
            foreach (string answer in answers)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync();
                _clients.Add(client);
                StringBuilder head = new();
                byte[] buffer = new byte[4096];
                while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
                {
                    head.Append(Encoding.ASCII.GetString(buffer, 0, await client.GetStream().ReadAsync(buffer)));
                }

                if (answer.Length > 0)
                {
                    await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes(answer));
                    client.Dispose();
                }

                _requests.Writer.TryWrite(head.ToString());
            }
        }
        catch (Exception ended) when (ended is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The test asked for fewer answers than there were.
        }
    }
}
