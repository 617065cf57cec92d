using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using SinGateway.Tests.WebSockets;

namespace SinGateway.Tests.Singyeong;

/// <summary>The server's side of one connection, as a test plays it.</summary>
internal sealed class SingyeongPeer(WebSocket socket) : IDisposable
{
    public WebSocket Socket => socket;

    /// <summary>Says hello, takes the identify and says ready.</summary>
    public static async Task<SingyeongPeer> AcceptReadyAsync(WebSocketServer server, bool restricted = false)
    {
        SingyeongPeer peer = await AcceptAsync(server);
        await peer.SendAsync("""{"d":{"client_id":"gateway","restricted":ANSWER},"op":2,"t":null,"ts":1}""".Replace("ANSWER", restricted ? "true" : "false"));
        return peer;
    }

    /// <summary>Says hello and takes the identify.</summary>
    public static async Task<SingyeongPeer> AcceptAsync(WebSocketServer server)
    {
        SingyeongPeer peer = new(await server.AcceptAsync());
        await peer.SendAsync("""{"d":{"heartbeat_interval":45000},"op":0,"t":null,"ts":1}""");
        string identify = await peer.ReceiveAsync();
        return identify == "identify" ? peer : throw new InvalidOperationException($"{identify} came in place of identify");
    }

    public Task SendAsync(string packet) => socket.SendTextAsync(packet);

    public Task AckAsync() => SendAsync("""{"d":{"client_id":"gateway"},"op":6,"t":null,"ts":1}""");

    /// <summary>The next packet: the nonce of a dispatch, "heartbeat", "identify" or "closed".</summary>
    public async Task<string> ReceiveAsync()
    {
        (WebSocketMessageType type, byte[] message) = await socket.ReceiveMessageAsync();
        if (type == WebSocketMessageType.Close)
        {
            return "closed";
        }

        using JsonDocument json = JsonDocument.Parse(message);
        return json.RootElement.GetProperty("op").GetInt32() switch
        {
            1 => "identify",
            4 => json.RootElement.GetProperty("d").GetProperty("nonce").GetString()!,
            5 => "heartbeat",
            int op => throw new InvalidOperationException($"op {op}: {Encoding.UTF8.GetString(message)}"),
        };
    }

    /// <summary>The next packets.</summary>
    public async Task<string> ReceiveAsync(int count)
    {
        List<string> packets = [];
        while (packets.Count < count)
        {
            packets.Add(await ReceiveAsync());
        }

        return string.Join(' ', packets.Select(packet => packet.Contains(':') ? packet.Split(':')[2] : packet));
    }

    public void Abort() => socket.Abort();

    public void Dispose() => socket.Dispose();
}
