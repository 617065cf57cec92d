using Microsoft.Extensions.Logging;
using SinGateway.Sessions;

namespace SinGateway.Singyeong;

/// <summary>
/// What is to be sent next to one 신경, and what is proven to have been processed: the outbox with its barriers, the lanes that hold (G9), and
/// the search for a message that kills connections (G11). It knows no socket: its owner asks for the next piece, says what was sent, and tells
/// every answer and every loss. Belongs to the loop's thread.
/// </summary>
/// <remarks>
/// It streams: many frames a write, a heartbeat behind each barrier. Two things are sent alone instead, each with a heartbeat behind it and
/// nothing else in flight, so that what follows can only be about them: the first message of a lane whose retry is due, and, after the server
/// failed (1011), every frame that it might have failed on.
/// </remarks>
internal sealed partial class Delivery : IDisposable
{
    /// <summary>How often a message may make the server fail before it is set aside (G11).</summary>
    public const int MaximumStrikes = 3;

    private readonly RulePolicies _policies;
    private readonly RuleCounts _unroutedByRule = new();
    private readonly long _limit;
    private readonly Func<long> _now;
    private readonly ILogger _logger;

    private readonly ReleasedDispatches _released = new();

    private readonly Outbox.FrameVisitor _settleCopy;

    /// <summary>Unconfirmed frames in the outbox that are from the spool.</summary>
    private int _copiesOfSpooled;

    /// <summary>Frames before it may be what the server failed on.</summary>
    private long _suspectEnd;

    /// <summary>Where the stream stops so that something can be sent alone; null while it flows.</summary>
    private long? _drainEnd;

    private Probe _probe;

    /// <summary>
    /// Frames before it were offered to a socket that was full: TLS demands the very same bytes again, so they are neither taken out nor
    /// overtaken.
    /// </summary>
    private long _offeredEnd;

    private bool _isBlocked;

    /// <param name="limit">What outbox and lanes may take together, in bytes (G13).</param>
    /// <param name="policies">By rule.</param>
    /// <param name="now">The loop's ms.</param>
    /// <param name="logger">Told when a lane begins to hold and when it flows again.</param>
    /// <param name="maximumFrame">The largest that is taken, in bytes; half of the limit unless the limit is a part of something larger.</param>
    public Delivery(long limit, UnroutedPolicy[] policies, Func<long> now, ILogger logger, long? maximumFrame = null)
    {
        _logger = logger;
        _limit = limit;
        _policies = new RulePolicies(policies);
        _now = now;
        Outbox = new Outbox(maximumFrame ?? limit / 2);
        unsafe
        {
            _settleCopy = note => SettleCopy(note->SpoolNumber);
        }
    }

    private enum Course
    {
        Stream,
        Probe,

        /// <summary>For answers to what is in flight.</summary>
        Wait,
    }

    public Outbox Outbox { get; }

    public Barriers Barriers { get; } = new();

    public Lanes Lanes { get; } = new();

    /// <summary>Dispatches that came back and were dropped by policy (G10).</summary>
    public long Unrouted { get; private set; }

    /// <summary>Dispatches that came back, by rule, whether they then waited or were dropped; retries of a lane do not count.</summary>
    public RuleCounts UnroutedByRule => _unroutedByRule;

    /// <summary>What <see cref="UsedBytes"/> may be.</summary>
    public long Limit => _limit;

    /// <summary>Dispatches that waited for longer than <c>holdFor</c>.</summary>
    public long Expired { get; private set; }

    /// <summary>Dispatches that were set aside because the server fails on them.</summary>
    public long Poisonous { get; private set; }

    /// <summary>A message was given up as poison: its note and its frame, both borrowed.</summary>
    public event SetAside? Poisoned;

    public delegate void SetAside(in FrameNote note, ReadOnlySpan<byte> frame);

    /// <summary>A copy of the spool's record of this number is settled (G1).</summary>
    public event Action<long>? CopySettled;

    /// <summary>What outbox and lanes take, in bytes.</summary>
    public long UsedBytes => Outbox.ReservedBytes + Lanes.Bytes;

    /// <summary>What is on its way or waits, in bytes.</summary>
    public long UnconfirmedBytes => Outbox.End - Outbox.Confirmed + Lanes.Bytes;

    public bool IsFull => UsedBytes >= _limit;

    /// <summary>True while less than three quarters are in use: the mark at which who waited for room goes on.</summary>
    public bool HasRoomAgain => UsedBytes <= _limit / 4 * 3;

    /// <summary>True when nothing that is on its way is left to be confirmed; lanes may hold.</summary>
    public bool IsConfirmed => Barriers.IsSettled && _released.IsEmpty && Outbox.Confirmed == Outbox.End;

    /// <summary>True when something arrived that no barrier covers.</summary>
    public bool IsBarrierDue => Barriers.IsDue || Outbox.End > Barriers.LastPosition;

