using System.Buffers;
using System.IO.Compression;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace SinGateway.Sandbox.Discord;

/// <summary>
/// The compression context of one connection, for its whole life: <c>zlib-stream</c> (each message ends in a sync flush, 00 00 FF FF) or
/// <c>zstd-stream</c> (window 2^18, as captured from Discord; each message ends in a flush, the frame never ends).
/// </summary>
internal sealed class TransportCompression : IDisposable
{
    private const int ZstdWindowLog = 18;
    private const int ZstdLevel = 3;

    private readonly CompressedOutput _output = new();
    private readonly Stream _compressor;

    private TransportCompression(Func<Stream, Stream> create) => _compressor = create(_output);

    /// <summary>Null when <paramref name="name"/> (the query parameter) asks for none.</summary>
    public static TransportCompression? Create(string? name, int zlibLevel) => name switch
    {
        "zlib-stream" => new(output => new ZLibStream(output, new ZLibCompressionOptions { CompressionLevel = zlibLevel }, leaveOpen: true)),
        "zstd-stream" => new(output =>
        {
            CompressionStream zstd = new(output, ZstdLevel);
            zstd.SetParameter(ZSTD_cParameter.ZSTD_c_windowLog, ZstdWindowLog);
            return zstd;
        }),
        _ => null,
    };

    public static bool IsKnown(string? name) => name is null or "" or "zlib-stream" or "zstd-stream";

    /// <summary>Compresses one message. The result is borrowed until the next call, and may be written to (to corrupt it).</summary>
    public Span<byte> Compress(ReadOnlySpan<byte> message)
    {
        _output.SetLength(0);
        _compressor.Write(message);
        _compressor.Flush();
        return _output.Written;
    }

    /// <summary>
    /// Makes a compressed message undecodable at its first byte: a deflate block of the reserved type 3 (RFC 1951, 3.2.3), and a zstd block
    /// of the reserved type 3 (RFC 8878, 3.1.1.2.2), are both spelled by the low three bits set.
    /// </summary>
    public static void Corrupt(Span<byte> compressed) => compressed[0] = 0x07;

    public void Dispose()
    {
        try
        {
            _compressor.Dispose();
        }
        catch (ZstdException)
        {
        }
        _output.Dispose();
    }

    // A stream that keeps what the compressor writes, in one rented buffer. (MemoryStream would zero, check and copy more.)
    private sealed class CompressedOutput : Stream
    {
        private byte[] _buffer = ArrayPool<byte>.Shared.Rent(2048);
        private int _length;

        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Position { get; set; }

        public override long Length => _length;

        public Span<byte> Written => _buffer.AsSpan(0, _length);

        public override void Write(ReadOnlySpan<byte> bytes)
        {
            if (_buffer.Length - _length < bytes.Length)
            {
                byte[] larger = ArrayPool<byte>.Shared.Rent((_length + bytes.Length) * 2);
                _buffer.AsSpan(0, _length).CopyTo(larger);
                ArrayPool<byte>.Shared.Return(_buffer);
                _buffer = larger;
            }
            bytes.CopyTo(_buffer.AsSpan(_length));
            _length += bytes.Length;
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => _length = (int)value;

        protected override void Dispose(bool disposing)
        {
            if (disposing && _buffer.Length > 0)
            {
                ArrayPool<byte>.Shared.Return(_buffer);
                _buffer = [];
            }
            base.Dispose(disposing);
        }
    }
}
