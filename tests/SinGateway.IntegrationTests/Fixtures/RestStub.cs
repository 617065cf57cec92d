using System.Net;
using System.Text;

namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>
/// GET /gateway/bot over plain HTTP, which leads to any gateway: the gateway's own sockets then meet what its REST client would have met
/// first.
/// </summary>
internal sealed class RestStub : IAsyncDisposable
{
    private readonly HttpListener _listener;
    private readonly Task _serving;

    private RestStub(HttpListener listener, string url, string gatewayUrl)
    {
        _listener = listener;
        Url = url;
        _serving = ServeAsync(Encoding.UTF8.GetBytes(
            $"{{\"url\":\"{gatewayUrl}\",\"shards\":1,\"session_start_limit\":{{\"total\":1000,\"remaining\":1000,\"reset_after\":1000,\"max_concurrency\":1}}}}"));
    }

    /// <summary>For discord.apiBaseURL.</summary>
    public string Url { get; }

    /// <param name="gatewayUrl">ws:// or wss://, what it answers.</param>
    public static RestStub Start(string gatewayUrl)
    {
        // HttpListener takes no port 0; another process may be faster at a port that was free.
        while (true)
        {
            string url = $"http://127.0.0.1:{Random.Shared.Next(20_000, 32_000)}/";
            HttpListener listener = new();
            listener.Prefixes.Add(url);
            try
            {
                listener.Start();
                return new RestStub(listener, $"{url}api/v10", gatewayUrl);
            }
            catch (HttpListenerException)
            {
                listener.Close();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _serving;
    }

    private async Task ServeAsync(byte[] answer)
    {
        try
        {
            while (true)
            {
                HttpListenerContext context = await _listener.GetContextAsync();
                context.Response.ContentType = "application/json";
                context.Response.Close(answer, willBlock: false);
            }
        }
        catch (Exception ended) when (ended is HttpListenerException or ObjectDisposedException)
        {
        }
    }
}
