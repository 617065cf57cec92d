namespace SinGateway.Tests.WebSockets;

/// <summary>Hands bytes on in pieces of random sizes, in both directions, from one byte up to <paramref name="largest"/>.</summary>
internal sealed class ShreddingStream(Stream inner, int seed, int largest) : Stream
{
    private readonly Random _reads = new(seed);
    private readonly Random _writes = new(seed + 1);

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            int size = Math.Min(Piece(_writes), buffer.Length);
            await inner.WriteAsync(buffer[..size], cancellationToken);
            await inner.FlushAsync(cancellationToken);
            buffer = buffer[size..];
        }
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        inner.ReadAsync(buffer[..Math.Min(Piece(_reads), buffer.Length)], cancellationToken);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override void Flush() => inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing) => inner.Dispose();

    /// <summary>Small pieces as often as large ones.</summary>
    private int Piece(Random random) => random.Next(2) == 0 ? random.Next(1, Math.Min(largest, 20) + 1) : random.Next(1, largest + 1);
}
