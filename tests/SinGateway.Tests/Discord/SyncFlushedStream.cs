using System.IO.Compression;
using SinGateway.Discord;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace SinGateway.Tests.Discord;

/// <summary>
/// Compresses as Discord does: one context a connection, each message ended by a flush. zstd's window is 2^18, as captured from Discord,
/// unless told.
/// </summary>
internal sealed class SyncFlushedStream : IDisposable
{
    private readonly MemoryStream _output = new();
    private readonly Stream _compressor;

    public SyncFlushedStream(GatewayCompression compression = GatewayCompression.ZlibStream, int zstdWindowLog = 18)
    {
        if (compression == GatewayCompression.ZlibStream)
        {
            _compressor = new ZLibStream(_output, CompressionLevel.Optimal, leaveOpen: true);
            return;
        }

        var zstd = new CompressionStream(_output, leaveOpen: true);
        zstd.SetParameter(ZSTD_cParameter.ZSTD_c_windowLog, zstdWindowLog);
        _compressor = zstd;
    }

    public byte[] Compress(ReadOnlySpan<byte> message)
    {
        _output.SetLength(0);
        _compressor.Write(message);
        _compressor.Flush();
        return _output.ToArray();
    }

    /// <summary>Ends the stream, as Discord never does, and answers the bytes of that.</summary>
    public byte[] End()
    {
        _output.SetLength(0);
        _compressor.Dispose();
        return _output.ToArray();
    }

    public void Dispose()
    {
        _compressor.Dispose();
        _output.Dispose();
    }
}
