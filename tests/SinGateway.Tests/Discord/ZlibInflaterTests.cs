using System.IO.Compression;
using System.Text;
using SinGateway.Discord;
using SinGateway.Loop;

namespace SinGateway.Tests.Discord;

public sealed class ZlibInflaterTests
{
    /// <summary>The first frame of a connection with compress=zlib-stream, as Discord sent it.</summary>
    internal const string CapturedHello =
        "789c34c9410a83301005d0bbfc755262a9207315233235431b8851e2d85242eede6eba7bf02a1494cf940c8e3fb61dd4398300aa780a17bd0beb1cb34a797102ddba6bfffb590b2f021a317a3c58e5cd1fbb9760578ed90efd103c4cf558e352b6c383dcc5b509536b5f000000ffff";

    private const int Limit = 64 * 1024 * 1024;

    [Test]
    public async Task The_captured_bytes_give_the_captured_text()
    {
        using LoopBuffers buffers = new();
        using ZlibInflater inflater = new();
        byte[] captured = Convert.FromHexString(CapturedHello);

        int length = inflater.Inflate(captured, buffers, Limit);
        string text = Encoding.UTF8.GetString(buffers.Scratch[..length]);

        await Assert.That(ZlibInflater.EndsMessage(captured)).IsTrue();
        await Assert.That(text).IsEqualTo(
            """{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":41250,"_trace":["[\"gateway-prd-main-858d\",{\"micros\":0.0}]"]}}""");
    }

    [Test]
    [Arguments(1)]
    [Arguments(2)]
    public async Task Messages_of_one_context_come_out_one_by_one(int seed)
    {
        Random random = new(seed);
        using LoopBuffers buffers = new();
        using ZlibInflater inflater = new();
        using SyncFlushedStream stream = new();
        for (int i = 0; i < 300; i++)
        {
            byte[] message = Message(random, i % 50 == 49 ? random.Next(500_000, 3_000_000) : random.Next(1, 5_000));

            int length = inflater.Inflate(stream.Compress(message), buffers, Limit);
            bool same = length >= 0 && buffers.Scratch[..length].SequenceEqual(message);
            buffers.ShrinkScratch();

            await Assert.That(same).IsTrue().Because($"message {i} of {message.Length} bytes");
        }
    }

    [Test]
    [Arguments(65_535)]
    [Arguments(65_536)]
    [Arguments(65_537)]
    [Arguments(131_072)]
    public async Task A_message_that_just_fills_the_buffer_is_whole(int size)
    {
        byte[] message = Message(new Random(size), size);
        using LoopBuffers buffers = new();
        using ZlibInflater inflater = new();
        using SyncFlushedStream stream = new();

        int length = inflater.Inflate(stream.Compress(message), buffers, Limit);
        bool same = buffers.Scratch[..length].SequenceEqual(message);
        int next = inflater.Inflate(stream.Compress("next"u8), buffers, Limit);

        await Assert.That(same).IsTrue();
        await Assert.That(next).IsEqualTo(4);
    }

    [Test]
    public async Task A_message_ends_where_its_flush_does_and_nowhere_before()
    {
        using SyncFlushedStream stream = new();
        byte[] compressed = stream.Compress("{\"op\":11}"u8);

        for (int length = 0; length < compressed.Length; length++)
        {
            await Assert.That(ZlibInflater.EndsMessage(compressed.AsSpan(0, length))).IsFalse();
        }

        await Assert.That(ZlibInflater.EndsMessage(compressed)).IsTrue();
    }

    [Test]
    public async Task A_broken_stream_is_refused()
    {
        using LoopBuffers buffers = new();
        using ZlibInflater inflater = new();
        using SyncFlushedStream stream = new();
        inflater.Inflate(stream.Compress(Message(new Random(1), 1_000)), buffers, Limit);

        // The header of a stream in the middle of another.
        await Assert.That(inflater.Inflate(Convert.FromHexString(CapturedHello), buffers, Limit)).IsEqualTo(ZlibInflater.Broken);
    }

    [Test]
    public async Task A_stream_that_ends_is_refused_for_it_may_not()
    {
        using LoopBuffers buffers = new();
        using ZlibInflater inflater = new();
        using MemoryStream output = new();
        using (ZLibStream compressor = new(output, CompressionLevel.Optimal))
        {
            compressor.Write("{\"op\":11}"u8);
        }

        await Assert.That(inflater.Inflate(output.ToArray(), buffers, Limit)).IsEqualTo(ZlibInflater.Broken);
    }

    [Test]
    [Arguments(1)]
    [Arguments(2)]
    public async Task Noise_never_throws(int seed)
    {
        Random random = new(seed);
        using LoopBuffers buffers = new();
        using SyncFlushedStream stream = new();
        byte[] good = stream.Compress(Message(random, 2_000));
        int refused = 0;
        for (int round = 0; round < 500; round++)
        {
            byte[] noisy = [.. good];
            for (int i = random.Next(1, 4); i > 0; i--)
            {
                noisy[random.Next(noisy.Length)] = (byte)random.Next(256);
            }

            using ZlibInflater inflater = new();
            refused += inflater.Inflate(noisy, buffers, Limit) < 0 ? 1 : 0;
        }

        await Assert.That(refused).IsPositive();
    }

    [Test]
    public async Task A_bomb_is_refused_and_gives_its_memory_back()
    {
        using SyncFlushedStream stream = new();
        byte[] bomb = stream.Compress(new byte[16 * 1024 * 1024]);
        using LoopBuffers buffers = new();
        using ZlibInflater inflater = new();

        int length = inflater.Inflate(bomb, buffers, 10_000_000);

        await Assert.That(bomb.Length).IsLessThan(100_000);
        await Assert.That(length).IsEqualTo(ZlibInflater.TooLarge);
        await Assert.That(buffers.Scratch.Length).IsLessThanOrEqualTo(1024 * 1024);
    }

    [Test]
    public async Task A_message_of_exactly_the_limit_is_taken()
    {
        using SyncFlushedStream stream = new();
        using LoopBuffers buffers = new();
        using ZlibInflater inflater = new();

        await Assert.That(inflater.Inflate(stream.Compress(new byte[1_000_000]), buffers, 1_000_000)).IsEqualTo(1_000_000);
    }

    private static byte[] Message(Random random, int size)
    {
        byte[] message = new byte[size];
        for (int i = 0; i < size; i++)
        {
            // Half of it compresses.
            message[i] = (byte)(random.Next(2) == 0 ? 'a' : random.Next(256));
        }

        return message;
    }
}
