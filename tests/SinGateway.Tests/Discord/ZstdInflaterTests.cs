using System.Text;
using SinGateway.Discord;
using SinGateway.Loop;

namespace SinGateway.Tests.Discord;

/// <summary>What only zstd-stream does; the rest is in <see cref="InflaterTests"/>.</summary>
public sealed class ZstdInflaterTests
{
    /// <summary>The first frame of a connection with compress=zstd-stream, as Discord sent it.</summary>
    private const string CapturedHello =
        "28b52ffd00406403004207191c7089737428d0cb55ffa74a4b7ecbdee7ff9712d3d4ab9097d2ff3304312247620224fd7a8d63cbe10ba22f85f106c952f55bcef7a4e29c5c6c827b0b5fc70f3db3759d1c25414019fab608c7cd2c492f13da2d1b0ef5ca51527aa77947ad3d8cbe0f030100244a12";

    private const int Limit = 64 * 1024 * 1024;

    [Test]
    public async Task The_captured_bytes_give_the_captured_text()
    {
        using LoopBuffers buffers = new();
        using ZstdInflater inflater = new();

        await Assert.That(Inflate(inflater, CapturedHello, buffers)).IsEqualTo(
            """{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":41250,"_trace":["[\"gateway-prd-us-east1-c-7s4x\",{\"micros\":0.0}]"]}}""");
    }

    [Test]
    public async Task Messages_that_libzstd_compressed_come_out_one_by_one()
    {
        // libzstd 1.5.4 at level 3 with a window of 2^18, each message ended by ZSTD_e_flush.
        const string First = "28b52ffd00402001007b2274223a6e756c6c2c2273223a6e756c6c2c226f70223a31312c2264223a6e756c6c7d";
        const string Second = "1c020084037b2274223a224d4553534147455f4352454154452232307b22636f6e74656e74223a22ec8ba0eab2bd205c753030303020f09f9a80227d7d0310054f089c7b5e4c";
        const string Third = "4c00000833020082298b1d80";
        using LoopBuffers buffers = new();
        using ZstdInflater inflater = new();

        await Assert.That(Inflate(inflater, First, buffers)).IsEqualTo("""{"t":null,"s":null,"op":11,"d":null}""");
        await Assert.That(Inflate(inflater, Second, buffers)).IsEqualTo("""{"t":"MESSAGE_CREATE","s":2,"op":0,"d":{"content":"신경 \u0000 🚀"}}""");
        await Assert.That(Inflate(inflater, Third, buffers)).IsEqualTo("""{"t":"MESSAGE_CREATE","s":3,"op":0,"d":{"content":"신경 \u0000 🚀"}}""");
    }

    [Test]
    public async Task A_message_that_was_cut_is_refused_wherever_the_cut_is()
    {
        using LoopBuffers buffers = new();
        using SyncFlushedStream stream = new(GatewayCompression.ZstdStream);
        byte[] first = stream.Compress("{}"u8);
        byte[] second = stream.Compress(MessageCorpus.Small(new Random(1), 1));
        for (int length = 1; length < second.Length; length++)
        {
            using ZstdInflater inflater = new();
            inflater.Inflate(first, buffers, Limit);

            await Assert.That(inflater.Inflate(second.AsSpan(0, length), buffers, Limit)).IsEqualTo(Inflater.Broken).Because($"{length} of {second.Length} bytes");
        }
    }

    [Test]
    [Arguments(27, true)]
    [Arguments(28, false)]
    public async Task A_window_above_the_bound_is_refused(int windowLog, bool isTaken)
    {
        // The header of a frame (RFC 8878, 3.1.1.1) without a content size, and the window descriptor; then one raw block: "{}".
        byte[] message = [0x28, 0xB5, 0x2F, 0xFD, 0x00, (byte)(windowLog - 10 << 3), 2 << 3, 0, 0, (byte)'{', (byte)'}'];
        using LoopBuffers buffers = new();
        using ZstdInflater inflater = new();

        await Assert.That(inflater.Inflate(message, buffers, Limit)).IsEqualTo(isTaken ? 2 : Inflater.Broken);
    }

    [Test]
    public async Task A_frame_that_ends_may_be_followed_by_another()
    {
        using LoopBuffers buffers = new();
        using ZstdInflater inflater = new();
        for (int frame = 0; frame < 3; frame++)
        {
            using SyncFlushedStream stream = new(GatewayCompression.ZstdStream);
            byte[] start = stream.Compress("{\"op\":11}"u8);
            byte[] whole = [.. start, .. stream.End()];

            await Assert.That(inflater.Inflate(whole, buffers, Limit)).IsEqualTo(9);
        }
    }

    private static string Inflate(ZstdInflater inflater, string compressed, LoopBuffers buffers)
    {
        int length = inflater.Inflate(Convert.FromHexString(compressed), buffers, Limit);
        return length < 0 ? $"answer {length}" : Encoding.UTF8.GetString(buffers.Scratch[..length]);
    }
}
