using Microsoft.Extensions.Logging;
using SinGateway.Sessions;

namespace SinGateway.Singyeong;

/// <summary>What comes back: it waits in its lane, moves to the spool when that takes long, and flows again or expires (G9).</summary>
internal sealed partial class Delivery
{
    /// <summary>How old a held message gets before it moves to the spool, in ms since receipt (G9).</summary>
    public const int MovesToSpoolAfter = 10_000;

    /// <summary>How long the spool is left alone after it had no room, in ms.</summary>
    private const int SpoolRetry = 100;

    /// <summary>Held messages that are in no spool, in the order in which they came to wait; some have left their lane.</summary>
    private readonly Queue<HeldDispatch> _young = new();

    private long _spoolAt;

    /// <summary>
    /// Copies a held message to a spool that may commit and answers its number there, 0 when there is no room now, or -1 when there never is.
    /// Null without such a spool.
    /// </summary>
    public Func<HeldDispatch, long>? TrySpool { get; set; }

    /// <summary>When there is something to do without an answer from the server, in the loop's ms; null when never.</summary>
    public long? NextDue => Lanes.NextDue() is { } due ? TrySpool is null ? due : Math.Min(due, NextMove()) : null;

    /// <summary>A dispatch came back because nobody takes it: it waits, or is dropped and counted.</summary>
    public unsafe void ComeBack(in DispatchNonce nonce)
    {
        if (_probe.Kind == ProbeKind.Lane && _probe.Lane!.First!.Note.Is(nonce))
        {
            _probe.IsRefused = true;
            return;
        }

        // The server may say what it likes.
        FrameNote* note = Outbox.Find(nonce);
        _unroutedByRule.Count(note is null ? Math.Clamp(nonce.Rule, 0, _policies.Count - 1) : note->Rule);
        if (note is null || !_policies[*note].Holds)
        {
            Unrouted++;
        }
        else
        {
            Hold(note);
        }
    }

    /// <summary>A client of <paramref name="application"/> has connected: what waits for it may be tried.</summary>
    public void ReceiverConnected(string application) => Lanes.ReceiverConnected(application, _now());

    /// <summary>Drops what has waited for longer than its rule allows; returns how many.</summary>
    public int Expire()
    {
        int expired = 0;
        Lanes.TakeExpired(_now(), _probe.Lane, dispatch =>
        {
            Settle(dispatch);
            expired++;
        });
        Expired += expired;
        return expired;
    }

    /// <summary>What has waited for ten seconds goes to the spool, as far as that has room, and no longer keeps its session from being committed.</summary>
    public void SpoolAged()
    {
        while (TrySpool is not null && _young.TryPeek(out HeldDispatch? held))
        {
            if (!held.IsGone)
            {
                if (held.Note.ReceivedAt + MovesToSpoolAfter > _now() || _now() < _spoolAt)
                {
                    return;
                }

                long number = TrySpool(held);
                if (number == 0)
                {
                    _spoolAt = _now() + SpoolRetry;
                    return;
                }

                if (number > 0)
                {
                    held.MoveToSpool(number);
                }
            }

            _young.Dequeue();
        }
    }

    private long NextMove() => _young.TryPeek(out HeldDispatch? held)
        ? Math.Max(held.Note.ReceivedAt + MovesToSpoolAfter, _spoolAt)
        : _now() + MovesToSpoolAfter;

    /// <summary>The server failed on the lane's first message: as it does when there is still nobody for it, or for a reason of its own.</summary>
    private void Blame(Lane lane, LossCause cause)
    {
        if (cause == LossCause.ServerFailed && lane.CostsConnection)
        {
            lane.Refused(_now());
        }
        else if (lane.First!.Strike() >= MaximumStrikes)
        {
            HeldDispatch poison = Lanes.TakeFirst(lane);
            SetAsPoison(poison.Note, poison.Frame);
            Settle(poison);
        }
    }

    /// <summary>Somebody takes the lane's messages again: they go behind what is on its way, in their order.</summary>
    private void Release(Lane lane)
    {
        LogFlows(lane.Application, lane.Count + 1);
        while (lane.Count > 0)
        {
            HeldDispatch dispatch = Lanes.TakeFirst(lane);
            dispatch.Frame.CopyTo(Outbox.Reserve(dispatch.Frame.Length));
            Append(dispatch.Frame.Length, dispatch.Note);
            if (dispatch.Session is { } session)
            {
                _released.Add(Outbox.End, session, dispatch.Note);
            }

            dispatch.Forget();
        }

        Barriers.Begin(Outbox.End);
    }

    /// <summary>The frame waits in its lane from now on, and with it those of the lane that were not sent yet.</summary>
    private unsafe void Hold(FrameNote* first)
    {
        UnroutedPolicy policy = _policies[*first];
        ulong target = first->Target;
        if (Lanes.Find(target) is not { } lane)
        {
            lane = Lanes.Begin(target, policy.Application, policy.CostsConnection, _now());
            LogHolds(policy.Application, first->Rule, policy.HoldFor / 1000.0);
        }

        Move(lane, first);
        Outbox.VisitFrom(Math.Max(Outbox.NextBoundary(), _offeredEnd), note =>
        {
            if (note->Target == target && _policies[*note].Holds)
            {
                Move(lane, note);
            }
        });
    }

    private unsafe void Move(Lane lane, FrameNote* note)
    {
        bool isSpooled = note->SpoolNumber > 0;
        Session? session = isSpooled ? null : _released.TakeBack(*note) ?? Barriers.SessionOf(note->ShardId, note->SessionTag);
        Hold(lane, *note, Outbox.BytesOf(note), session);
        Outbox.Remove(note);
        _copiesOfSpooled -= isSpooled ? 1 : 0;
    }

    private void Hold(Lane lane, in FrameNote note, ReadOnlySpan<byte> frame, Session? session)
    {
        HeldDispatch held = Lanes.Hold(lane, note, frame, session, _policies[note].HoldFor);
        if (TrySpool is not null && session is not null)
        {
            _young.Enqueue(held);
        }
    }

    /// <summary>What waited was taken, or is given up.</summary>
    private void Settle(HeldDispatch dispatch)
    {
        dispatch.Session?.Settle(dispatch.Note.Seq, dispatch.Note.Rule);
        if (dispatch.Note.SpoolNumber > 0)
        {
            CopySettled?.Invoke(dispatch.Note.SpoolNumber);
        }

        dispatch.Forget();
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "신경 finds no receiver in application {Application} for a target of rule {Rule}: its events wait, each for {Seconds} s at most (holdFor), and are sent when a worker takes them")]
    private partial void LogHolds(string application, int rule, double seconds);

    [LoggerMessage(Level = LogLevel.Information, Message = "A worker of application {Application} takes events again: {Count} had waited")]
    private partial void LogFlows(string application, int count);
}
