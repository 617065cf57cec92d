using System.Text;
using SinGateway.Discord;
using SinGateway.Loop;

namespace SinGateway.Tests.Discord;

/// <summary>What only zlib-stream does; the rest is in <see cref="InflaterTests"/>.</summary>
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

        await Assert.That(inflater.EndsMessage(captured)).IsTrue();
        await Assert.That(text).IsEqualTo(
            """{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":41250,"_trace":["[\"gateway-prd-main-858d\",{\"micros\":0.0}]"]}}""");
    }

    [Test]
    public async Task A_message_ends_where_its_flush_does_and_nowhere_before()
    {
        using ZlibInflater inflater = new();
        using SyncFlushedStream stream = new();
        byte[] compressed = stream.Compress("{\"op\":11}"u8);

        for (int length = 0; length < compressed.Length; length++)
        {
            await Assert.That(inflater.EndsMessage(compressed.AsSpan(0, length))).IsFalse();
        }

        await Assert.That(inflater.EndsMessage(compressed)).IsTrue();
    }

    [Test]
    public async Task The_header_of_a_stream_in_the_middle_of_another_is_refused()
    {
        using LoopBuffers buffers = new();
        using ZlibInflater inflater = new();
        using SyncFlushedStream stream = new();
        inflater.Inflate(stream.Compress(MessageCorpus.OfSize(new Random(1), 1_000)), buffers, Limit);

        await Assert.That(inflater.Inflate(Convert.FromHexString(CapturedHello), buffers, Limit)).IsEqualTo(Inflater.Broken);
    }

    [Test]
    public async Task A_stream_that_ends_is_refused_for_it_may_not()
    {
        using LoopBuffers buffers = new();
        using ZlibInflater inflater = new();
        using SyncFlushedStream stream = new();
        byte[] message = stream.Compress("{\"op\":11}"u8);

        await Assert.That(inflater.Inflate([.. message, .. stream.End()], buffers, Limit)).IsEqualTo(Inflater.Broken);
    }
}
