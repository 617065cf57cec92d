using System.Runtime.InteropServices;
using SinGateway.Loop;

namespace SinGateway.Discord;

/// <summary>
/// The inflate context of one gateway connection with <c>compress=zlib-stream</c>: one for its whole life, never shared
/// (https://docs.discord.com/developers/events/gateway#zlib-stream). It calls the zlib that .NET carries, so that a shard pays for zlib's
/// own state (about 41 KB) and not for a stream and its buffer around it.
/// </summary>
internal sealed unsafe partial class ZlibInflater : IDisposable
{
    /// <summary>Answers of <see cref="Inflate"/> in place of a length.</summary>
    public const int Broken = -1;
    public const int TooLarge = -2;

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

    /// <summary>True when what was received so far ends a message: Z_SYNC_FLUSH leaves an empty stored block.</summary>
    public static bool EndsMessage(ReadOnlySpan<byte> compressed) => compressed.EndsWith((ReadOnlySpan<byte>)[0x00, 0x00, 0xFF, 0xFF]);

    /// <summary>
    /// Inflates a whole message into the loop's scratch buffer. Returns its length in bytes, or <see cref="Broken"/>, or <see
    /// cref="TooLarge"/> above
    /// <paramref name="maximum"/>; the context is then of no more use.
    /// </summary>
    public int Inflate(ReadOnlySpan<byte> compressed, LoopBuffers buffers, int maximum)
    {
        fixed (byte* input = compressed)
        {
            _stream->NextIn = input;
            _stream->AvailableIn = (uint)compressed.Length;
            int length = 0;
            while (true)
            {
                Span<byte> free = buffers.Scratch[length..];
                fixed (byte* output = free)
                {
                    _stream->NextOut = output;
                    _stream->AvailableOut = (uint)free.Length;
                    int result = InflateNext(_stream, NoFlush);
                    length += free.Length - (int)_stream->AvailableOut;
                    if (length > maximum || (result != Ok && result != BufferError))
                    {
                        buffers.ShrinkScratch();
                        return length > maximum ? TooLarge : Broken;
                    }

                    if (_stream->AvailableOut > 0)
                    {
                        return _stream->AvailableIn == 0 ? length : Broken;
                    }
                }

                buffers.GrowScratch(length);
            }
        }
    }

    public void Dispose()
    {
        InflateEnd(_stream);
        NativeMemory.Free(_stream);
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
