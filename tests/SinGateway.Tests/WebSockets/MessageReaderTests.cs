using System.Text;
using SinGateway.WebSockets;

namespace SinGateway.Tests.WebSockets;

public sealed class MessageReaderTests
{
    private const int Limit = 100_000;

    [Test]
    [Arguments(0)]
    [Arguments(1)]
    [Arguments(125)]
    [Arguments(126)]
    [Arguments(65_535)]
    [Arguments(65_536)]
    [Arguments(100_000)]
    public async Task A_message_of_every_length_class_is_read(int length)
    {
        byte[] payload = new byte[length];
        new Random(length).NextBytes(payload);
        byte[] input = ServerFrame.Build(Opcode.Binary, payload);
        using MessageReader reader = new(Limit);

        ReadOutcome outcome = reader.Read([.. input, 0x81, 0x00], out int consumed, out ReadOnlySpan<byte> read);
        bool same = read.SequenceEqual(payload);

        await Assert.That(outcome).IsEqualTo(ReadOutcome.Binary);
        await Assert.That(consumed).IsEqualTo(input.Length);
        await Assert.That(same).IsTrue();
    }

    [Test]
    [Arguments(0)]
    [Arguments(5)]
    [Arguments(125)]
    [Arguments(126)]
    [Arguments(300)]
    [Arguments(65_536)]
    public async Task Every_prefix_of_a_frame_needs_more_and_never_more_than_the_frame(int length)
    {
        byte[] frame = ServerFrame.Build(Opcode.Text, new byte[length]);
        using MessageReader reader = new(Limit);
        string wrong = "";
        for (int prefix = 0; prefix < frame.Length; prefix++)
        {
            ReadOutcome outcome = reader.Read(frame.AsSpan(0, prefix), out int consumed, out ReadOnlySpan<byte> payload);
            if (outcome != ReadOutcome.NeedMore || consumed != 0 || !payload.IsEmpty || reader.Needed <= prefix || reader.Needed > frame.Length)
            {
                wrong = $"prefix {prefix}: {outcome}, {consumed} consumed, {reader.Needed} needed";
            }
        }

        await Assert.That(wrong).IsEmpty();
        await Assert.That(reader.Read(frame, out _, out _)).IsEqualTo(ReadOutcome.Text);
    }

    [Test]
    public async Task An_input_split_anywhere_gives_the_same_messages()
    {
        byte[] input =
        [
            .. ServerFrame.Build(Opcode.Text, "first"u8),
            .. ServerFrame.Build(Opcode.Binary, "be"u8, final: false),
            .. ServerFrame.Build(Opcode.Ping, "are you there"u8),
            .. ServerFrame.Build(Opcode.Continuation, "gin"u8, final: false),
            .. ServerFrame.Build(Opcode.Pong, ""u8),
            .. ServerFrame.Build(Opcode.Continuation, "ning"u8),
            .. ServerFrame.Build(Opcode.Text, "cl"u8, final: false),
            .. ServerFrame.Build(Opcode.Continuation, "osed by nothing"u8, final: false),
            .. ServerFrame.Build(Opcode.Continuation, ""u8),
            .. ServerFrame.Build(Opcode.Text, new byte[200]),
            .. ServerFrame.Build(Opcode.Text, ""u8, final: false),
            .. ServerFrame.Build(Opcode.Continuation, ""u8),
            .. ServerFrame.Build(Opcode.Close, [0x03, 0xE8, .. "bye"u8]),
        ];
        string[] expected =
        [
            "Text first", "Ping are you there", "Pong ", "Binary beginning", "Text closed by nothing", "Text " + new string('\0', 200), "Text ",
            "Close " + Encoding.Latin1.GetString([0x03, 0xE8]) + "bye",
        ];

        for (int split = 0; split <= input.Length; split++)
        {
            using MessageReader reader = new(Limit);
            List<string> messages = [];
            int used = ReadAll(reader, input.AsSpan(0, split), messages);
            ReadAll(reader, input.AsSpan(used), messages);
            await Assert.That(messages).IsEquivalentTo(expected, TUnit.Assertions.Enums.CollectionOrdering.Matching).Because($"the input is split at {split}");
        }
    }

    [Test]
    [Arguments(new byte[] { 0xC1, 0x00 }, "extension")]
    [Arguments(new byte[] { 0xA1, 0x00 }, "extension")]
    [Arguments(new byte[] { 0x91, 0x00 }, "extension")]
    [Arguments(new byte[] { 0x81, 0x80, 1, 2, 3, 4 }, "masked")]
    [Arguments(new byte[] { 0x09, 0x00 }, "fragmented")]
    [Arguments(new byte[] { 0x08, 0x00 }, "fragmented")]
    [Arguments(new byte[] { 0x89, 0x7E, 0x00, 0x7E }, "longer than 125")]
    [Arguments(new byte[] { 0x80, 0x00 }, "continues nothing")]
    [Arguments(new byte[] { 0x00, 0x00 }, "continues nothing")]
    [Arguments(new byte[] { 0x83, 0x00 }, "unknown opcode 3")]
    [Arguments(new byte[] { 0x8B, 0x00 }, "unknown opcode 11")]
    [Arguments(new byte[] { 0x01, 0x00, 0x81, 0x00 }, "inside another")]
    [Arguments(new byte[] { 0x01, 0x00, 0x02, 0x00 }, "inside another")]
    [Arguments(new byte[] { 0x01, 0x00, 0x80, 0x00, 0x80, 0x00 }, "continues nothing")]
    public async Task A_violation_is_refused_and_named(byte[] input, string error)
    {
        using MessageReader reader = new(Limit);
        ReadOutcome outcome = ReadOutcome.NeedMore;
        for (int position = 0; position < input.Length && outcome != ReadOutcome.Broken;)
        {
            outcome = reader.Read(input.AsSpan(position), out int consumed, out _);
            position += consumed;
        }

        await Assert.That(outcome).IsEqualTo(ReadOutcome.Broken);
        await Assert.That(reader.Error).Contains(error);
    }

