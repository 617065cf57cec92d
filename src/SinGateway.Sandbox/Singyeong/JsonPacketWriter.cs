using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using SinGateway.Sandbox.Net;

namespace SinGateway.Sandbox.Singyeong;

/// <summary>Writes packets as the real server does, in json, which other encodings are made of: keys sorted, <c>t</c> always there, <c>ts</c> in ms.</summary>
internal static class JsonPacketWriter
{
    // hello {"d":{"heartbeat_interval":45000},"op":0,"t":null,"ts":…}
    public static void Hello(PacketOutput output, int interval) => Send(output, $"{{\"heartbeat_interval\":{interval}}}", 0);

    // ready {"d":{"client_id":"worker-1","restricted":false},"op":2,"t":null,"ts":…}
    public static void Ready(PacketOutput output, string clientId, bool restricted) =>
        Send(output, $"{{\"client_id\":{Quote(clientId)},\"restricted\":{(restricted ? "true" : "false")}}}", 2);

    // ack {"d":{"client_id":"worker-1"},"op":6,"t":null,"ts":…}
    public static void HeartbeatAck(PacketOutput output, string clientId) => Send(output, $"{{\"client_id\":{Quote(clientId)}}}", 6);

    public static void Goodbye(PacketOutput output) => Send(output, "{\"reason\":\"\"}", 7);

    // error {"d":{"error":"…","extra_info":null},"op":8,"t":null,"ts":…}
    public static void Error(PacketOutput output, string error) => Send(output, $"{{\"error\":{Quote(error)},\"extra_info\":null}}", 8);

    public static void Invalid(PacketOutput output, string error) => Send(output, $"{{\"error\":{Quote(error)},\"extra_info\":null}}", 3);

    // {"d":{"nonce":null,"payload":{"app":"worker"},"target":null},"op":4,"t":"CLIENT_CONNECTED","ts":…}
    public static void ClientUpdate(PacketOutput output, bool connected, string application) =>
        output.Append(Encoding.UTF8.GetBytes(
            $"{{\"d\":{{\"nonce\":null,\"payload\":{{\"app\":{Quote(application)}}},\"target\":null}},\"op\":4,"
            + $"\"t\":\"CLIENT_{(connected ? "" : "DIS")}CONNECTED\",\"ts\":{Now}}}"));

    // {"d":{"nonce":"n1","payload":{…},"target":null},"op":4,"t":"SEND","ts":…}
    public static void Dispatch(PacketOutput output, ReadOnlySpan<byte> type, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> payload)
    {
        nonce = nonce.IsEmpty ? "null"u8 : nonce;
        int length = "{\"d\":{\"nonce\":,\"payload\":,\"target\":null},\"op\":4,\"t\":\"\",\"ts\":1234567890123}"u8.Length
            + nonce.Length + payload.Length + type.Length;
        if (output.Encoding != PacketEncoding.Json)
        {
            byte[] json = new byte[length];
            WriteDispatch(json, type, nonce, payload);
            output.Append(json);
            return;
        }
        lock (output.Outgoing.Gate)
        {
            Span<byte> room = output.Outgoing.Reserve(length + WebSocketFrame.MaxServerHeader);
            int header = WebSocketFrame.WriteHeader(room, WebSocketOpcode.Text, true, length);
            output.Outgoing.Advance(header + WriteDispatch(room[header..], type, nonce, payload));
        }
    }

    // {"d":{"error":"no_route","extra_info":{"d":{"nonce":"n1","payload":{…},"target":{…}},"op":4,"t":"SEND","ts":null}},"op":3,"t":null,"ts":…}
    public static void NoRoute(PacketOutput output, scoped in Packet packet, byte[] target)
    {
        ReadOnlySpan<byte> nonce = packet.Nonce.IsEmpty ? "null"u8 : packet.Nonce;
        byte[] frame =
        [
            .. "{\"d\":{\"error\":\"no_route\",\"extra_info\":{\"d\":{\"nonce\":"u8, .. nonce,
            .. ",\"payload\":"u8, .. packet.Payload, .. ",\"target\":"u8, .. target, .. "},\"op\":4,\"t\":\""u8, .. packet.Type,
            .. "\",\"ts\":null}},\"op\":3,\"t\":null,\"ts\":"u8, .. Encoding.ASCII.GetBytes(Now.ToString()), (byte)'}',
        ];
        output.Append(frame);
    }

    private static int WriteDispatch(Span<byte> room, ReadOnlySpan<byte> type, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> payload)
    {
        int at = 0;
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
        return at;
    }

    private static long Now => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    private static void Send(PacketOutput output, string data, int op) =>
        output.Append(Encoding.UTF8.GetBytes($"{{\"d\":{data},\"op\":{op},\"t\":null,\"ts\":{Now}}}"));

    private static string Quote(string text) => $"\"{JsonEncodedText.Encode(text, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    private static void Put(ReadOnlySpan<byte> bytes, Span<byte> room, ref int at)
    {
        bytes.CopyTo(room[at..]);
        at += bytes.Length;
    }
}
