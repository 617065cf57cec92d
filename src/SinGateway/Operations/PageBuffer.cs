using System.Buffers;

namespace SinGateway.Operations;

/// <summary>
/// The body of an answer, which grows as it is written, and how many connections are still sending it: it may be written again when that is
/// none. Belongs to the server's thread.
/// </summary>
internal sealed class PageBuffer : IBufferWriter<byte>
{
    private const int SmallestSize = 256;

    private byte[] _bytes = [];

    public int Length { get; private set; }

    /// <summary>Connections that send it.</summary>
    public int Users { get; set; }

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

    public void Clear() => Length = 0;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(GetSpan(bytes.Length));
        Advance(bytes.Length);
    }

    public void Advance(int count) => Length += count;

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsSpan(Length);
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsMemory(Length);
    }

    private void Reserve(int size)
    {
        int needed = Length + Math.Max(size, 1);
        if (needed > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(Math.Max(needed, _bytes.Length * 2), SmallestSize));
        }
    }
}
