using Microsoft.Extensions.Logging;

namespace SinGateway.Singyeong;

/// <summary>Keeps an event that was set aside because 신경 fails on it (G11), if there is a place for it, and names it in the log.</summary>
/// <param name="binary">The connection's encoding; null for JSON.</param>
/// <param name="logger">Gets a line for each: it is rare, and each is a loss.</param>
/// <param name="keep">Where its bytes are kept; null when nowhere.</param>
internal sealed partial class PoisonedDispatches(BinaryPackets? binary, ILogger logger, PoisonedDispatches.Keep? keep = null)
{
    /// <summary>Keeps the event of a frame; false when that is not possible. Both are borrowed.</summary>
    public delegate bool Keep(in FrameNote note, ReadOnlySpan<byte> payload, string reason);

    /// <summary>A dispatch was given up.</summary>
    /// <param name="note">Of the frame.</param>
    /// <param name="frame">Finished, so masked; borrowed.</param>
    public void Say(in FrameNote note, ReadOnlySpan<byte> frame)
    {
        bool isRead = DispatchReader.TryRead(binary, frame, out SingyeongPacket packet);
        string name = isRead ? packet.EventName() : "";
        bool isKept = isRead && keep?.Invoke(note, packet.Payload(), $"신경 has failed on it or refused it {Delivery.MaximumStrikes} times") == true;
        LogPoison(
            name.Length > 0 ? name : "event", note.ShardId, note.Seq, note.Rule, frame.Length, isKept ? "and kept in the spool's poison directory, not delivered" : "and lost",
            Delivery.MaximumStrikes);
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "{Event} of shard {Shard}, seq {Seq} (rule {Rule}, {Size} bytes) is set aside {Fate}: 신경 has failed on it or refused it {Times} times; look into the server's log for the cause")]
    private partial void LogPoison(string @event, int shard, long seq, int rule, int size, string fate, int times);
}
