using System.Runtime.InteropServices;

namespace SinGateway.Discord;

/// <summary>
/// <c>compress=zlib-stream</c>: each gateway message ends in a sync flush (https://docs.discord.com/developers/events/gateway#zlib-stream). It
/// calls the zlib that .NET carries, so that a shard pays for zlib's own state (about 41 KB) and not for a stream and its buffer around it.
/// </summary>
internal sealed unsafe partial class ZlibInflater : Inflater
{
    private const int WindowBits = 15;
    private const int NoFlush = 0;
    private const int Ok = 0;
    private const int BufferError = -5;
    private const string Library = "libSystem.IO.Compression.Native";

    private readonly ZStream* _stream;

    public ZlibInflater()
    {
        _stream = (ZStream*)NativeMemory.AllocZeroed((nuint)sizeof(ZStream));
        if (InflateInit(_stream, WindowBits) != Ok)
        {
            NativeMemory.Free(_stream);
            throw new OutOfMemoryException("zlib has no memory for another connection");
        }
    }

    /// <summary>Z_SYNC_FLUSH leaves an empty stored block at the end of a message.</summary>
    public override bool EndsMessage(ReadOnlySpan<byte> compressed) => compressed.EndsWith((ReadOnlySpan<byte>)[0x00, 0x00, 0xFF, 0xFF]);

    public override void Dispose()
    {
        InflateEnd(_stream);
        NativeMemory.Free(_stream);
    }

    /// <summary>The end of the stream is an error too: it may not end while the connection lives.</summary>
    protected override bool Decode(ReadOnlySpan<byte> input, Span<byte> output, out int read, out int written)
    {
        fixed (byte* from = input)
        fixed (byte* to = output)
        {
            _stream->NextIn = from;
            _stream->AvailableIn = (uint)input.Length;
            _stream->NextOut = to;
            _stream->AvailableOut = (uint)output.Length;
            int result = InflateNext(_stream, NoFlush);
            read = input.Length - (int)_stream->AvailableIn;
            written = output.Length - (int)_stream->AvailableOut;
            return result is Ok or BufferError;
        }
    }

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateInit2_")]
    private static partial int InflateInit(ZStream* stream, int windowBits);

    [LibraryImport(Library, EntryPoint = "CompressionNative_Inflate")]
    private static partial int InflateNext(ZStream* stream, int flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateEnd")]
    private static partial int InflateEnd(ZStream* stream);

    /// <summary>As .NET's shim lays it out (PAL_ZStream).</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ZStream
    {
        public byte* NextIn;
        public byte* NextOut;
        public byte* Message;
        public void* State;
        public uint AvailableIn;
        public uint AvailableOut;
    }
}