    /// <summary>
    /// The frame that was written into <see cref="Outbox.Reserve"/>'s room goes on its way, or, when its lane holds, waits behind those before
    /// it.
    /// </summary>
    /// <param name="session">Of the event, to be covered by the next barrier; null when the note names a record of the spool.</param>
    /// <param name="size">Of the frame, in bytes.</param>
    /// <param name="note">But for its place.</param>
    public void Add(Session? session, int size, in FrameNote note)
    {
        FrameNote placed = note;
        placed.Policies = _policies.Current;
        UnroutedPolicy policy = _policies[placed];
        if (policy.Holds && Lanes.Find(note.Target) is { } lane)
        {
            placed.Start = Outbox.End;
            Hold(lane, placed, Outbox.Reserve(size), session);
            return;
        }

        Append(size, placed);
    }

    /// <summary>As <see cref="Add"/>, for an event that barriers may have passed while it waited inside: it is settled by itself.</summary>
    public void AddLate(Session session, int size, in FrameNote note)
    {
        session.Hold(note.Seq, note.Rule);
        long end = Outbox.End;
        Add(session, size, note);
        if (Outbox.End > end)
        {
            _released.Add(Outbox.End, session, note);
        }
    }

    /// <summary>
    /// Dispatches that are added from now on have these policies, by rule; those before keep theirs. False when too many former ones are in use.
    /// </summary>
    public bool TryUse(UnroutedPolicy[] policies) => _policies.TryReplace(policies, Outbox, Lanes);

    /// <summary>
    /// What is to be written now: bytes, a heartbeat, or nothing for now. Asked again after each <see cref="MarkSent"/> and
    /// <see cref="MarkHeartbeat"/>.
    /// </summary>
    /// <param name="bytes">Of finished frames; the write may take a part.</param>
    /// <param name="stopAtBoundary">Bytes of one frame at most, since something else waits to be sent between two.</param>
    public unsafe DeliveryPiece Next(out ReadOnlySpan<byte> bytes, bool stopAtBoundary)
    {
        bytes = default;
        switch (_probe.Kind != ProbeKind.None ? Course.Probe : _isBlocked ? Course.Stream : Decide())
        {
            case Course.Stream:
                return NextOfStream(out bytes, stopAtBoundary);
            case Course.Wait:
                return DeliveryPiece.Nothing;
        }

        bytes = _probe.Kind == ProbeKind.Lane ? _probe.Lane!.First!.Frame.AsSpan(_probe.Sent) : Outbox.Unsent(_probe.End);
        return !bytes.IsEmpty ? DeliveryPiece.Frames : _probe.HasHeartbeat ? DeliveryPiece.Nothing : DeliveryPiece.Heartbeat;
    }

    /// <summary>True between two frames, where a control frame may be sent.</summary>
    public bool IsAtBoundary => _probe.Kind == ProbeKind.Lane
        ? _probe.Sent == 0 || _probe.Sent == _probe.Lane!.First!.Frame.Length
        : Outbox.NextBoundary() == Outbox.Sent;

    /// <summary>The socket took nothing of <paramref name="offered"/> bytes and is to be offered the same again.</summary>
    public void MarkBlocked(int offered)
    {
        _isBlocked = true;
        if (_probe.Kind != ProbeKind.Lane)
        {
            _offeredEnd = Math.Max(_offeredEnd, Outbox.Sent + offered);
        }
    }

    public void MarkSent(int count)
    {
        _isBlocked = false;
        if (_probe.Kind == ProbeKind.Lane)
        {
            _probe.Sent += count;
        }
        else
        {
            Outbox.MarkSent(count);
        }
    }

    public void MarkHeartbeat()
    {
        if (_probe.Kind == ProbeKind.None)
        {
            Barriers.MarkSent();
        }
        else
        {
            _probe.HasHeartbeat = true;
        }
    }

    /// <summary>A heartbeat was acknowledged: everything before it was processed. False when none was sent.</summary>
    public bool Acknowledge()
    {
        long position;
        if (_probe is { Kind: not ProbeKind.None, HasHeartbeat: true })
        {
            position = EndProbe();
        }
        else if (Barriers.Acknowledge() is { } reached)
        {
            position = reached;
        }
        else
        {
            return false;
        }

        if (_copiesOfSpooled > 0)
        {
            Outbox.VisitFrom(Outbox.Confirmed, _settleCopy, position);
        }

        Outbox.Confirm(position);
        _released.Settle(position);
        return true;
    }

    /// <summary>
    /// The connection is gone; everything unconfirmed is to be sent again. When a message was the cause, what it may have been is sent one by
    /// one; when it can only have been one, that one pays for it.
    /// </summary>
    public unsafe void Lose(LossCause cause)
    {
        _isBlocked = false;
        _offeredEnd = 0;
        if (cause != LossCause.Connection && _probe.Kind == ProbeKind.Lane)
        {
            if (_probe.Sent == _probe.Lane!.First!.Frame.Length)
            {
                Blame(_probe.Lane, cause);
            }
        }
        else if (cause != LossCause.Connection)
        {
            FrameNote* first = Outbox.FirstFrom(Outbox.Confirmed);
            bool wasAlone = first is not null && Outbox.Sent == first->End;
            _suspectEnd = Math.Max(_suspectEnd, Outbox.NextBoundary());
            if (wasAlone)
            {
                Outbox.Rewind();
                Blame(first, cause);
            }
        }

        _probe = default;
        _drainEnd = null;
        Outbox.Rewind();
        Barriers.Rewind();
    }

