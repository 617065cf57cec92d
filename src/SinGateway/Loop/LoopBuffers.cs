namespace SinGateway.Loop;

/// <summary>
/// The scratch memory of one loop, shared by all its connections: whoever is called may use it until the call returns, and keeps nothing in
/// it. So an idle shard holds no buffer at all.
/// </summary>
internal sealed unsafe class LoopBuffers : IDisposable
{
    /// <summary>
    /// What one read may bring, in bytes: large enough that a burst costs few system calls, small enough to stay in the cache.
    /// </summary>
    public const int ReceiveSize = 64 * 1024;

    private const int RetainedScratch = 1024 * 1024;

    private readonly byte* _receive = SystemCalls.AllocatePages(ReceiveSize);
    private byte* _scratch = SystemCalls.AllocatePages(ReceiveSize);
    private int _scratchSize = ReceiveSize;

    public Span<byte> Receive => new(_receive, ReceiveSize);

    /// <summary>Room for one message that is being inflated; its size is a power of two.</summary>
    public Span<byte> Scratch => new(_scratch, _scratchSize);

    /// <summary>Doubles <see cref="Scratch"/>, keeping its first <paramref name="used"/> bytes.</summary>
    public void GrowScratch(int used)
    {
        byte* larger = SystemCalls.AllocatePages(_scratchSize * 2);
        new ReadOnlySpan<byte>(_scratch, used).CopyTo(new Span<byte>(larger, used));
        SystemCalls.FreePages(_scratch, _scratchSize);
        _scratch = larger;
        _scratchSize *= 2;
    }

    /// <summary>Gives an unusually large <see cref="Scratch"/> back to the kernel, when its message has been handled.</summary>
    public void ShrinkScratch()
    {
        if (_scratchSize > RetainedScratch)
        {
            SystemCalls.FreePages(_scratch, _scratchSize);
            _scratch = SystemCalls.AllocatePages(ReceiveSize);
            _scratchSize = ReceiveSize;
        }
    }

    public void Dispose()
    {
        SystemCalls.FreePages(_receive, ReceiveSize);
        SystemCalls.FreePages(_scratch, _scratchSize);
    }
}
