using Microsoft.Extensions.Logging;
using SinGateway.Discord;
using SinGateway.Forwarding;
using SinGateway.Loop;
using SinGateway.Sessions;
using SinGateway.Singyeong;
using SinGateway.WebSockets;

namespace SinGateway;

/// <summary>
/// Where an event changes sides: finds the rules of its name and writes one finished frame for each into the outbox, around the bytes that
/// Discord sent. Allocates nothing for a name seen before. Belongs to the loop's thread.
/// </summary>
internal sealed partial class Forwarder(EventLoop loop, RouteTable routes, SingyeongClient client, MaskingKeys keys, ILogger logger) : IDispatchReceiver
{
    private readonly Delivery _delivery = client.Delivery;

    public bool HasRoom => !_delivery.IsFull;

    private Outbox Outbox => _delivery.Outbox;

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
        if (size > Outbox.MaximumFrame)
        {
            Oversized++;
            LogOversized(session.ShardId, seq, size, Outbox.MaximumFrame);
            return false;
        }

        Span<byte> frame = Outbox.Reserve(size);
        int start = FrameWriter.Begin(frame, Opcode.Text, payload);
        int position = start + DispatchWriter.WriteStart(frame[start..], broadcast);
        target = copy.WriteTarget(session.ShardId, ids, frame[position..]);
        FrameNote note = new()
        {
            ShardId = session.ShardId,
            SessionTag = DispatchNonce.Tag(session.Tag),
            Seq = seq,
            Rule = copy.Rule.Index,
            ReceivedAt = loop.Now,
            Target = TargetHash.Of(frame.Slice(position, target)),
        };
        DispatchWriter.WriteRest(frame[(position + target)..], nonce, message);
        FrameWriter.End(frame, start, keys.Next());
        _delivery.Add(session, size, note);
        Forwarded++;
        return true;
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Shard {Shard}, seq {Seq}: the event takes {Size} bytes and the outbox takes {Maximum} at most; it is dropped and counted. Raise singyeong.outbox.")]
    private partial void LogOversized(int shard, long seq, int size, long maximum);
}
