using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using SinGateway.Sandbox.Net;

namespace SinGateway.Sandbox.Singyeong;

/// <summary>Writes packets of the json encoding as the real server does: keys sorted, <c>t</c> always there, <c>ts</c> in ms.</summary>
internal static class JsonPacketWriter
{
    // hello {"d":{"heartbeat_interval":45000},"op":0,"t":null,"ts":…}
    public static void Hello(Outgoing output, int interval) => Send(output, $"{{\"heartbeat_interval\":{interval}}}", 0);

    // ready {"d":{"client_id":"worker-1","restricted":false},"op":2,"t":null,"ts":…}
    public static void Ready(Outgoing output, string clientId, bool restricted) =>
        Send(output, $"{{\"client_id\":{Quote(clientId)},\"restricted\":{(restricted ? "true" : "false")}}}", 2);

    // ack {"d":{"client_id":"worker-1"},"op":6,"t":null,"ts":…}
    public static void HeartbeatAck(Outgoing output, string clientId) => Send(output, $"{{\"client_id\":{Quote(clientId)}}}", 6);

    public static void Goodbye(Outgoing output) => Send(output, "{\"reason\":\"\"}", 7);

    // error {"d":{"error":"…","extra_info":null},"op":8,"t":null,"ts":…}
    public static void Error(Outgoing output, string error) => Send(output, $"{{\"error\":{Quote(error)},\"extra_info\":null}}", 8);

    public static void Invalid(Outgoing output, string error) => Send(output, $"{{\"error\":{Quote(error)},\"extra_info\":null}}", 3);

    // {"d":{"nonce":null,"payload":{"app":"worker"},"target":null},"op":4,"t":"CLIENT_CONNECTED","ts":…}
    public static void ClientUpdate(Outgoing output, bool connected, string application) =>
        output.AppendFrame(WebSocketOpcode.Text, Encoding.UTF8.GetBytes(
            $"{{\"d\":{{\"nonce\":null,\"payload\":{{\"app\":{Quote(application)}}},\"target\":null}},\"op\":4,"
            + $"\"t\":\"CLIENT_{(connected ? "" : "DIS")}CONNECTED\",\"ts\":{Now}}}"));

    // {"d":{"nonce":"n1","payload":{…},"target":null},"op":4,"t":"SEND","ts":…}
    public static void Dispatch(Outgoing output, ReadOnlySpan<byte> type, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> payload)
    {
        nonce = nonce.IsEmpty ? "null"u8 : nonce;
        int length = "{\"d\":{\"nonce\":,\"payload\":,\"target\":null},\"op\":4,\"t\":\"\",\"ts\":1234567890123}"u8.Length
            + nonce.Length + payload.Length + type.Length;
        lock (output.Gate)
        {
            Span<byte> room = output.Reserve(length + WebSocketFrame.MaxServerHeader);
            int at = WebSocketFrame.WriteHeader(room, WebSocketOpcode.Text, true, length);
            Put("{\"d\":{\"nonce\":"u8, room, ref at);
            Put(nonce, room, ref at);
            Put(",\"payload\":"u8, room, ref at);
            Put(payload, room, ref at);
            Put(",\"target\":null},\"op\":4,\"t\":\""u8, room, ref at);
            Put(type, room, ref at);
            Put("\",\"ts\":"u8, room, ref at);
            Utf8Formatter.TryFormat(Now, room[at..], out int digits);
            at += digits;
            Put("}"u8, room, ref at);
            output.Advance(at);
        }
    }

    // {"d":{"error":"no_route","extra_info":{"d":{"nonce":"n1","payload":{…},"target":{…}},"op":4,"t":"SEND","ts":null}},"op":3,"t":null,"ts":…}
    public static void NoRoute(Outgoing output, scoped in Packet packet, byte[] target)
    {
        ReadOnlySpan<byte> nonce = packet.Nonce.IsEmpty ? "null"u8 : packet.Nonce;
        byte[] frame =
        [
            .. "{\"d\":{\"error\":\"no_route\",\"extra_info\":{\"d\":{\"nonce\":"u8, .. nonce,
            .. ",\"payload\":"u8, .. packet.Payload, .. ",\"target\":"u8, .. target, .. "},\"op\":4,\"t\":\""u8, .. packet.Type,
            .. "\",\"ts\":null}},\"op\":3,\"t\":null,\"ts\":"u8, .. Encoding.ASCII.GetBytes(Now.ToString()), (byte)'}',
        ];
        output.AppendFrame(WebSocketOpcode.Text, frame);
    }

    private static long Now => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    private static void Send(Outgoing output, string data, int op) =>
        output.AppendFrame(WebSocketOpcode.Text, Encoding.UTF8.GetBytes($"{{\"d\":{data},\"op\":{op},\"t\":null,\"ts\":{Now}}}"));

    private static string Quote(string text) => $"\"{JsonEncodedText.Encode(text, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    private static void Put(ReadOnlySpan<byte> bytes, Span<byte> room, ref int at)
    {
        bytes.CopyTo(room[at..]);
        at += bytes.Length;
    }
}
