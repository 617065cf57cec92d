using System.Runtime.InteropServices;

namespace SinGateway.Singyeong;

/// <summary>
/// What is remembered of a frame in the outbox until it is confirmed: which event it carries, for whom, and since when. It lies in the same
/// chunk as the frame, so it is bounded and given back with it.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FrameNote
{
    /// <summary>Where the frame begins, in the outbox's count of bytes; set by the outbox.</summary>
    public long Start;

    /// <summary>Bytes of the frame; set by the outbox.</summary>
    public int Size;

    public int ShardId;

    /// <summary>The eight digits of the session's tag, as they stand in the nonce.</summary>
    public ulong SessionTag;

    public long Seq;

    /// <summary>When the event was received, in the loop's ms: from then <c>holdFor</c> counts (G9).</summary>
    public long ReceivedAt;

    /// <summary>Hash of the rendered target: names the lane (G8).</summary>
    public ulong Target;

    /// <summary>The number of the record that this is a copy of, so it owes nothing to a barrier's session; 0 when it is not from the spool.</summary>
    public long SpoolNumber;

    /// <summary>Index of the rule, among those of its set of policies.</summary>
    public int Rule;

    /// <summary>Connections that this frame has cost, for a reason other than no_route (G11).</summary>
    public short Strikes;

    /// <summary>It is not to be sent any more: it waits elsewhere, or was set aside.</summary>
    public bool IsRemoved;

    /// <summary>The set of policies that it was written under (<see cref="RulePolicies"/>); set by the delivery.</summary>
    public byte Policies;

    public readonly long End => Start + Size;

    /// <summary>Whether a nonce names this frame (G7).</summary>
    public readonly bool Is(in DispatchNonce nonce) =>
        Seq == nonce.Seq && ShardId == nonce.ShardId && SessionTag == nonce.SessionTag && Rule == nonce.Rule;
}
