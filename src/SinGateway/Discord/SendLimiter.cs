namespace SinGateway.Discord;

/// <summary>
/// Keeps one connection within Discord's limits of sending: 120 messages in 60 seconds, heartbeats and IDENTIFY included, else Discord closes
/// with 4008 (https://docs.discord.com/developers/events/gateway#rate-limiting), and 5 presences in 20 seconds. A sliding-window log, because
/// windows that start anew by the clock let twice the limit pass around their edge. Some places in the window are reserved: for the
/// heartbeats of HELLO's interval and the one IDENTIFY or RESUME, so that no command can make one late; and a few more for answers to
/// opcode 1, which may use everything but the first reserve. Pure; about 110 bytes for a shard that only beats.
/// </summary>
internal sealed class SendLimiter
{
    /// <summary>Messages in <see cref="Window"/>.</summary>
    public const int Limit = 120;

    /// <summary>Discord's 60 seconds and room for what the network adds to one message and not to the next, in ms.</summary>
    public const long Window = 60_000 + Padding;

    /// <summary>Presences in <see cref="PresenceWindow"/> (https://docs.discord.com/developers/events/gateway-events#update-presence).</summary>
    public const int PresenceLimit = 5;

    /// <summary>20 seconds, with the same room, in ms.</summary>
    public const long PresenceWindow = 20_000 + Padding;

    /// <summary>Places that commands leave to answers to opcode 1; all that such answers may use before HELLO has come.</summary>
    public const int ReplyReserve = 3;

    private const int MinimumBeats = 3;
    private const long Padding = 500;

    private SendLog _sends;
    private SendLog _presences;

    /// <summary>How many of <see cref="_sends"/> are marked: neither heartbeats nor the handshake.</summary>
    private int _others;

    /// <summary>Places for heartbeats and the handshake. Before HELLO nobody knows how many heartbeats there will be.</summary>
    private int _reserve = Limit - ReplyReserve;

    /// <summary>
    /// Reserves as many places as heartbeats of this interval (ms) can fall into a window, and one for the handshake. Below about half a
    /// second the limit has no room for all of them: then they go as it allows.
    /// </summary>
    public void SetHeartbeatInterval(int interval)
    {
        long beats = Math.Max(MinimumBeats, ((Window + interval - 1) / interval) + 1);
        _reserve = (int)Math.Min(beats + 1, Limit - (2 * ReplyReserve));
    }

    /// <summary>
    /// 0 when the message may go now, and then it is counted as sent; else the milliseconds until it may, if nothing else is sent before.
    /// </summary>
    /// <param name="kind">What it is.</param>
    /// <param name="now">ms of a monotonic clock.</param>
    public long Take(SendKind kind, long now)
    {
        while (_sends.Count > 0 && _sends.At(0) is var (time, isOther) && time <= now - Window)
        {
            _sends.RemoveFirst();
            _others -= isOther ? 1 : 0;
        }

        while (_presences.Count > 0 && _presences.At(0).Time <= now - PresenceWindow)
        {
            _presences.RemoveFirst();
        }

        long freeAt = FreeAt(kind, now);
        if (freeAt > now)
        {
            return freeAt - now;
        }

        bool isMarked = kind is not (SendKind.Heartbeat or SendKind.Handshake);
        _sends.Add(now, isMarked);
        _others += isMarked ? 1 : 0;
        if (kind == SendKind.Presence)
        {
            _presences.Add(now, isMarked);
        }

        return 0;
    }

    private long FreeAt(SendKind kind, long now)
    {
        long freeAt = _sends.Count < Limit ? now : _sends.At(_sends.Count - Limit).Time + Window;
        if (kind is SendKind.Heartbeat or SendKind.Handshake)
        {
            return freeAt;
        }

        int limit = Limit - _reserve - (kind == SendKind.Reply ? 0 : ReplyReserve);
        freeAt = Math.Max(freeAt, OthersBelow(limit, now));
        return kind == SendKind.Presence && _presences.Count >= PresenceLimit
            ? Math.Max(freeAt, _presences.At(0).Time + PresenceWindow)
            : freeAt;
    }

    /// <summary>When fewer than <paramref name="limit"/> messages of the other kinds will be in the window.</summary>
    private long OthersBelow(int limit, long now)
    {
        int leaving = _others - limit;
        if (leaving < 0)
        {
            return now;
        }

        for (int i = 0; i < _sends.Count; i++)
        {
            (long time, bool isOther) = _sends.At(i);
            if (isOther && leaving-- == 0)
            {
                return time + Window;
            }
        }

        // No place at all for this kind, as before HELLO for commands: it may ask again.
        return now + Window;
    }
}
