namespace SinGateway.Singyeong;

/// <summary>How much room there is for events.</summary>
internal enum Room
{
    None,

    /// <summary>For some, but whoever waits for room waits on.</summary>
    Some,

    /// <summary>Enough to go on after there was none: a quarter.</summary>
    Enough,
}

/// <summary>What the shards of a 신경 connection do about the room for their events.</summary>
internal enum PressurePhase
{
    /// <summary>They read.</summary>
    Flowing,

    /// <summary>There was no room: they do not read, and keep their connections.</summary>
    Full,

    /// <summary>They have closed their connections and keep their sessions.</summary>
    Closed,

    /// <summary>They read, and what finds no room is dropped and counted.</summary>
    Dropping,
}

/// <summary>
/// What the shards of one 신경 connection do while there is no room for their events (G13), as a pure function of the room and the time:
/// they do not read for a short while, then close and keep their sessions for a minute, and then <see cref="WhenFull"/> decides.
/// </summary>
/// <param name="Phase">Where it stands.</param>
/// <param name="Since">When that began, in ms.</param>
internal readonly record struct OutboxPressure(PressurePhase Phase, long Since)
{
    /// <summary>
    /// How long shards may keep connections that they do not read, in ms. Not none: a burst fills the outbox for a second or two, at a start
    /// above all, when the guilds of all shards come at once; closing then would cost a RESUME of every shard and win nothing. Not longer:
    /// meanwhile what Discord sends piles up in the kernel, and Discord drops peers that do not read.
    /// </summary>
    public const long Grace = 5_000;

    /// <summary>How long shards stay away for want of room, in ms: Discord keeps what they miss for a few minutes only.</summary>
    public const long Away = 60_000;

    /// <summary>
    /// The state at <paramref name="now"/> (ms). At the end of the grace any room is enough to read on: nothing has come since, so 신경 is slow
    /// and not away, or something else holds much of the outbox for long.
    /// </summary>
    public OutboxPressure Next(Room room, WhenFull whenFull, long now) => (Phase, room) switch
    {
        (PressurePhase.Flowing, Room.None) => new(PressurePhase.Full, now),
        (PressurePhase.Flowing, _) => this,
        (_, Room.Enough) => new(PressurePhase.Flowing, now),
        (PressurePhase.Full, _) when now - Since >= Grace => new(room == Room.None ? PressurePhase.Closed : PressurePhase.Flowing, now),
        (PressurePhase.Closed, _) when now - Since >= Away => new(whenFull == WhenFull.Drop ? PressurePhase.Dropping : PressurePhase.Full, now),
        _ => this,
    };
}
