using Microsoft.Extensions.Logging;
using SinGateway.Discord;
using SinGateway.Forwarding;
using SinGateway.Loop;
using SinGateway.Sessions;
using SinGateway.Singyeong;
using SinGateway.Spooling;
using SinGateway.WebSockets;

namespace SinGateway;

/// <summary>
/// Where an event changes sides: finds the rules of its name and writes one finished frame for each into the outbox, around the bytes that
/// Discord sent, or around them in the encoding of the connection. Allocates nothing for a name seen before. Belongs to the loop's thread.
/// </summary>
/// <param name="loop">Of the connection.</param>
/// <param name="routes">Of the loop, at first.</param>
/// <param name="client">The connection.</param>
/// <param name="keys">Of the loop.</param>
/// <param name="logger">Told of what cannot be forwarded.</param>
/// <param name="spool">Takes what the outbox has no room for; null without one.</param>
internal sealed partial class Forwarder(
    EventLoop loop, RouteTable routes, SingyeongClient client, MaskingKeys keys, ILogger logger, SpoolFeed? spool = null) : IDispatchReceiver, ISpoolOutlet
{
    /// <summary>In place of a number of copies: no rule takes the event.</summary>
    private const int NoRule = -1;

    private readonly Delivery _delivery = client.Delivery;
    private bool _saidOutdated;

    /// <summary>What is dropped for want of room needs none.</summary>
    bool IDispatchReceiver.HasRoom => HasRoom || DropsWhenFull;

    /// <summary>What goes where, from the next event on; what waits in the spool goes by it too.</summary>
    public RouteTable Routes { get; set; } = routes;

    /// <summary>The one place that says whether there is room for the next event: in the outbox, or in the spool.</summary>
    public bool HasRoom => spool?.HasRoom ?? !_delivery.IsFull;

    public bool HasSpool => spool is not null;

    bool ISpoolOutlet.HasRoom => !_delivery.IsFull;

    long ISpoolOutlet.MaximumEvent => Outbox.MaximumFrame;

    /// <summary>How much room there is, for those who wait for it.</summary>
    public Room Room => !HasRoom ? Room.None : HasSpool || _delivery.HasRoomAgain ? Room.Enough : Room.Some;

    /// <summary>Events that find no room are taken all the same, dropped and counted (G13).</summary>
    public bool DropsWhenFull { get; set; }

    /// <summary>Another generation forwards: events are settled as they come (G23).</summary>
    public bool IsMuted { get; set; }

    /// <summary>What outbox and lanes take, in bytes.</summary>
    public long WaitingBytes => _delivery.UsedBytes;

    private Outbox Outbox => _delivery.Outbox;

    /// <summary>Events received from Discord.</summary>
    public long Events { get; private set; }

    /// <summary>Copies of events written for 신경.</summary>
    public long Forwarded { get; private set; }

    /// <summary>The same by rule.</summary>
    public RuleCounts ForwardedByRule { get; } = new();

    /// <summary>Copies that were larger than the outbox may hold (G13).</summary>
    public long Oversized { get; private set; }

    /// <summary>Copies of events that cannot be written in the connection's encoding: nested too deep, or no JSON.</summary>
    public long Unencodable { get; private set; }

    /// <summary>Copies in the spool whose rule does not take the event any more, since the configuration has changed.</summary>
    public long Outdated { get; private set; }

    /// <summary>Copies of events that found no room and were dropped (G13).</summary>
    public long LostToFullOutbox { get; private set; }

    public void Receive(Session session, ReadOnlySpan<byte> eventName, long seq, ReadOnlySpan<byte> message)
    {
        Events++;
        bool forwarded = false;
        if (Routes.Take(eventName) is { } route && !IsMuted)
        {
            if (DropsWhenFull && !HasRoom)
            {
                LostToFullOutbox += route.Copies.Length;
            }
            else if (spool is null || !spool.Takes(this))
            {
                forwarded = Forward(new EventOrigin(session, seq, loop.Now), route, SpoolFeed.EveryRule, message) > 0;
            }
            else if (!spool.Put(this, session, seq, message))
            {
                Oversized++;
            }
        }

        client.Received(session, seq, forwarded);
    }

    public int Forward(in SpoolRecord record)
    {
        int copies = Forward(null, record);
        if (copies > 0)
        {
            client.Added();
        }

        return copies;
    }

    public void ForwardLate(Session session, in SpoolRecord record)
    {
        Forward(session, record);
        client.Added();
    }

    private int Forward(Session? session, in SpoolRecord record)
    {
        EventOrigin origin = new(session, record, loop.UnixNow - record.ReceivedAt, loop.Now);
        int copies = GatewayMessage.TryRead(record.Payload, out GatewayMessage message) && Routes.Find(message.EventName) is { } route
            ? Forward(origin, route, record.RuleIndex, record.Payload)
            : NoRule;
        if (copies != NoRule)
        {
            return copies;
        }

        if (record.RuleIndex != SpoolFeed.EveryRule)
        {
            Outdated++;
            if (!_saidOutdated)
            {
                _saidOutdated = true;
                LogOutdated(record.ShardId, record.Seq, record.RuleIndex);
            }
        }

        return 0;
    }

    /// <summary>One copy for each rule of the route, or for <paramref name="rule"/> alone; answers how many, or <see cref="NoRule"/>.</summary>
    private int Forward(in EventOrigin origin, Route route, int rule, ReadOnlySpan<byte> message)
    {
        int copies = NoRule;
        EventIds ids = route.ReadIds(message);
        TranscodeOutcome payload = client.Binary?.EncodePayload(message) ?? TranscodeOutcome.Written;
        foreach (RouteCopy copy in route.Copies)
        {
            if (rule == SpoolFeed.EveryRule || rule == copy.Rule.Index)
            {
                bool isForwarded = IsEncoded(origin, copy, ids, payload) && Forward(origin, copy, ids, message);
                copies = Math.Max(copies, 0) + (isForwarded ? 1 : 0);
            }
        }

        client.Binary?.ReleasePayload();
        return copies;
    }

    /// <summary>Prepares the copy's target too, where the encoding is not JSON.</summary>
    private bool IsEncoded(in EventOrigin origin, RouteCopy copy, in EventIds ids, TranscodeOutcome payload)
    {
        if (client.Binary is not { } binary || (payload == TranscodeOutcome.Written && binary.TryEncodeTarget(copy, origin.ShardId, ids)))
        {
            return true;
        }

        Unencodable++;
        LogUnencodable(
            origin.ShardId,
            origin.Seq,
            payload == TranscodeOutcome.Malformed ? "it is no JSON" : $"it is nested deeper than {JsonTranscoder.MaximumDepth} levels");
        return false;
    }

    private bool Forward(in EventOrigin origin, RouteCopy copy, in EventIds ids, ReadOnlySpan<byte> message)
    {
        Span<byte> nonce = stackalloc byte[DispatchWriter.MaximumNonce];
        nonce = nonce[..DispatchWriter.WriteNonce(nonce, origin.ShardId, origin.SessionTag, origin.Seq, copy.Rule.Index)];
        bool broadcast = copy.Rule.Kind == DispatchKind.Broadcast;
        int payload = client.Binary is { } binary
            ? binary.MeasureDispatch(broadcast, nonce.Length)
            : DispatchWriter.Measure(broadcast, copy.MeasureTarget(origin.ShardId, ids), nonce.Length, message.Length);
        int size = FrameWriter.HeaderSize(payload) + payload;
        FrameNote note = new()
        {
            ShardId = origin.ShardId,
            SessionTag = DispatchNonce.Tag(origin.SessionTag),
            Seq = origin.Seq,
            Rule = copy.Rule.Index,
            ReceivedAt = origin.ReceivedAt,
            SpoolNumber = origin.SpoolNumber,
        };
        if (size > Outbox.MaximumFrame)
        {
            Oversized++;
            bool isKept = spool?.SetAside(note, message, $"larger than half of singyeong.outbox ({size} bytes)") == true;
            LogOversized(origin.ShardId, origin.Seq, size, Outbox.MaximumFrame, isKept ? "kept in the spool's poison directory" : "dropped");
            return false;
        }

        Span<byte> frame = Outbox.Reserve(size);
        int start = FrameWriter.Begin(frame, client.Kind, payload);
        if (client.Binary is null)
        {
            int position = start + DispatchWriter.WriteStart(frame[start..], broadcast);
            int target = copy.WriteTarget(origin.ShardId, ids, frame[position..]);
            note.Target = TargetHash.Of(frame.Slice(position, target));
            DispatchWriter.WriteRest(frame[(position + target)..], nonce, message);
        }
        else
        {
            note.Target = TargetHash.Of(client.Binary.Target);
            client.Binary.WriteDispatch(frame[start..], broadcast, nonce);
        }

        FrameWriter.End(frame, start, keys.Next());
        long end = Outbox.End;
        if (origin.IsLate)
        {
            _delivery.AddLate(origin.Session!, size, note);
        }
        else
        {
            _delivery.Add(origin.Session, size, note);
        }

        if (Outbox.End != end)
        {
            client.Times.Added(Outbox.End, loop.TimestampAt(origin.ReceivedAt));
        }

        Forwarded++;
        ForwardedByRule.Count(copy.Rule.Index);
        return true;
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Shard {Shard}, seq {Seq}: the event takes {Size} bytes and the outbox takes {Maximum} at most; it is {Fate} and counted. Raise singyeong.outbox.")]
    private partial void LogOversized(int shard, long seq, int size, long maximum, string fate);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Shard {Shard}, seq {Seq}: it waited in the spool for rule {Rule}, which does not take it any more; it is dropped, as are others like it, and counted")]
    private partial void LogOutdated(int shard, long seq, int rule);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Shard {Shard}, seq {Seq}: the event cannot be written in the encoding of singyeongDSN ({Cause}); it is dropped and counted. Use ?encoding=json.")]
    private partial void LogUnencodable(int shard, long seq, string cause);
}
