using System.Diagnostics;
using SinGateway.Discord;
using SinGateway.Loop;

namespace SinGateway.Tests.Discord;

/// <summary>What holds for every transport compression.</summary>
public sealed class InflaterTests
{
    private const int Limit = 64 * 1024 * 1024;

    [Test]
    [Arguments(nameof(GatewayCompression.ZlibStream))]
    [Arguments(nameof(GatewayCompression.ZstdStream))]
    public async Task A_connection_gives_the_messages_that_an_uncompressed_one_has(string compression)
    {
        using LoopBuffers buffers = new();
        using Inflater inflater = Create(compression);
        using SyncFlushedStream stream = Stream(compression);
        int number = 0, largest = 0;
        foreach (byte[] message in MessageCorpus.Messages())
        {
            byte[] compressed = stream.Compress(message);
            bool ends = inflater.EndsMessage(compressed);
            int length = inflater.Inflate(compressed, buffers, Limit);
            bool same = length >= 0 && buffers.Scratch[..length].SequenceEqual(message);
            buffers.ShrinkScratch();

            await Assert.That(ends && same).IsTrue().Because($"message {number} of {message.Length} bytes gives {length}");
            number++;
            largest = Math.Max(largest, message.Length);
        }

        await Assert.That(largest).IsGreaterThan(1024 * 1024);
    }

    [Test]
    public async Task Without_compression_there_is_no_context() => await Assert.That(Inflater.Create(GatewayCompression.None)).IsNull();

    [Test]
    [Arguments(nameof(GatewayCompression.ZlibStream), 1)]
    [Arguments(nameof(GatewayCompression.ZlibStream), 2)]
    [Arguments(nameof(GatewayCompression.ZstdStream), 1)]
    [Arguments(nameof(GatewayCompression.ZstdStream), 2)]
    [Arguments(nameof(GatewayCompression.ZstdStream), 3)]
    public async Task Corruption_is_refused_or_gives_other_bytes_within_the_bound(string compression, int seed)
    {
        const int Rounds = 1_500, Maximum = 300_000;
        Random random = new(seed);
        using LoopBuffers buffers = new();
        byte[][] messages = [.. Enumerable.Range(0, 30).Select(seq => MessageCorpus.Small(random, seq)), MessageCorpus.OfSize(random, 200_000)];
        using SyncFlushedStream stream = Stream(compression);
        byte[][] good = [.. messages.Select(message => stream.Compress(message))];
        int refused = 0, other = 0, outside = 0;
        for (int round = 0; round < Rounds; round++)
        {
            int victim = random.Next(good.Length);
            using Inflater inflater = Create(compression);
            int length = 0;
            for (int i = 0; i < good.Length && length >= 0; i++)
            {
                byte[] received = i == victim ? Corrupted(random, good[i]) : good[i];
                length = inflater.Inflate(received, buffers, Maximum);
                other += length >= 0 && !buffers.Scratch[..length].SequenceEqual(messages[i]) ? 1 : 0;
                outside += length is < Inflater.TooLarge or > Maximum ? 1 : 0;
                buffers.ShrinkScratch();
            }

            refused += length < 0 ? 1 : 0;
        }

        await Assert.That(outside).IsEqualTo(0);
        await Assert.That(refused).IsGreaterThan(Rounds / 10).Because($"{other} messages came out as others");
        await Assert.That(buffers.Scratch.Length).IsLessThanOrEqualTo(1024 * 1024);
    }

    [Test]
    [Arguments(nameof(GatewayCompression.ZlibStream))]
    [Arguments(nameof(GatewayCompression.ZstdStream))]
    public async Task Noise_from_the_first_byte_on_is_refused(string compression)
    {
        Random random = new(1);
        using LoopBuffers buffers = new();
        byte[] noise = new byte[2_000];
        int taken = 0;
        for (int round = 0; round < 500; round++)
        {
            random.NextBytes(noise);
            using Inflater inflater = Create(compression);
            taken += inflater.Inflate(noise, buffers, Limit) >= 0 ? 1 : 0;
        }

        await Assert.That(taken).IsEqualTo(0);
    }

