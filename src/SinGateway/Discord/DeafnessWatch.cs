namespace SinGateway.Discord;

/// <summary>What a shard's silence means.</summary>
internal enum Hearing
{
    /// <summary>As usual, or nobody can tell.</summary>
    Usual,

    /// <summary>Silent for far too long: told once.</summary>
    Deaf,

    /// <summary>Silent for another <see cref="DeafnessWatch.MinimumSilence"/> after that: told once.</summary>
    StillDeaf,
}

/// <summary>
/// Notices a shard whose heartbeats are acknowledged while its events stay away, which Discord's documentation does not know and operators
/// do. It looks once a heartbeat, at a count of events that others keep, and learns how often a look finds something new; from that follows
/// the usual gap. Looks that find something are counted, not events: events come in clumps, and their mean says nothing about the pauses
/// between the clumps. What was counted fades within an hour and the silence itself dilutes it, so that a rate that sinks towards the night
/// takes the usual gap with it; and a silence that ended by itself may come again at up to twice its length (the nights of a small bot). The
/// price: a shard that hears less than about one event in two minutes is never called deaf. Pure; it outlives connections, and only time
/// in which a connection was listened to counts. Mutable: to be kept in a field, never copied.
/// </summary>
internal struct DeafnessWatch
{
    /// <summary>Shorter silences are never called deafness, in ms.</summary>
    public const long MinimumSilence = 600_000;

    /// <summary>Deaf after this many usual gaps.</summary>
    public const int Factor = 10;

    /// <summary>After this time (ms) a look counts for e times less.</summary>
    private const double FadesIn = 3_600_000;

    /// <summary>After this time (ms) the longest silence is remembered as e times shorter: it is learned again every night.</summary>
    private const double ForgottenIn = 7.0 * 24 * 3_600_000;

    /// <summary>A silence must exceed the longest one by this factor.</summary>
    private const int SilenceFactor = 2;

    private double _looks;
    private double _looksWithEvents;
    private double _longestSilence;
    private long _lookedAt;
    private long _events;
    private long _deafAfter;
    private Hearing _said;

    /// <summary>How long nothing has come, in ms of listening.</summary>
    public long Silence { get; private set; }

    /// <summary>Said to be deaf, and no event has come since.</summary>
    public readonly bool IsDeaf => _said != Hearing.Usual;

    /// <summary>Between two events, as far as one look a heartbeat can tell, in ms; 0 when next to nothing was heard lately.</summary>
    /// <param name="interval">Between heartbeats, in ms.</param>
    public readonly long UsualGap(long interval) => _looksWithEvents >= 1 ? (long)(interval * _looks / _looksWithEvents) : 0;

    /// <summary>
    /// A heartbeat was acknowledged, so everything that Discord sent before its ack has been read. Acks that come sooner than half a beat
    /// after the last look, as those that opcode 1 brings, are passed over.
    /// </summary>
    /// <param name="events">Events that came so far, over all connections; READY and RESUMED are none.</param>
    /// <param name="interval">Between heartbeats, in ms.</param>
    /// <param name="now">ms of a monotonic clock.</param>
    public Hearing Acknowledged(long events, long interval, long now)
    {
        long elapsed = now - _lookedAt;
        if (elapsed < (interval + 1) / 2)
        {
            return Hearing.Usual;
        }

        // More than two beats without an ack: there was no connection, or nobody read from it. That is not the silence of Discord.
        elapsed = elapsed > 2 * interval ? interval : elapsed;
        bool heard = events != _events;
        _lookedAt = now;
        _events = events;
        double fading = Math.Exp(-elapsed / FadesIn);
        _looks = (_looks * fading) + 1;
        _looksWithEvents = (_looksWithEvents * fading) + (heard ? 1 : 0);
        _longestSilence *= Math.Exp(-elapsed / ForgottenIn);
        if (heard)
        {
            EndSilence();
            return Hearing.Usual;
        }

        Silence += elapsed;
        return Judge(UsualGap(interval));
    }

    /// <summary>
    /// A silence that ended by itself is learned. One that ended right after the shard was called deaf was ended by what was done about it.
    /// </summary>
    private void EndSilence()
    {
        if (_said != Hearing.Deaf)
        {
            _longestSilence = Math.Max(_longestSilence, Silence);
        }

        Silence = 0;
        _said = Hearing.Usual;
    }

    private Hearing Judge(long usualGap)
    {
        switch (_said)
        {
            case Hearing.Usual when usualGap > 0 && Silence >= MinimumSilence && Silence >= Factor * usualGap && Silence >= SilenceFactor * _longestSilence:
                _deafAfter = Silence;
                return _said = Hearing.Deaf;
            case Hearing.Deaf when Silence >= _deafAfter + MinimumSilence:
                return _said = Hearing.StillDeaf;
            default:
                return Hearing.Usual;
        }
    }
}