    [Test]
    [Arguments(100_001UL)]
    [Arguments(int.MaxValue + 1UL)]
    [Arguments((ulong)long.MaxValue)]
    [Arguments(ulong.MaxValue)]
    public async Task A_length_above_the_limit_is_refused_at_its_header(ulong claimed)
    {
        byte[] header = ServerFrame.Header(Opcode.Text, claimed);
        using MessageReader reader = new(Limit);

        long before = GC.GetAllocatedBytesForCurrentThread();
        ReadOutcome outcome = reader.Read(header, out _, out _);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        await Assert.That(outcome).IsEqualTo(ReadOutcome.TooLarge);
        await Assert.That(allocated).IsLessThan(1_024);
    }

    [Test]
    public async Task Fragments_count_together_against_the_limit()
    {
        using MessageReader reader = new(1_000);
        reader.Read(ServerFrame.Build(Opcode.Text, new byte[600], final: false), out _, out _);

        await Assert.That(reader.Read(ServerFrame.Header(Opcode.Continuation, 401), out _, out _)).IsEqualTo(ReadOutcome.TooLarge);
        await Assert.That(reader.Read(ServerFrame.Build(Opcode.Continuation, new byte[400]), out _, out ReadOnlySpan<byte> message)).IsEqualTo(ReadOutcome.Text);
    }

    [Test]
    public async Task A_finished_message_does_not_count_against_the_next()
    {
        using MessageReader reader = new(1_000);
        List<string> messages = [];
        for (int i = 0; i < 3; i++)
        {
            byte[] input = [.. ServerFrame.Build(Opcode.Text, new byte[600], final: false), .. ServerFrame.Build(Opcode.Continuation, new byte[400])];
            ReadAll(reader, input, messages);
        }

        await Assert.That(messages.Select(message => message.Length)).IsEquivalentTo([1_005, 1_005, 1_005]);
    }

    [Test]
    public async Task The_memory_of_a_fragmented_message_is_given_back_before_the_next_message()
    {
        byte[] first = ServerFrame.Build(Opcode.Text, new byte[900_000], final: false);
        byte[] last = ServerFrame.Build(Opcode.Continuation, new byte[1]);
        using MessageReader reader = new(1_000_000);
        using MessageReader other = new(1_000_000);
        reader.Read(first, out _, out _);
        reader.Read(last, out _, out _);
        reader.Read(ServerFrame.Build(Opcode.Text, "x"u8), out _, out _);

        // The pool keeps the last array of a size for the thread that gave it back.
        long before = GC.GetAllocatedBytesForCurrentThread();
        other.Read(first, out _, out _);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        await Assert.That(allocated).IsLessThan(100_000);
    }

    [Test]
    [Arguments(1)]
    [Arguments(2)]
    [Arguments(3)]
    [Arguments(4)]
    public async Task Random_bytes_never_throw_and_never_take_more_than_there_is(int seed)
    {
        Random random = new(seed);
        HashSet<ReadOutcome> seen = [];
        for (int round = 0; round < 20_000; round++)
        {
            using MessageReader reader = new(2_000);
            byte[] input = new byte[random.Next(0, 300)];
            random.NextBytes(input);
            if (random.Next(4) > 0)
            {
                // Bytes that look like frames go deeper than noise does.
                for (int i = 0; i < input.Length; i += random.Next(1, 8))
                {
                    input[i] = (byte)(random.Next(2) == 0 ? random.Next(0, 12) | 0x80 * random.Next(2) : random.Next(0, 5));
                }
            }

            int position = 0;
            ReadOutcome outcome;
            do
            {
                outcome = reader.Read(input.AsSpan(position), out int consumed, out ReadOnlySpan<byte> payload);
                seen.Add(outcome);
                if (consumed < 0 || consumed > input.Length - position || payload.Length > 2_000)
                {
                    Assert.Fail($"seed {seed}, round {round}: {outcome} took {consumed} of {input.Length - position}");
                }

                if (outcome == ReadOutcome.NeedMore && reader.Needed <= input.Length - position)
                {
                    Assert.Fail($"seed {seed}, round {round}: needs {reader.Needed} and has {input.Length - position}");
                }

                position += consumed;
            }
            while (outcome is not (ReadOutcome.NeedMore or ReadOutcome.Broken or ReadOutcome.TooLarge));
        }

        await Assert.That(seen.Count).IsEqualTo(Enum.GetValues<ReadOutcome>().Length);
    }

    /// <summary>Reads what is whole; returns the bytes used.</summary>
    private static int ReadAll(MessageReader reader, ReadOnlySpan<byte> input, List<string> messages)
    {
        int position = 0;
        while (true)
        {
            ReadOutcome outcome = reader.Read(input[position..], out int consumed, out ReadOnlySpan<byte> payload);
            if (outcome == ReadOutcome.NeedMore)
            {
                return position;
            }

            if (outcome != ReadOutcome.Fragment)
            {
                messages.Add($"{outcome} {Encoding.Latin1.GetString(payload)}");
            }

            position += consumed;
        }
    }
}
