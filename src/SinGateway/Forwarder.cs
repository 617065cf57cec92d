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
/// Discord sent, or around them in the encoding of the connection. Allocates nothing for a name seen before. Belongs to the loop's thread.
/// </summary>
internal sealed partial class Forwarder(EventLoop loop, RouteTable routes, SingyeongClient client, MaskingKeys keys, ILogger logger) : IDispatchReceiver
{
    private readonly Delivery _delivery = client.Delivery;

    /// <summary>What is dropped for want of room needs none.</summary>
    bool IDispatchReceiver.HasRoom => HasRoom || DropsWhenFull;

    /// <summary>The one place that says whether there is room for the next event.</summary>
    public bool HasRoom => !_delivery.IsFull;

    /// <summary>How much room there is, for those who wait for it.</summary>
    public Room Room => !HasRoom ? Room.None : _delivery.HasRoomAgain ? Room.Enough : Room.Some;

    /// <summary>Events that find no room are taken all the same, dropped and counted (G13).</summary>
    public bool DropsWhenFull { get; set; }

    /// <summary>What outbox and lanes take, in bytes.</summary>
    public long WaitingBytes => _delivery.UsedBytes;

    private Outbox Outbox => _delivery.Outbox;

    /// <summary>Events received from Discord.</summary>
    public long Events { get; private set; }

    /// <summary>Copies of events written for 신경.</summary>
    public long Forwarded { get; private set; }

    /// <summary>Copies that were larger than the outbox may hold (G13).</summary>
    public long Oversized { get; private set; }

    /// <summary>Copies of events that cannot be written in the connection's encoding: nested too deep, or no JSON.</summary>
    public long Unencodable { get; private set; }

    /// <summary>Copies of events that found no room and were dropped (G13).</summary>
    public long LostToFullOutbox { get; private set; }

    public void Receive(Session session, ReadOnlySpan<byte> eventName, long seq, ReadOnlySpan<byte> message)
    {
        Events++;
        bool forwarded = false;
        if (routes.Find(eventName) is { } route)
        {
            if (DropsWhenFull && !HasRoom)
            {
                LostToFullOutbox += route.Copies.Length;
                client.Received(session, seq, forwarded: false);
                return;
            }

            EventIds ids = route.ReadIds(message);
            TranscodeOutcome payload = client.Binary?.EncodePayload(message) ?? TranscodeOutcome.Written;
            foreach (RouteCopy copy in route.Copies)
            {
                forwarded |= IsEncoded(session, copy, ids, seq, payload) && Forward(session, copy, ids, seq, message);
            }

            client.Binary?.ReleasePayload();
        }

        client.Received(session, seq, forwarded);
    }

    /// <summary>Prepares the copy's target too, where the encoding is not JSON.</summary>
    private bool IsEncoded(Session session, RouteCopy copy, in EventIds ids, long seq, TranscodeOutcome payload)
    {
        if (client.Binary is not { } binary || (payload == TranscodeOutcome.Written && binary.TryEncodeTarget(copy, session.ShardId, ids)))
        {
            return true;
        }

        Unencodable++;
        LogUnencodable(
            session.ShardId,
            seq,
            payload == TranscodeOutcome.Malformed ? "it is no JSON" : $"it is nested deeper than {JsonTranscoder.MaximumDepth} levels");
        return false;
    }

    private bool Forward(Session session, RouteCopy copy, in EventIds ids, long seq, ReadOnlySpan<byte> message)
    {
        Span<byte> nonce = stackalloc byte[DispatchWriter.MaximumNonce];
        nonce = nonce[..DispatchWriter.WriteNonce(nonce, session.ShardId, session.Tag, seq, copy.Rule.Index)];
        bool broadcast = copy.Rule.Kind == DispatchKind.Broadcast;
        int payload = client.Binary is { } binary
            ? binary.MeasureDispatch(broadcast, nonce.Length)
            : DispatchWriter.Measure(broadcast, copy.MeasureTarget(session.ShardId, ids), nonce.Length, message.Length);
        int size = FrameWriter.HeaderSize(payload) + payload;
        if (size > Outbox.MaximumFrame)
        {
            Oversized++;
            LogOversized(session.ShardId, seq, size, Outbox.MaximumFrame);
            return false;
        }

        Span<byte> frame = Outbox.Reserve(size);
        int start = FrameWriter.Begin(frame, client.Kind, payload);
        FrameNote note = new()
        {
            ShardId = session.ShardId,
            SessionTag = DispatchNonce.Tag(session.Tag),
            Seq = seq,
            Rule = copy.Rule.Index,
            ReceivedAt = loop.Now,
        };
        if (client.Binary is null)
        {
            int position = start + DispatchWriter.WriteStart(frame[start..], broadcast);
            int target = copy.WriteTarget(session.ShardId, ids, frame[position..]);
            note.Target = TargetHash.Of(frame.Slice(position, target));
            DispatchWriter.WriteRest(frame[(position + target)..], nonce, message);
        }
        else
        {
            note.Target = TargetHash.Of(client.Binary.Target);
            client.Binary.WriteDispatch(frame[start..], broadcast, nonce);
        }

        FrameWriter.End(frame, start, keys.Next());
        _delivery.Add(session, size, note);
        Forwarded++;
        return true;
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Shard {Shard}, seq {Seq}: the event takes {Size} bytes and the outbox takes {Maximum} at most; it is dropped and counted. Raise singyeong.outbox.")]
    private partial void LogOversized(int shard, long seq, int size, long maximum);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Shard {Shard}, seq {Seq}: the event cannot be written in the encoding of singyeongDSN ({Cause}); it is dropped and counted. Use ?encoding=json.")]
    private partial void LogUnencodable(int shard, long seq, string cause);
}
