namespace SinGateway.Discord;

/// <summary>Where a shard stands. From <see cref="Connecting"/> to <see cref="Ready"/> it has a socket.</summary>
internal enum ShardPhase
{
    /// <summary>Not started.</summary>
    Disconnected,

    /// <summary>Has no session and waits for its turn to identify; no socket is open.</summary>
    WaitingForIdentify,

    /// <summary>Has a session and waits for its turn to connect, which comes at once unless many shards resume together.</summary>
    WaitingToResume,

    /// <summary>Name, TCP, TLS, upgrade.</summary>
    Connecting,

    /// <summary>Open, HELLO has not come.</summary>
    AwaitingHello,

    /// <summary>HELLO has come; the IDENTIFY is being counted before it is sent (G15).</summary>
    ConfirmingPermit,

    /// <summary>IDENTIFY is sent, READY has not come.</summary>
    Identifying,

    /// <summary>RESUME is sent, RESUMED has not come; missed events arrive.</summary>
    Resuming,

    Ready,

    /// <summary>Has closed its socket, since there is no room for its events; its session waits at Discord, and nothing is wrong with it.</summary>
    WaitingForRoom,

    /// <summary>Waits before the next try.</summary>
    Backoff,

    Stopped,
}

/// <summary>All that decides what a shard does next.</summary>
/// <param name="Phase">Where it stands.</param>
/// <param name="HasSession">A session is known, so RESUME is tried first (G6).</param>
/// <param name="HoldsPermit">An identify permit is held and not used.</param>
/// <param name="IsReplaying">Events followed the RESUME: Discord has accepted it, whatever happens to the connection.</param>
/// <param name="RefusedResumes">RESUMEs of this session that were sent and did not succeed.</param>
/// <param name="Failures">Connections since the last one that was ready for <see cref="ShardLife.WorksAfter"/>.</param>
/// <param name="Identifies">IDENTIFYs sent since the last session that was ready for <see cref="ShardLife.StableAfter"/>.</param>
/// <param name="ReadySince">When the phase became Ready, in ms.</param>
internal readonly record struct ShardState(
    ShardPhase Phase, bool HasSession, bool HoldsPermit, bool IsReplaying, int RefusedResumes, int Failures, int Identifies, long ReadySince)
{
    /// <summary>Resume URLs can be dead while the gateway lives: every second try goes to the base URL.</summary>
    public bool UsesBaseUrl => Failures % 2 == 1 && Failures > 1;

    public bool HasSocket => Phase is >= ShardPhase.Connecting and <= ShardPhase.Ready;

    /// <summary>A shard before its start, with or without a session of an earlier process.</summary>
    public static ShardState Initial(bool hasSession) => new(ShardPhase.Disconnected, hasSession, false, false, 0, 0, 0, 0);
}