    [Test]
    [Arguments(nameof(GatewayCompression.ZlibStream))]
    [Arguments(nameof(GatewayCompression.ZstdStream))]
    public async Task A_bomb_is_refused_and_gives_its_memory_back(string compression)
    {
        using SyncFlushedStream stream = Stream(compression);
        byte[] bomb = stream.Compress(new byte[Limit + 1]);
        using LoopBuffers buffers = new();
        using Inflater inflater = Create(compression);

        int length = inflater.Inflate(bomb, buffers, Limit);

        await Assert.That(bomb.Length).IsLessThan(100_000);
        await Assert.That(length).IsEqualTo(Inflater.TooLarge);
        await Assert.That(buffers.Scratch.Length).IsLessThanOrEqualTo(1024 * 1024);
    }

    [Test]
    [Arguments(nameof(GatewayCompression.ZlibStream))]
    [Arguments(nameof(GatewayCompression.ZstdStream))]
    public async Task A_message_of_exactly_the_limit_is_taken(string compression)
    {
        using SyncFlushedStream stream = Stream(compression);
        using LoopBuffers buffers = new();
        using Inflater inflater = Create(compression);

        await Assert.That(inflater.Inflate(stream.Compress(new byte[1_000_000]), buffers, 1_000_000)).IsEqualTo(1_000_000);
        await Assert.That(inflater.Inflate(stream.Compress(new byte[1_000_001]), buffers, 1_000_000)).IsEqualTo(Inflater.TooLarge);
    }

    [Test]
    [Arguments(nameof(GatewayCompression.ZlibStream))]
    [Arguments(nameof(GatewayCompression.ZstdStream))]
    public async Task A_message_allocates_nothing_managed(string compression)
    {
        using SyncFlushedStream stream = Stream(compression);
        using LoopBuffers buffers = new();
        using Inflater inflater = Create(compression);
        Random random = new(3);
        byte[][] messages = [.. Enumerable.Range(0, 2_000).Select(seq => stream.Compress(seq % 500 == 100 ? MessageCorpus.OfSize(random, 300_000) : MessageCorpus.Small(random, seq)))];
        InflateAll(inflater, messages.AsSpan(0, 1_000), buffers);

        long before = GC.GetAllocatedBytesForCurrentThread();
        int inflated = InflateAll(inflater, messages.AsSpan(1_000), buffers);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        await Assert.That(inflated).IsEqualTo(1_000);
        await Assert.That(allocated).IsEqualTo(0);
    }

    [Test]
    [NotInParallel]
    [Arguments(nameof(GatewayCompression.ZlibStream))]
    [Arguments(nameof(GatewayCompression.ZstdStream))]
    public async Task A_connection_that_ended_has_given_its_memory_back(string compression)
    {
        const int Contexts = 2_000, Allowed = 30 * 1024 * 1024;
        using LoopBuffers buffers = new();
        byte[] message = MessageCorpus.OfSize(new Random(4), 60_000);
        using SyncFlushedStream stream = Stream(compression);
        byte[] compressed = stream.Compress(message);
        UseAndDispose(compression, compressed, buffers, Contexts / 10);

        long before = ResidentBytes();
        int inflated = UseAndDispose(compression, compressed, buffers, Contexts);
        long grown = ResidentBytes() - before;

        await Assert.That(inflated).IsEqualTo(Contexts);
        await Assert.That(grown).IsLessThan(Allowed).Because("leaked contexts would take 80 MB and more");
    }

    private static Inflater Create(string compression) => Inflater.Create(Enum.Parse<GatewayCompression>(compression))!;

    private static SyncFlushedStream Stream(string compression) => new(Enum.Parse<GatewayCompression>(compression));

    private static byte[] Corrupted(Random random, byte[] good)
    {
        byte[] bad = [.. good];
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            bad[random.Next(bad.Length)] ^= (byte)random.Next(1, 256);
        }

        return bad;
    }

    private static int InflateAll(Inflater inflater, ReadOnlySpan<byte[]> messages, LoopBuffers buffers)
    {
        int inflated = 0;
        foreach (byte[] message in messages)
        {
            inflated += inflater.Inflate(message, buffers, Limit) > 0 ? 1 : 0;
            buffers.ShrinkScratch();
        }

        return inflated;
    }

    private static int UseAndDispose(string compression, byte[] compressed, LoopBuffers buffers, int contexts)
    {
        int inflated = 0;
        for (int i = 0; i < contexts; i++)
        {
            using Inflater inflater = Create(compression);
            inflated += inflater.Inflate(compressed, buffers, Limit) > 0 ? 1 : 0;
        }

        return inflated;
    }

    private static long ResidentBytes()
    {
        using Process self = Process.GetCurrentProcess();
        return self.WorkingSet64;
    }
}
