using System.Text;
using System.Text.Json;
using SinGateway.Sessions;
using SinGateway.Singyeong;
using SinGateway.WebSockets;

namespace SinGateway.Tests.Singyeong;

public sealed class DispatchWriterTests
{
    [Test]
    [Arguments(false, """{"op":4,"t":"SEND","d":{"target":{"application":"worker"},"nonce":"3:ba7816bf:42:1","payload":{"t":"X","s":42,"op":0,"d":{ "신":1.0 }}}}""")]
    [Arguments(true, """{"op":4,"t":"BROADCAST","d":{"target":{"application":"worker"},"nonce":"3:ba7816bf:42:1","payload":{"t":"X","s":42,"op":0,"d":{ "신":1.0 }}}}""")]
    public async Task A_dispatch_is_written_around_the_bytes_of_its_event(bool broadcast, string expected)
    {
        byte[] packet = Write(broadcast, new Session(3, "abc", null, -1), 42, 1, """{"t":"X","s":42,"op":0,"d":{ "신":1.0 }}"""u8);

        await Assert.That(Encoding.UTF8.GetString(packet)).IsEqualTo(expected);
        using JsonDocument json = JsonDocument.Parse(packet);
        await Assert.That(json.RootElement.GetProperty("d").GetProperty("payload").GetRawText()).IsEqualTo("""{"t":"X","s":42,"op":0,"d":{ "신":1.0 }}""");
    }

    [Test]
    [Arguments(0, 0L, 0, "0:ba7816bf:0:0")]
    [Arguments(int.MaxValue, long.MaxValue, int.MaxValue, "2147483647:ba7816bf:9223372036854775807:2147483647")]
    public async Task A_nonce_names_shard_session_seq_and_rule(int shard, long seq, int rule, string expected)
    {
        byte[] nonce = new byte[DispatchWriter.MaximumNonce];
        int length = DispatchWriter.WriteNonce(nonce, shard, new Session(shard, "abc", null, -1).Tag, seq, rule);

        await Assert.That(Encoding.ASCII.GetString(nonce, 0, length)).IsEqualTo(expected);
    }

    [Test]
    public async Task The_way_of_an_event_into_the_outbox_and_its_settling_allocate_nothing()
    {
        const int Events = 20_000;
        using Outbox outbox = new(64 * 1024 * 1024);
        Barriers barriers = new();
        MaskingKeys keys = new();
        Session[] sessions = [.. Enumerable.Range(0, 16).Select(shard => new Session(shard, $"session {shard}", null, -1))];
        byte[] message = Encoding.UTF8.GetBytes($$$"""{"t":"MESSAGE_CREATE","s":1,"op":0,"d":{"content":"{{{new string('x', 1_100)}}}"}}""");
        byte[] target = """{"application":"worker"}"""u8.ToArray();
        byte[] nonceBytes = new byte[DispatchWriter.MaximumNonce];
        long allocated = 0;
        for (int turn = 0; turn < 10; turn++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < Events; i++)
            {
                Session session = sessions[i % sessions.Length];
                Span<byte> nonce = nonceBytes.AsSpan(0, DispatchWriter.WriteNonce(nonceBytes, session.ShardId, session.Tag, i, 0));
                int payload = DispatchWriter.Measure(false, target.Length, nonce.Length, message.Length);
                int size = FrameWriter.HeaderSize(payload) + payload;
                Span<byte> frame = outbox.Reserve(size);
                int start = FrameWriter.Begin(frame, Opcode.Text, payload);
                int position = start + DispatchWriter.WriteStart(frame[start..], false);
                target.CopyTo(frame[position..]);
                DispatchWriter.WriteRest(frame[(position + target.Length)..], nonce, message);
                FrameWriter.End(frame, start, keys.Next());
                outbox.Append(size, default);
                if (session.Receive(session.Received + 1, true, i))
                {
                    barriers.Await(session);
                }

                if (outbox.End - barriers.LastPosition >= Outbox.ChunkSize)
                {
                    barriers.Begin(outbox.End);
                    for (ReadOnlySpan<byte> unsent = outbox.Unsent(outbox.End); !unsent.IsEmpty; unsent = outbox.Unsent(outbox.End))
                    {
                        outbox.MarkSent(unsent.Length);
                    }

                    barriers.MarkSent();
                    outbox.Confirm(barriers.Acknowledge()!.Value);
                }
            }

            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        await Assert.That(allocated).IsEqualTo(0);
    }

    private static byte[] Write(bool broadcast, Session session, long seq, int rule, ReadOnlySpan<byte> payload)
    {
        ReadOnlySpan<byte> target = """{"application":"worker"}"""u8;
        Span<byte> nonce = stackalloc byte[DispatchWriter.MaximumNonce];
        nonce = nonce[..DispatchWriter.WriteNonce(nonce, session.ShardId, session.Tag, seq, rule)];
        byte[] packet = new byte[DispatchWriter.Measure(broadcast, target.Length, nonce.Length, payload.Length)];
        int position = DispatchWriter.WriteStart(packet, broadcast);
        target.CopyTo(packet.AsSpan(position));
        DispatchWriter.WriteRest(packet.AsSpan(position + target.Length), nonce, payload);
        return packet;
    }
}
