using System.Net.WebSockets;
using System.Text;
using SinGateway.Tests.Loop;

namespace SinGateway.Tests.WebSockets;

/// <summary>Whole messages over .NET's websockets, with the tests' patience.</summary>
internal static class WebSocketExtensions
{
    public static Task SendTextAsync(this WebSocket socket, string text) => socket.SendMessageAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text);

    public static async Task SendMessageAsync(this WebSocket socket, ReadOnlyMemory<byte> message, WebSocketMessageType type)
    {
        using CancellationTokenSource patience = new(RunningLoop.Patience);
        await socket.SendAsync(message, type, true, patience.Token);
    }

    /// <summary>The next message; its type is Close when the peer closes.</summary>
    public static async Task<(WebSocketMessageType Type, byte[] Message)> ReceiveMessageAsync(this WebSocket socket)
    {
        using CancellationTokenSource patience = new(RunningLoop.Patience);
        using MemoryStream message = new();
        byte[] buffer = new byte[64 * 1024];
        ValueWebSocketReceiveResult result;
        do
        {
            result = await socket.ReceiveAsync(buffer.AsMemory(), patience.Token);
            message.Write(buffer, 0, result.Count);
        }
        while (!result.EndOfMessage);

        return (result.MessageType, message.ToArray());
    }

    public static async Task<string> ReceiveTextAsync(this WebSocket socket)
    {
        (WebSocketMessageType type, byte[] message) = await socket.ReceiveMessageAsync();
        return type == WebSocketMessageType.Text ? Encoding.UTF8.GetString(message) : throw new InvalidOperationException($"received {type} in place of text");
    }
}
