namespace SinGateway.Discord;

/// <summary>Where a shard stands.</summary>
internal enum ShardPhase
{
    /// <summary>Not started.</summary>
    Disconnected,

    /// <summary>Has no session and waits for its turn to identify; no socket is open.</summary>
    WaitingForIdentify,

    /// <summary>Name, TCP, TLS, upgrade.</summary>
    Connecting,

    /// <summary>Open, HELLO has not come.</summary>
    AwaitingHello,

    /// <summary>IDENTIFY is sent, READY has not come.</summary>
    Identifying,

    /// <summary>RESUME is sent, RESUMED has not come; missed events arrive.</summary>
    Resuming,

    Ready,

    /// <summary>Waits before the next try.</summary>
    Backoff,

    Stopped,
}

/// <summary>What happened to a shard.</summary>
internal enum ShardInput
{
    Start,

    /// <summary>Its turn to identify has come.</summary>
    PermitGranted,

    /// <summary>The websocket is open.</summary>
    Opened,

    Hello,
    Ready,
    Resumed,

    /// <summary>Opcode 7.</summary>
    ReconnectRequested,

    /// <summary>Opcode 9 with true.</summary>
    SessionResumable,

    /// <summary>Opcode 9 with false.</summary>
    SessionInvalid,

    /// <summary>The connection ended; the signal has the close code, 0 without one.</summary>
    Lost,

    /// <summary>A phase took too long, or a heartbeat was not acknowledged: the socket is to be given up.</summary>
    TimedOut,

    /// <summary>The stream of messages cannot be read any further.</summary>
    Unreadable,

    BackoffOver,
    Stop,
}

/// <summary>What the shard's owner is to do, in this order.</summary>
[Flags]
internal enum ShardActions
{
    None = 0,

    /// <summary>Close the socket with a code that leaves the session alive.</summary>
    CloseResumably = 1,

    /// <summary>Give the identify permit back unused.</summary>
    ReturnPermit = 2,

    /// <summary>Forget the session.</summary>
    DropSession = 4,

    /// <summary>Queue for a permit.</summary>
    RequestPermit = 8,

    /// <summary>Open a socket: to the session's resume URL, or to the base URL as <see cref="ShardState.UsesBaseUrl"/> says.</summary>
    Connect = 16,

    SendIdentify = 32,
    SendResume = 64,

    /// <summary>Call again with <see cref="ShardInput.BackoffOver"/> after the step's delay.</summary>
    Wait = 128,

    /// <summary>Discord refuses the bot for good: stop all of it.</summary>
    GiveUp = 256,
}

/// <summary>Something that happened, with what belongs to it.</summary>
/// <param name="Input">What.</param>
/// <param name="CloseCode">Of <see cref="ShardInput.Lost"/>; 0 without one.</param>
/// <param name="RetryAfter">Seconds that a refused upgrade asked to wait, or null.</param>
internal readonly record struct ShardSignal(ShardInput Input, int CloseCode = 0, int? RetryAfter = null);

/// <summary>All that decides what a shard does next.</summary>
/// <param name="Phase">Where it stands.</param>
/// <param name="HasSession">A session is known, so RESUME is tried first (G6).</param>
/// <param name="HoldsPermit">An identify permit is held and not used.</param>
/// <param name="RefusedResumes">RESUMEs of this session that were sent and did not succeed.</param>
/// <param name="Failures">Tries since the last stable connection.</param>
/// <param name="ReadySince">When the phase became Ready, in ms.</param>
internal readonly record struct ShardState(ShardPhase Phase, bool HasSession, bool HoldsPermit, int RefusedResumes, int Failures, long ReadySince)
{
    /// <summary>Resume URLs can be dead while the gateway lives: every second try goes to the base URL.</summary>
    public bool UsesBaseUrl => Failures % 2 == 1 && Failures > 1;
}

/// <summary>The next state, what to do, and for how long to wait (ms).</summary>
internal readonly record struct ShardStep(ShardState State, ShardActions Actions, long Delay = 0);

/// <summary>
/// The life of a shard as a pure function: (state, signal, time) → (state, actions). It follows
/// https://docs.discord.com/developers/events/gateway#connection-lifecycle and the close codes of
/// https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes. A RESUME is free and goes first
/// whenever a session might live; an IDENTIFY costs of the day's budget and goes through the queue.
/// </summary>
internal static class ShardLife
{
    /// <summary>RESUMEs that were sent in vain before a session is given up (G6).</summary>
    public const int MaximumRefusedResumes = 3;

    /// <summary>A connection that was ready for this long (ms) wipes out the failures before it.</summary>
    public const long StableAfter = 60_000;

    /// <summary>
    /// A connection that was ready for this long (ms) is resumed at once when it is lost: the resume before it was no failure.
    /// </summary>
    public const long ResumedWellAfter = 5_000;

    /// <summary>The random wait before the IDENTIFY that follows an invalid session, in ms.</summary>
    public const int InvalidSessionMinimum = 1_000;
    public const int InvalidSessionMaximum = 5_000;

    private const int FirstBackoff = 500;
    private const int MaximumResumeBackoff = 30_000;
    private const int MaximumIdentifyBackoff = 600_000;
    private const int RefusedUpgradeMinimum = 5;
    private const int RefusedUpgradeMaximum = 3_600;

    /// <summary>Discord refuses for good: a wrong token, shard, version or intents.</summary>
    public static bool IsFatal(int closeCode) => closeCode is 4004 or (>= 4010 and <= 4014);

    /// <summary>The session is dead: an invalid opcode, a revoked or second authentication, an invalid seq, a timeout.</summary>
    public static bool EndsSession(int closeCode) => closeCode is 4001 or 4003 or 4005 or 4006 or 4007 or 4009;

