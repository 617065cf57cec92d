using SinGateway.Loop;

namespace SinGateway.Spooling;

/// <summary>Memory that a part of a segment is read into: 512 KiB, or as large as the one record that it holds.</summary>
internal sealed unsafe class SpoolBlock : IDisposable
{
    public const int Size = 512 * 1024;

    private byte* _memory;
    private int _capacity;

    public Span<byte> Bytes => new(_memory, _capacity);

    /// <summary>Where the next record to read begins, and the last one ends.</summary>
    public int Start { get; set; }

    public int End { get; set; }

    public void EnsureCapacity(int size)
    {
        if (_capacity < size)
        {
            Dispose();
            _memory = SystemCalls.AllocatePages(size);
            _capacity = size;
        }
    }

    /// <summary>Everything was read: a block that grew is given back, so that a large record does not stay in memory.</summary>
    public void Clear()
    {
        Start = End = 0;
        if (_capacity > Size)
        {
            Dispose();
        }
    }

    public void Dispose()
    {
        if (_memory != null)
        {
            SystemCalls.FreePages(_memory, _capacity);
            _memory = null;
            _capacity = 0;
        }
    }
}
