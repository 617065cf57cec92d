using Microsoft.Extensions.Logging;
using SinGateway.Discord;
using SinGateway.Forwarding;
using SinGateway.Sessions;
using SinGateway.Singyeong;
using SinGateway.WebSockets;

namespace SinGateway;

/// <summary>
/// Where an event changes sides: finds the rules of its name and writes one finished frame for each into the outbox, around the bytes that
/// Discord sent. Allocates nothing for a name seen before. Belongs to the loop's thread.
/// </summary>
internal sealed partial class Forwarder(RouteTable routes, SingyeongClient client, MaskingKeys keys, ILogger logger) : IDispatchReceiver
{
    public bool HasRoom => !client.Outbox.IsFull;

    /// <summary>Events received from Discord.</summary>
    public long Events { get; private set; }

    /// <summary>Copies of events written for 신경.</summary>
    public long Forwarded { get; private set; }

    /// <summary>Copies that were larger than the outbox may hold (G13).</summary>
    public long Oversized { get; private set; }

    public void Receive(Session session, ReadOnlySpan<byte> eventName, long seq, ReadOnlySpan<byte> message)
    {
        Events++;
        bool forwarded = false;
        if (routes.Find(eventName) is { } route)
        {
            EventIds ids = route.ReadIds(message);
            foreach (RouteCopy copy in route.Copies)
            {
                forwarded |= Forward(session, copy, ids, seq, message);
            }
        }

        client.Received(session, seq, forwarded);
    }

    private bool Forward(Session session, RouteCopy copy, in EventIds ids, long seq, ReadOnlySpan<byte> message)
    {
        Span<byte> nonce = stackalloc byte[DispatchWriter.MaximumNonce];
        nonce = nonce[..DispatchWriter.WriteNonce(nonce, session.ShardId, session.Tag, seq, copy.Rule.Index)];
        bool broadcast = copy.Rule.Kind == DispatchKind.Broadcast;
        int target = copy.MeasureTarget(session.ShardId, ids);
        int payload = DispatchWriter.Measure(broadcast, target, nonce.Length, message.Length);
        int size = FrameWriter.HeaderSize(payload) + payload;
        if (size > client.Outbox.MaximumFrame)
        {
            Oversized++;
            LogOversized(session.ShardId, seq, size, client.Outbox.MaximumFrame);
            return false;
        }

        Span<byte> frame = client.Outbox.Reserve(size);
        int start = FrameWriter.Begin(frame, Opcode.Text, payload);
        int position = start + DispatchWriter.WriteStart(frame[start..], broadcast);
        position += copy.WriteTarget(session.ShardId, ids, frame[position..]);
        DispatchWriter.WriteRest(frame[position..], nonce, message);
        FrameWriter.End(frame, start, keys.Next());
        client.Outbox.Append(size);
        Forwarded++;
        return true;
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Shard {Shard}, seq {Seq}: the event takes {Size} bytes and the outbox takes {Maximum} at most; it is dropped and counted. Raise singyeong.outbox.")]
    private partial void LogOversized(int shard, long seq, int size, long maximum);
}
