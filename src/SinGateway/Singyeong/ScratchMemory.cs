using System.Numerics;
using SinGateway.Loop;

namespace SinGateway.Singyeong;

/// <summary>
/// Memory of a 신경 connection for one message in another encoding, straight from the kernel: pages that were never written to cost nothing, so
/// it may be asked for the worst case. Owned by who made it; belongs to the loop's thread.
/// </summary>
internal sealed unsafe class ScratchMemory : IDisposable
{
    private const int UsualSize = 64 * 1024;

    /// <summary>More than this is given back as soon as <see cref="Shrink"/> is called, in bytes.</summary>
    private const int RetainedSize = 4 * 1024 * 1024;

    private byte* _pages = SystemCalls.AllocatePages(UsualSize);
    private int _size = UsualSize;

    public Span<byte> Span => new(_pages, _size);

    /// <summary>Makes room for <paramref name="size"/> bytes; the first <paramref name="used"/> stay.</summary>
    public void Reserve(int size, int used)
    {
        if (_pages is null)
        {
            throw new ObjectDisposedException(nameof(ScratchMemory));
        }

        if (size > _size)
        {
            Replace((int)Math.Min(BitOperations.RoundUpToPowerOf2((uint)size), int.MaxValue), used);
        }
    }

    /// <summary>What it holds is of no more use: gives unusually much memory back.</summary>
    public void Shrink()
    {
        if (_size > RetainedSize)
        {
            Replace(UsualSize, 0);
        }
    }

    public void Dispose()
    {
        if (_pages is not null)
        {
            SystemCalls.FreePages(_pages, _size);
            _pages = null;
            _size = 0;
        }
    }

    private void Replace(int size, int used)
    {
        byte* other = SystemCalls.AllocatePages(size);
        new ReadOnlySpan<byte>(_pages, used).CopyTo(new Span<byte>(other, used));
        SystemCalls.FreePages(_pages, _size);
        _pages = other;
        _size = size;
    }
}
