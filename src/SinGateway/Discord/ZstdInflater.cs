using ZstdSharp.Unsafe;
using Zstd = ZstdSharp.Unsafe.Methods;

namespace SinGateway.Discord;

/// <summary>
/// <c>compress=zstd-stream</c>: each websocket message is one gateway message, ended by a flush, in a zstd frame that never ends
/// (https://docs.discord.com/developers/events/gateway#zstd-stream, RFC 8878). It calls the decoder below ZstdSharp's own stream, whose
/// buffers and exceptions it does without. A context holds about 95 KB and, from the first message on, the window that the frame asks for
/// (Discord's: 256 KiB) and one block, all from malloc.
/// </summary>
internal sealed unsafe class ZstdInflater : Inflater
{
    /// <summary>
    /// The largest window that is accepted, as a power of two: zstd's own default bound. The window of a frame is allocated as a whole, so
    /// this is what a connection can ask of us.
    /// </summary>
    public const int MaximumWindowLog = 27;

    /// <summary>What <c>ZSTD_decompressStream</c> wants next where a block has ended: the header of another (RFC 8878, 3.1.1.2).</summary>
    private const int BlockHeader = 3;

    /// <summary>What it wants when the frame has ended, which Discord's does not.</summary>
    private const int NewFrame = 0;

    private readonly ZSTD_DCtx_s* _context;
    private nuint _wanted;

    public ZstdInflater()
    {
        _context = Zstd.ZSTD_createDCtx();
        if (_context is null)
        {
            throw new OutOfMemoryException("zstd has no memory for another connection");
        }

        Zstd.ZSTD_DCtx_setParameter(_context, ZSTD_dParameter.ZSTD_d_windowLogMax, MaximumWindowLog);
    }

    /// <summary>A message that was cut, which this does not see, is found by <see cref="Inflater.Inflate"/> to be broken.</summary>
    public override bool EndsMessage(ReadOnlySpan<byte> compressed) => true;

    public override void Dispose() => Zstd.ZSTD_freeDCtx(_context);

    /// <summary>A flush ends a block; a message that ends in the middle of one was cut.</summary>
    protected override bool IsBetweenMessages => _wanted is BlockHeader or NewFrame;

    protected override bool Decode(ReadOnlySpan<byte> input, Span<byte> output, out int read, out int written)
    {
        fixed (byte* from = input)
        fixed (byte* to = output)
        {
            var source = new ZSTD_inBuffer_s { src = from, size = (nuint)input.Length };
            var destination = new ZSTD_outBuffer_s { dst = to, size = (nuint)output.Length };
            _wanted = Zstd.ZSTD_decompressStream(_context, &destination, &source);
            read = (int)source.pos;
            written = (int)destination.pos;
            return !Zstd.ZSTD_isError(_wanted);
        }
    }
}
