using SinGateway.Sessions;
using SinGateway.Spooling;

namespace SinGateway;

/// <summary>Which event is forwarded, and where it comes from: a session, or the spool.</summary>
internal readonly ref struct EventOrigin
{
    /// <summary>Just received.</summary>
    /// <param name="session">Its session.</param>
    /// <param name="seq">Its number there.</param>
    /// <param name="now">The loop's ms.</param>
    public EventOrigin(Session session, long seq, long now)
    {
        Session = session;
        ShardId = session.ShardId;
        SessionTag = session.Tag;
        Seq = seq;
        ReceivedAt = now;
    }

    /// <summary>Received some time ago.</summary>
    /// <param name="session">Null when it is read from the spool.</param>
    /// <param name="record">Borrowed.</param>
    /// <param name="age">Since receipt, in ms.</param>
    /// <param name="now">The loop's ms.</param>
    public EventOrigin(Session? session, in SpoolRecord record, long age, long now)
    {
        Session = session;
        ShardId = record.ShardId;
        SessionTag = record.SessionTag;
        Seq = record.Seq;
        ReceivedAt = now - Math.Max(age, 0);
        SpoolNumber = session is null ? record.Number : 0;
        IsLate = session is not null;
    }

    public Session? Session { get; }

    public int ShardId { get; }

    public ReadOnlySpan<byte> SessionTag { get; }

    public long Seq { get; }

    /// <summary>In the loop's ms.</summary>
    public long ReceivedAt { get; }

    /// <summary>0 when it is not from the spool.</summary>
    public long SpoolNumber { get; }

    /// <summary>Barriers may have passed it while it waited.</summary>
    public bool IsLate { get; }
}
