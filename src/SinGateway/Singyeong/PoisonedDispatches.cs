using Microsoft.Extensions.Logging;
using SinGateway.WebSockets;

namespace SinGateway.Singyeong;

/// <summary>Says which event was set aside because 신경 fails on it (G11): its name, shard and seq.</summary>
/// <param name="binary">The connection's encoding; null for JSON.</param>
/// <param name="logger">Gets a line for each: it is rare, and each is a loss.</param>
internal sealed partial class PoisonedDispatches(BinaryPackets? binary, ILogger logger)
{
    /// <summary>A dispatch was given up.</summary>
    /// <param name="note">Of the frame.</param>
    /// <param name="frame">Finished, so masked; borrowed.</param>
    public void Say(in FrameNote note, ReadOnlySpan<byte> frame)
    {
        ReadOnlySpan<byte> json = FrameWriter.Unmasked(frame);
        bool isRead = binary is null || binary.TryDecode(json, out json);
        string name = isRead && SingyeongPacket.TryRead(json, out SingyeongPacket packet) ? packet.EventName() : "";
        LogPoison(name.Length > 0 ? name : "event", note.ShardId, note.Seq, note.Rule, Delivery.MaximumStrikes, frame.Length);
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "{Event} of shard {Shard}, seq {Seq} (rule {Rule}, {Size} bytes) is set aside and lost: 신경 has failed on it {Times} times (1011); look into the server's log for the cause")]
    private partial void LogPoison(string @event, int shard, long seq, int rule, int times, int size);
}
