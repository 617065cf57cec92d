using System.Buffers;

namespace SinGateway.Loop;

/// <summary>
/// Bytes that a connection must keep between two calls, in an array rented from the shared pool; no array while there are none. A mutable
/// struct: its owner holds it in a field, passes it to nobody, and calls <see cref="Release"/> at its own end.
/// </summary>
internal struct RentedBuffer
{
    private byte[]? _array;

    public int Length { get; private set; }

    public readonly bool IsEmpty => Length == 0;

    public readonly ReadOnlySpan<byte> Bytes => _array.AsSpan(0, Length);

    /// <summary>What is rented and not used, for a reader to fill; it then calls <see cref="Advance"/>.</summary>
    public readonly Span<byte> Free => _array.AsSpan(Length);

    /// <summary>Makes room for <paramref name="capacity"/> bytes in all.</summary>
    public void EnsureCapacity(int capacity)
    {
        if (_array is null || _array.Length < capacity)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(capacity);
            Bytes.CopyTo(larger);
            if (_array is not null)
            {
                ArrayPool<byte>.Shared.Return(_array);
            }

            _array = larger;
        }
    }

    public void Advance(int count) => Length += count;

    /// <summary>
    /// Room for exactly <paramref name="size"/> bytes at the end, which count from now on. It at least doubles, so that many small ones
    /// stay cheap.
    /// </summary>
    public Span<byte> Extend(int size)
    {
        if (_array is null || _array.Length - Length < size)
        {
            EnsureCapacity(Math.Max(Length + size, Length * 2));
        }

        Span<byte> extension = _array.AsSpan(Length, size);
        Length += size;
        return extension;
    }

    public void Append(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Extend(bytes.Length));

    /// <summary>Removes bytes from the front; the last ones take the array with them.</summary>
    public void RemoveFirst(int count)
    {
        Bytes[count..].CopyTo(_array);
        Length -= count;
        if (Length == 0)
        {
            Release();
        }
    }

    /// <summary>Gives the array back; harmless when there is none.</summary>
    public void Release()
    {
        if (_array is not null)
        {
            ArrayPool<byte>.Shared.Return(_array);
            _array = null;
        }

        Length = 0;
    }
}
