using System.Buffers;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace SinGateway.Sandbox.Demo;

/// <summary>
/// A worker behind 신경, as a bot's would be: identifies with the events that it wants, keeps the heartbeat, comes back after a disconnect,
/// and prints what arrives.
/// </summary>
internal sealed class Worker(string dsn, string events, string name, string? metadata, bool countOnly)
{
    private readonly EventPrinter _printer = new(countOnly);

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(dsn, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("singyeong" or "ssingyeong") || uri.UserInfo.Length == 0)
        {
            await Console.Error.WriteLineAsync($"'{dsn}' is not a 신경 DSN: write singyeong://APPLICATION[:PASSWORD]@HOST[:PORT]").ConfigureAwait(false);
            return 2;
        }
        using Timer summary = new(_ => _printer.Tick(), null, 1000, 1000);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await ServeAsync(uri, cancellationToken).ConfigureAwait(false);
                _printer.Say("신경 closed the connection; trying again");
            }
            catch (Exception) when (cancellationToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e) when (e is WebSocketException or IOException or JsonException)
            {
                string reason = (e.GetBaseException() as SocketException)?.SocketErrorCode.ToString() ?? "the connection ended";
                _printer.Say($"no connection to 신경 at {uri.Host}:{uri.Port} ({reason}); trying again");
            }
            try
            {
                await Task.Delay(1000, cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }
        _printer.Finish();
        return 0;
    }

    private async Task ServeAsync(Uri dsn, CancellationToken cancellationToken)
    {
        using ClientWebSocket socket = new();
        socket.Options.KeepAliveInterval = TimeSpan.Zero;
        bool isTls = dsn.Scheme == "ssingyeong";
        int port = dsn.Port > 0 ? dsn.Port : isTls ? 443 : 80;
        Uri address = new($"{(isTls ? "wss" : "ws")}://{dsn.Host}:{port}/gateway/websocket?encoding=json");
        await socket.ConnectAsync(address, cancellationToken).ConfigureAwait(false);
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            ArrayBufferWriter<byte> message = new(64 * 1024);
            while (true)
            {
                ValueWebSocketReceiveResult part = await socket.ReceiveAsync(message.GetMemory(16 * 1024), cancellationToken).ConfigureAwait(false);
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    return;
                }
                message.Advance(part.Count);
                if (part.EndOfMessage)
                {
                    await HandleAsync(socket, dsn, message.WrittenMemory, ended.Token).ConfigureAwait(false);
                    message.ResetWrittenCount();
                }
            }
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            if (socket.State == WebSocketState.Open)
            {
                using CancellationTokenSource moment = new(500);
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, moment.Token).ConfigureAwait(false);
            }
        }
    }

    private async ValueTask HandleAsync(ClientWebSocket socket, Uri dsn, ReadOnlyMemory<byte> packet, CancellationToken ended)
    {
        if (_printer.TryCount(packet.Span))
        {
            return;
        }
        using JsonDocument document = JsonDocument.Parse(packet);
        JsonElement root = document.RootElement;
        JsonElement data = root.GetProperty("d"u8);
        switch (root.GetProperty("op"u8).GetInt32())
        {
            case 0:
                await socket.SendAsync(Identify(dsn), WebSocketMessageType.Text, true, ended).ConfigureAwait(false);
                _ = HeartbeatAsync(socket, data.GetProperty("heartbeat_interval"u8).GetInt32(), ended);
                break;
            case 2:
                string restricted = data.GetProperty("restricted"u8).GetBoolean() ? " (restricted: check the password)" : "";
                _printer.Say($"connected to 신경 as {dsn.UserInfo.Split(':')[0]}:{name}{restricted}");
                break;
            case 3 or 8:
                _printer.Say($"신경 says: {data.GetProperty("error"u8)}");
                break;
            case 4:
                _printer.Print(root);
                break;
            default:
                break;
        }
    }

    private byte[] Identify(Uri dsn)
    {
        string[] user = dsn.UserInfo.Split(':', 2);
        ArrayBufferWriter<byte> output = new();
        using (Utf8JsonWriter json = new(output))
        {
            json.WriteStartObject();
            json.WriteNumber("op"u8, 1);
            json.WriteStartObject("d"u8);
            json.WriteString("client_id"u8, name);
            json.WriteString("application_id"u8, user[0]);
            if (user.Length == 2)
            {
                json.WriteString("auth"u8, Uri.UnescapeDataString(user[1]));
            }
            json.WriteStartObject("metadata"u8);
            json.WriteStartObject("events"u8);
            json.WriteString("type"u8, "list"u8);
            json.WriteStartArray("value"u8);
            foreach (string wanted in events.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            {
                json.WriteStringValue(wanted);
            }
            json.WriteEndArray();
            json.WriteEndObject();
            if (metadata is not null)
            {
                using JsonDocument more = JsonDocument.Parse(metadata);
                foreach (JsonProperty property in more.RootElement.EnumerateObject())
                {
                    property.WriteTo(json);
                }
            }
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return output.WrittenSpan.ToArray();
    }

    private async Task HeartbeatAsync(ClientWebSocket socket, int interval, CancellationToken ended)
    {
        byte[] heartbeat = Encoding.UTF8.GetBytes($"{{\"op\":5,\"d\":{{\"client_id\":\"{JsonEncodedText.Encode(name)}\"}}}}");
        try
        {
            while (true)
            {
                await Task.Delay(interval, ended).ConfigureAwait(false);
                await socket.SendAsync(heartbeat, WebSocketMessageType.Text, true, ended).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException or ObjectDisposedException)
        {
        }
    }
}
