namespace SinGateway.Discord;

/// <summary>What happened to a shard.</summary>
internal enum ShardInput
{
    Start,

    /// <summary>Its turn to identify has come.</summary>
    PermitGranted,

    /// <summary>Its turn to resume has come.</summary>
    TurnCame,

    /// <summary>The websocket is open.</summary>
    Opened,

    Hello,

    /// <summary>The IDENTIFY is counted and may be sent now.</summary>
    PermitConfirmed,

    /// <summary>The IDENTIFY must not be sent: its permit has expired, or could not be noted.</summary>
    PermitDenied,

    Ready,

    /// <summary>The first of the missed events came in answer to RESUME.</summary>
    Replayed,

    Resumed,

    /// <summary>Opcode 7.</summary>
    ReconnectRequested,

    /// <summary>Opcode 9 with true.</summary>
    SessionResumable,

    /// <summary>Opcode 9 with false.</summary>
    SessionInvalid,

    /// <summary>The connection ended; the signal has the close code, 0 without one.</summary>
    Lost,

    /// <summary>A phase took too long, a heartbeat was not acknowledged, or events stay away: the socket is to be given up.</summary>
    TimedOut,

    /// <summary>The stream of messages cannot be read any further.</summary>
    Unreadable,

    BackoffOver,

    /// <summary>There has been no room for its events for a while: it is to let go of its socket and keep its session (G13).</summary>
    HeldBack,

    /// <summary>Shards that were held back are to go on.</summary>
    RoomCame,
    Stop,
}

/// <summary>Something that happened, with what belongs to it.</summary>
/// <param name="Input">What.</param>
/// <param name="CloseCode">Of <see cref="ShardInput.Lost"/>; 0 without one.</param>
/// <param name="RetryAfter">Seconds that a refused upgrade asked to wait, or null.</param>
internal readonly record struct ShardSignal(ShardInput Input, int CloseCode = 0, int? RetryAfter = null);
