namespace SinGateway.Spooling;

/// <summary>
/// An event on its way into <c>poison/</c>: a first line that says what it is and why it is there, then its bytes as they were.
/// </summary>
/// <param name="Name">The same for the same event, so that one that is set aside twice is kept once.</param>
internal sealed record PoisonedEvent(string Name, byte[] Content)
{
    public static PoisonedEvent Of(in SpoolRecord record, string reason)
    {
        DateTimeOffset received = DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(record.ReceivedAt, 0, MaximumUnixTime));
        string session = Convert.ToHexStringLower(record.SessionTag);
        byte[] line = System.Text.Encoding.UTF8.GetBytes(
            $"shard={record.ShardId} seq={record.Seq} rule={record.RuleIndex} session={session} received={received:yyyy-MM-ddTHH:mm:ss.fffZ} "
            + $"bytes={record.Payload.Length} reason={reason.ReplaceLineEndings(" ")}\n");
        byte[] content = new byte[line.Length + record.Payload.Length];
        line.CopyTo(content, 0);
        record.Payload.CopyTo(content.AsSpan(line.Length));
        return new PoisonedEvent(
            $"{received:yyyyMMddTHHmmssfff}Z-shard{record.ShardId}-{session}-seq{record.Seq}-rule{record.RuleIndex}{PoisonFolder.Suffix}", content);
    }

    // The end of the year 9999.
    private const long MaximumUnixTime = 253_402_300_799_999;
}