    public static ShardStep Next(in ShardState state, in ShardSignal signal, long now, Random random) => signal.Input switch
    {
        ShardInput.Stop => Stop(state),
        _ when state.Phase == ShardPhase.Stopped => new(state, ShardActions.None),
        ShardInput.Start when state.Phase == ShardPhase.Disconnected => Begin(state, ShardActions.None),
        ShardInput.BackoffOver when state.Phase == ShardPhase.Backoff => Begin(state, ShardActions.None),
        ShardInput.PermitGranted when state.Phase == ShardPhase.WaitingForIdentify =>
            new(state with { Phase = ShardPhase.Connecting, HoldsPermit = true }, ShardActions.Connect),
        ShardInput.PermitGranted => new(state, ShardActions.ReturnPermit),
        ShardInput.Opened when state.Phase == ShardPhase.Connecting => new(state with { Phase = ShardPhase.AwaitingHello }, ShardActions.None),
        ShardInput.Hello when state.Phase == ShardPhase.AwaitingHello && state.HasSession =>
            new(state with { Phase = ShardPhase.Resuming }, ShardActions.SendResume),
        ShardInput.Hello when state.Phase == ShardPhase.AwaitingHello =>
            new(state with { Phase = ShardPhase.Identifying, HoldsPermit = false }, ShardActions.SendIdentify),
        ShardInput.Ready when state.Phase == ShardPhase.Identifying =>
            new(state with { Phase = ShardPhase.Ready, HasSession = true, RefusedResumes = 0, ReadySince = now }, ShardActions.None),
        ShardInput.Resumed when state.Phase == ShardPhase.Resuming =>
            new(state with { Phase = ShardPhase.Ready, RefusedResumes = 0, ReadySince = now }, ShardActions.None),
        ShardInput.Lost when IsFatal(signal.CloseCode) =>
            new(state with { Phase = ShardPhase.Stopped, HoldsPermit = false }, Return(state) | ShardActions.GiveUp),
        ShardInput.Lost or ShardInput.TimedOut or ShardInput.Unreadable or ShardInput.ReconnectRequested or ShardInput.SessionInvalid or ShardInput.SessionResumable
            when state.Phase is >= ShardPhase.Connecting and <= ShardPhase.Ready => Reconnect(state, signal, now, random),
        _ => new(state, ShardActions.None),
    };

    private static ShardStep Stop(in ShardState state) => new(
        state with { Phase = ShardPhase.Stopped, HoldsPermit = false },
        Return(state) | (state.Phase is >= ShardPhase.Connecting and <= ShardPhase.Ready ? ShardActions.CloseResumably : ShardActions.None));

    /// <summary>The next try, now.</summary>
    private static ShardStep Begin(in ShardState state, ShardActions before) => state.HasSession
        ? new(state with { Phase = ShardPhase.Connecting }, before | ShardActions.Connect)
        : new(state with { Phase = ShardPhase.WaitingForIdentify }, before | ShardActions.RequestPermit);

    private static ShardStep Reconnect(ShardState state, in ShardSignal signal, long now, Random random)
    {
        ShardActions actions = Return(state) | (signal.Input == ShardInput.Lost ? ShardActions.None : ShardActions.CloseResumably);
        long readyFor = state.Phase == ShardPhase.Ready ? now - state.ReadySince : 0;
        int failures = readyFor >= StableAfter ? 0 : state.Failures;

        // A RESUME that was sent and not answered by RESUMED counts against the session; whatever failed before it was sent does not (G6).
        int refused = state.RefusedResumes + (state.Phase == ShardPhase.Resuming && signal.Input != ShardInput.ReconnectRequested ? 1 : 0);
        bool dropsSession = state.HasSession
            && (signal.Input == ShardInput.SessionInvalid || EndsSession(signal.CloseCode) || refused >= MaximumRefusedResumes);
        if (dropsSession)
        {
            actions |= ShardActions.DropSession;
        }

        bool hasSession = state.HasSession && !dropsSession;
        int triesInVain = hasSession && readyFor >= ResumedWellAfter ? 0 : failures;
        long delay = Delay(hasSession, triesInVain, signal, random);
        ShardState next = state with
        {
            HasSession = hasSession,
            HoldsPermit = false,
            RefusedResumes = hasSession ? refused : 0,
            Failures = failures + 1,
        };
        return delay == 0 ? Begin(next, actions) : new(next with { Phase = ShardPhase.Backoff }, actions | ShardActions.Wait, delay);
    }

    /// <summary>
    /// The first RESUME goes at once. Later ones, and every IDENTIFY after a failure, wait with full jitter below a doubling ceiling: 30 s
    /// for RESUMEs, which are free, 10 minutes for IDENTIFYs, which are not.
    /// </summary>
    private static long Delay(bool hasSession, int failures, in ShardSignal signal, Random random)
    {
        long asked = signal.RetryAfter is { } seconds ? Math.Clamp(seconds, RefusedUpgradeMinimum, RefusedUpgradeMaximum) * 1000L + random.Next(1000) : 0;
        long invalid = signal.Input == ShardInput.SessionInvalid ? random.Next(InvalidSessionMinimum, InvalidSessionMaximum) : 0;
        long ceiling = Math.Min(hasSession ? MaximumResumeBackoff : MaximumIdentifyBackoff, (long)FirstBackoff << Math.Min(failures, 20));
        long backoff = failures == 0 ? 0 : random.NextInt64(1, ceiling);
        return Math.Max(Math.Max(asked, invalid), backoff);
    }

    private static ShardActions Return(in ShardState state) => state.HoldsPermit ? ShardActions.ReturnPermit : ShardActions.None;
}
