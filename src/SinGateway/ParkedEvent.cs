using SinGateway.Sessions;
using SinGateway.Spooling;

namespace SinGateway;

/// <summary>An event that was read off its socket when there was no room anywhere. Its session is not committed beyond it.</summary>
/// <param name="Outlet">Where it goes on when the spool is empty.</param>
/// <param name="Session">Holds it.</param>
/// <param name="Seq">Its number.</param>
/// <param name="ReceivedAt">In Unix milliseconds.</param>
/// <param name="Message">As Discord sent it.</param>
internal sealed record ParkedEvent(ISpoolOutlet Outlet, Session Session, long Seq, long ReceivedAt, byte[] Message)
{
    public SpoolRecord ToRecord() => new()
    {
        ShardId = Session.ShardId,
        SessionTag = Session.Tag,
        Seq = Seq,
        RuleIndex = SpoolFeed.EveryRule,
        ReceivedAt = ReceivedAt,
        Payload = Message,
    };
}
