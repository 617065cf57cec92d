using System.Text;
using SinGateway.Singyeong;
using SinGateway.Tests.Fixtures;
using SinGateway.WebSockets;

namespace SinGateway.Tests.Singyeong;

/// <summary>What is said of an event on which 신경 fails.</summary>
public sealed class PoisonedDispatchesTests
{
    [Test]
    [Arguments("json", 10)]
    [Arguments("json", 1_000)]
    [Arguments("json", 100_000)]
    [Arguments("msgpack", 1_000)]
    [Arguments("etf", 1_000)]
    public async Task Event_shard_and_seq_are_named(string encoding, int size)
    {
        string json = """{"op":4,"t":"SEND","d":{"target":{"application":"a"},"nonce":"3:00000000:77:1","payload":{"t":"MESSAGE_CREATE","s":77,"d":"TEXT"}}}"""
            .Replace("TEXT", new string('x', size), StringComparison.Ordinal);
        BinaryPackets? binary = BinaryPackets.For(Enum.Parse<SingyeongEncoding>(encoding, ignoreCase: true));
        byte[] packet = binary?.Encode(Encoding.UTF8.GetBytes(json)) ?? Encoding.UTF8.GetBytes(json);
        byte[] frame = new byte[packet.Length + FrameWriter.MaximumHeaderSize];
        int length = FrameWriter.Write(frame, Opcode.Text, packet, 0x12345678);
        RecordingLogger logger = new();

        new PoisonedDispatches(binary, logger).Say(new FrameNote { ShardId = 3, Seq = 77, Rule = 1 }, frame.AsSpan(0, length));

        await Assert.That(string.Join("|", logger.Entries)).StartsWith("Error MESSAGE_CREATE of shard 3, seq 77 (rule 1, ");
    }
}
