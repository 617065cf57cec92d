using SinGateway.Spooling;

namespace SinGateway;

/// <summary>
/// How much memory a spool may take, and what that leaves the outboxes, so that both together stay within <c>singyeong.outbox</c> of each
/// connection: an absence of 신경 must not cost more memory for being bridged. Sizes are in bytes.
/// </summary>
/// <param name="outbox">Of one connection, as configured.</param>
/// <param name="connections">That share the spool.</param>
internal readonly struct SpoolMemoryPlan(long outbox, int connections)
{
    private const long LargestMemory = 8 << 20;
    private const long SmallestBlock = 64 << 10;
    private const long LargestBlock = 512 << 10;

    /// <summary>For what is on its way to the disk: a quarter, two chunks at least, since one is written while the other fills.</summary>
    public long Memory => Math.Clamp(outbox / 4, 2 * SpoolMemory.ChunkSize, LargestMemory);

    /// <summary>Each of the two for reading ahead.</summary>
    public int Block => (int)Math.Clamp(outbox / 16, SmallestBlock, LargestBlock);

    /// <summary>What is left for the outbox of each connection; one chunk at least.</summary>
    public long Outbox => Math.Max(outbox - ((Memory + (2L * Block)) / connections), SpoolMemory.ChunkSize);
}
