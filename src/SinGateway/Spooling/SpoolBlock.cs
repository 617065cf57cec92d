using SinGateway.Loop;

namespace SinGateway.Spooling;

/// <summary>Memory that a part of a segment is read into, or as large as the one record that it holds.</summary>
/// <param name="size">In bytes, unless a record needs more.</param>
internal sealed unsafe class SpoolBlock(int size) : IDisposable
{
    /// <summary>What it usually has, in bytes.</summary>
    public int Size => size;

    private byte* _memory;
    private int _capacity;

    public Span<byte> Bytes => new(_memory, _capacity);

    /// <summary>Where the next record to read begins, and the last one ends.</summary>
    public int Start { get; set; }

    public int End { get; set; }

    public void EnsureCapacity(int capacity)
    {
        if (_capacity < capacity)
        {
            Dispose();
            _memory = SystemCalls.AllocatePages(capacity);
            _capacity = capacity;
        }
    }

    /// <summary>Everything was read: a block that grew is given back, so that a large record does not stay in memory.</summary>
    public void Clear()
    {
        Start = End = 0;
        if (_capacity > size)
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
