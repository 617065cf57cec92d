using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>A client of the fake Discord that breaks what rules a test wants, to see whether they are watched.</summary>
internal sealed class GatewayClient : IAsyncDisposable
{
    private readonly ClientWebSocket _socket = new();
    private readonly CancellationTokenSource _deadline = new(Eventually.Deadline);

    /// <summary>The code with which the server closed; known when <see cref="ReceiveAsync"/> has answered null.</summary>
    public int? CloseCode => (int?)_socket.CloseStatus;

    /// <summary>Connects and takes HELLO.</summary>
    public static async Task<GatewayClient> ConnectAsync(SandboxProcess sandbox)
    {
        GatewayClient client = new();
        await client._socket.ConnectAsync(new Uri($"{sandbox.GatewayUrl}/?v=10&encoding=json"), client._deadline.Token);
        await client.ReceiveAsync("\"op\":10");
        return client;
    }

    public Task IdentifyAsync(int shard = 0, int shards = 1) => SendAsync(
        $$$"""{"op":2,"d":{"token":"a","properties":{"os":"linux"},"intents":513,"shard":[{{{shard}}},{{{shards}}}]}}""");

    public Task SendAsync(string payload) =>
        _socket.SendAsync(Encoding.UTF8.GetBytes(payload), WebSocketMessageType.Text, endOfMessage: true, _deadline.Token);

    /// <summary>The next message that contains <paramref name="text"/>; null when the server has closed.</summary>
    public async Task<JsonDocument?> ReceiveAsync(string text)
    {
        byte[] buffer = new byte[64 * 1024];
        using MemoryStream message = new();
        while (true)
        {
            WebSocketReceiveResult part = await _socket.ReceiveAsync(buffer, _deadline.Token);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }
            message.Write(buffer, 0, part.Count);
            if (part.EndOfMessage)
            {
                if (Encoding.UTF8.GetString(message.ToArray()).Contains(text, StringComparison.Ordinal))
                {
                    return JsonDocument.Parse(message.ToArray());
                }
                message.SetLength(0);
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        _socket.Abort();
        _socket.Dispose();
        _deadline.Dispose();
        return ValueTask.CompletedTask;
    }
}
