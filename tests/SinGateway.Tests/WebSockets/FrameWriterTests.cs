using SinGateway.WebSockets;

namespace SinGateway.Tests.WebSockets;

public sealed class FrameWriterTests
{
    [Test]
    [Arguments(0, 6)]
    [Arguments(1, 7)]
    [Arguments(125, 131)]
    [Arguments(126, 134)]
    [Arguments(127, 135)]
    [Arguments(65_535, 65_543)]
    [Arguments(65_536, 65_550)]
    [Arguments(1_000_003, 1_000_017)]
    public async Task A_frame_is_read_back_as_it_was_written(int length, int size)
    {
        byte[] payload = Bytes(length);
        byte[] frame = new byte[length + FrameWriter.MaximumHeaderSize];
        int written = FrameWriter.Write(frame, Opcode.Binary, payload, 0x1234_ABCD);

        var read = ServerFrame.ReadMasked(frame.AsSpan(0, written))!.Value;

        await Assert.That(written).IsEqualTo(size);
        await Assert.That(FrameWriter.HeaderSize(length) + length).IsEqualTo(size);
        await Assert.That((read.Opcode, read.Final, read.Size)).IsEqualTo((Opcode.Binary, true, size));
        await Assert.That(read.Payload.AsSpan().SequenceEqual(payload)).IsTrue();
    }

    [Test]
    [Arguments(0)]
    [Arguments(125)]
    [Arguments(126)]
    [Arguments(65_536)]
    public async Task A_payload_put_in_place_between_Begin_and_End_makes_the_same_frame(int length)
    {
        byte[] payload = Bytes(length);
        byte[] whole = new byte[FrameWriter.HeaderSize(length) + length];
        FrameWriter.Write(whole, Opcode.Text, payload, 77);

        byte[] inPlace = new byte[whole.Length];
        int start = FrameWriter.Begin(inPlace, Opcode.Text, length);
        payload.CopyTo(inPlace, start);
        FrameWriter.End(inPlace, start, 77);

        await Assert.That(start).IsEqualTo(FrameWriter.HeaderSize(length));
        await Assert.That(inPlace.AsSpan().SequenceEqual(whole)).IsTrue();
    }

    [Test]
    public async Task Wide_masking_equals_masking_byte_by_byte_at_every_length_and_alignment()
    {
        const int MaximumLength = 300;
        const int Alignments = 65;
        byte[] original = Bytes(MaximumLength + Alignments);
        byte[] memory = new byte[original.Length];
        byte[] key = [0x01, 0x80, 0x3C, 0xFF];
        string wrong = "";
        for (int alignment = 0; alignment < Alignments; alignment++)
        {
            for (int length = 0; length <= MaximumLength; length++)
            {
                original.CopyTo(memory, 0);
                FrameWriter.Mask(memory.AsSpan(alignment, length), BitConverter.ToUInt32(key));
                for (int i = 0; i < memory.Length; i++)
                {
                    bool inside = i >= alignment && i < alignment + length;
                    if (memory[i] != (byte)(original[i] ^ (inside ? key[(i - alignment) % 4] : 0)))
                    {
                        wrong = $"byte {i} at alignment {alignment}, length {length}";
                    }
                }
            }
        }

        await Assert.That(wrong).IsEmpty();
    }

    [Test]
    public async Task Masking_twice_restores_the_payload()
    {
        byte[] payload = Bytes(1_001);
        byte[] masked = [.. payload];
        FrameWriter.Mask(masked, 0xDEAD_BEEF);
        await Assert.That(masked.AsSpan().SequenceEqual(payload)).IsFalse();

        FrameWriter.Mask(masked, 0xDEAD_BEEF);
        await Assert.That(masked.AsSpan().SequenceEqual(payload)).IsTrue();
    }

    [Test]
    public async Task Masking_keys_do_not_repeat()
    {
        MaskingKeys keys = new();
        HashSet<uint> seen = [];
        for (int i = 0; i < 2_000; i++)
        {
            seen.Add(keys.Next());
        }

        // 2,000 of 2^32 random keys collide about once in 2,000 runs, and two pairs of them about never.
        await Assert.That(seen.Count).IsGreaterThanOrEqualTo(1_998);
    }

    private static byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }
}
