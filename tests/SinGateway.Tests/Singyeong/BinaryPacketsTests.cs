using System.Text;
using SinGateway.Forwarding;
using SinGateway.Singyeong;

namespace SinGateway.Tests.Singyeong;

public sealed class BinaryPacketsTests
{
    private const string Target = """{"application":"worker","ops":[{"path":"/events","op":"$contains","to":{"value":"MESSAGE_CREATE"}}]}""";

    [Test]
    [Arguments(SingyeongEncoding.Msgpack, false)]
    [Arguments(SingyeongEncoding.Msgpack, true)]
    [Arguments(SingyeongEncoding.Etf, false)]
    [Arguments(SingyeongEncoding.Etf, true)]
    internal async Task A_dispatch_is_that_of_JSON_in_another_encoding(SingyeongEncoding encoding, bool broadcast)
    {
        using BinaryPackets packets = BinaryPackets.For(encoding)!;
        packets.EncodePayload(Encoding.UTF8.GetBytes(Transcoding.Message));
        foreach (string nonce in (string[])["0:ba7816bf:1:0", "2147483647:ba7816bf:9223372036854775807:2147483647"])
        {
            await Assert.That(packets.TryEncodeTarget(Copy(Target), 3, default)).IsTrue();
            byte[] packet = new byte[packets.MeasureDispatch(broadcast, nonce.Length)];
            packets.WriteDispatch(packet, broadcast, Encoding.ASCII.GetBytes(nonce));

            string type = broadcast ? "BROADCAST" : "SEND";
            string json = $$$"""{"op":4,"t":"{{{type}}}","d":{"target":{{{Target}}},"nonce":"{{{nonce}}}","payload":{{{Transcoding.Message}}}}}""";
            await Assert.That(Transcoding.Decode(encoding, packet)).IsEqualTo(Transcoding.Decode(encoding, Transcoding.Encode(encoding, json)));
        }
    }

    [Test]
    [Arguments(SingyeongEncoding.Msgpack)]
    [Arguments(SingyeongEncoding.Etf)]
    internal async Task A_no_route_in_another_encoding_tells_its_nonce(SingyeongEncoding encoding)
    {
        using BinaryPackets packets = BinaryPackets.For(encoding)!;
        string noRoute = $$$"""{"d":{"error":"no_route","extra_info":{"d":{"nonce":"3:ba7816bf:42:0","payload":{{{Transcoding.Message}}},"target":{{{Target}}}},"op":4,"t":"SEND","ts":null}},"op":3,"t":null,"ts":1795410003043}""";

        string nonce = packets.TryDecode(Transcoding.Encode(encoding, noRoute), out ReadOnlySpan<byte> json)
            && SingyeongPacket.TryRead(json, out SingyeongPacket packet) && packet.Op == SingyeongOpcode.Invalid
            ? packet.UnroutedNonce()
            : "refused";

        await Assert.That(nonce).IsEqualTo("3:ba7816bf:42:0");
    }

    [Test]
    [Arguments(SingyeongEncoding.Msgpack)]
    [Arguments(SingyeongEncoding.Etf)]
    internal async Task An_event_and_an_ack_allocate_nothing(SingyeongEncoding encoding)
    {
        const int Events = 1_000;
        using BinaryPackets packets = BinaryPackets.For(encoding)!;
        byte[] message = Encoding.UTF8.GetBytes(Transcoding.Message);
        byte[] ack = Transcoding.Encode(encoding, """{"d":{"client_id":"gateway"},"op":6,"t":null,"ts":1795410003043}""");
        byte[] packet = new byte[4096];
        RouteCopy copy = Copy(Target);
        long allocated = 0;
        int acks = 0;
        for (int turn = 0; turn < 10; turn++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < Events; i++)
            {
                packets.EncodePayload(message);
                packets.TryEncodeTarget(copy, i, default);
                packets.WriteDispatch(packet.AsSpan(0, packets.MeasureDispatch(false, 14)), false, "0:ba7816bf:1:0"u8);
                packets.ReleasePayload();
                acks += packets.TryDecode(ack, out ReadOnlySpan<byte> json) && SingyeongPacket.TryRead(json, out SingyeongPacket read) && read.Op == SingyeongOpcode.HeartbeatAck ? 1 : 0;
            }

            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        await Assert.That(acks).IsEqualTo(10 * Events);
        await Assert.That(allocated).IsEqualTo(0);
    }

    private static RouteCopy Copy(string target)
    {
        TargetTemplateBuilder builder = new();
        builder.AddJson(target);
        ForwardingRule rule = new(0, DispatchKind.Send, builder.Build(hasOps: true, "worker"), ["MESSAGE_CREATE"], Holds: true, TimeSpan.FromMinutes(1));
        return new RouteCopy(rule, "MESSAGE_CREATE"u8, cluster: 0, shardCount: 16);
    }
}