    public void Dispose() => Outbox.Dispose();

    /// <summary>The stream: up to the next barrier, then its heartbeat, then on; while something is to be sent alone, up to where it stops.</summary>
    private DeliveryPiece NextOfStream(out ReadOnlySpan<byte> bytes, bool stopAtBoundary)
    {
        long? barrier = Barriers.NextUnsent();
        long end = barrier ?? Outbox.End;
        bytes = Outbox.Unsent(stopAtBoundary ? Math.Min(end, Outbox.NextBoundary()) : end);
        if (!bytes.IsEmpty)
        {
            return DeliveryPiece.Frames;
        }

        return barrier == Outbox.Sent ? DeliveryPiece.Heartbeat : DeliveryPiece.Nothing;
    }

    private Course Decide()
    {
        if (Outbox.Confirmed < _suspectEnd)
        {
            // A barrier of the stream that lies here is sent as it would be, and answered before the next frame.
            if (Barriers.Sent > 0)
            {
                return Course.Wait;
            }

            if (Barriers.NextUnsent() == Outbox.Sent)
            {
                return Course.Stream;
            }

            BeginSuspect();
            if (_probe.Kind != ProbeKind.None)
            {
                return Course.Probe;
            }
        }

        if (Lanes.Due(_now()) is not { } lane)
        {
            _drainEnd = null;
            return Course.Stream;
        }

        if (Barriers.Sent == 0 && Outbox.Sent == Outbox.Confirmed)
        {
            _drainEnd = null;
            lane.Try();
            _probe = new Probe { Kind = ProbeKind.Lane, Lane = lane };
            return Course.Probe;
        }

        // What is in flight is answered first: up to the next barrier, which is begun when there is none.
        if (_drainEnd is null)
        {
            if (Barriers.NextUnsent() is null && Outbox.Sent > Barriers.LastPosition)
            {
                Barriers.Begin(Outbox.End);
            }

            _drainEnd = Barriers.NextUnsent() ?? Outbox.Sent;
        }

        return Outbox.Sent >= _drainEnd && Barriers.NextUnsent() != _drainEnd ? Course.Wait : Course.Stream;
    }

    private unsafe void BeginSuspect()
    {
        FrameNote* suspect = Outbox.FirstFrom(Outbox.Sent);
        if (suspect is null || suspect->Start >= _suspectEnd)
        {
            _suspectEnd = Outbox.Confirmed;
        }
        else
        {
            _probe = new Probe { Kind = ProbeKind.Suspect, End = Math.Min(suspect->End, Barriers.NextUnsent() ?? long.MaxValue) };
        }
    }

    /// <summary>The probe's heartbeat was acknowledged. Returns the position that is confirmed by it.</summary>
    private long EndProbe()
    {
        Probe probe = _probe;
        _probe = default;
        if (probe.Kind == ProbeKind.Suspect)
        {
            return probe.End;
        }

        if (probe.IsRefused)
        {
            probe.Lane!.Refused(_now());
        }
        else
        {
            Settle(Lanes.TakeFirst(probe.Lane!));
            Release(probe.Lane!);
        }

        return Outbox.Confirmed;
    }

    /// <summary>The server failed on this frame: as it does when nobody matches a target with ops, or for a reason of its own.</summary>
    private unsafe void Blame(FrameNote* note, LossCause cause)
    {
        UnroutedPolicy policy = _policies[*note];
        if (cause == LossCause.ServerFailed && policy is { Holds: true, CostsConnection: true })
        {
            _unroutedByRule.Count(note->Rule);
            Hold(note);
        }
        else if (++note->Strikes >= MaximumStrikes)
        {
            SetAsPoison(*note, Outbox.BytesOf(note));
            Outbox.Remove(note);
            SettleCopy(note->SpoolNumber);
        }
    }

    private void SetAsPoison(in FrameNote note, ReadOnlySpan<byte> frame)
    {
        Poisonous++;
        Poisoned?.Invoke(note, frame);
    }

    private void Append(int size, in FrameNote note)
    {
        Outbox.Append(size, note);
        _copiesOfSpooled += note.SpoolNumber > 0 ? 1 : 0;
    }

    /// <summary>A frame in the outbox is done with.</summary>
    private void SettleCopy(long spoolNumber)
    {
        if (spoolNumber > 0)
        {
            _copiesOfSpooled--;
            CopySettled?.Invoke(spoolNumber);
        }
    }
}
