using SinGateway.WebSockets;

namespace SinGateway.Singyeong;

/// <summary>Reads a finished dispatch of ours back, for the few that are not sent in the end.</summary>
internal static class DispatchReader
{
    /// <summary>False when it cannot be read back, as when it is nested deeper than a packet may be.</summary>
    /// <param name="binary">The connection's encoding; null for JSON. The packet lies in its memory then, until its next use.</param>
    /// <param name="frame">Finished, so masked; borrowed.</param>
    /// <param name="packet">In JSON; that of the event is what Discord sent, if the connection speaks JSON.</param>
    public static bool TryRead(BinaryPackets? binary, ReadOnlySpan<byte> frame, out SingyeongPacket packet)
    {
        ReadOnlySpan<byte> json = FrameWriter.Unmasked(frame);
        packet = default;
        return (binary is null || binary.TryDecode(json, out json)) && SingyeongPacket.TryRead(json, out packet);
    }
}
