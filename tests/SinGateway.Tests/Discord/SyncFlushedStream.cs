using System.IO.Compression;

namespace SinGateway.Tests.Discord;

/// <summary>Compresses as Discord does: one zlib context a connection, each message ended by a sync flush.</summary>
internal sealed class SyncFlushedStream : IDisposable
{
    private readonly MemoryStream _output = new();
    private readonly ZLibStream _compressor;

    public SyncFlushedStream() => _compressor = new ZLibStream(_output, CompressionLevel.Optimal, leaveOpen: true);

    public byte[] Compress(ReadOnlySpan<byte> message)
    {
        _output.SetLength(0);
        _compressor.Write(message);
        _compressor.Flush();
        return _output.ToArray();
    }

    public void Dispose()
    {
        _compressor.Dispose();
        _output.Dispose();
    }
}
