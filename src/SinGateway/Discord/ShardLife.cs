namespace SinGateway.Discord;

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

    /// <summary>A connection that was ready for this long (ms) is no failure: when it is lost, it is resumed at once.</summary>
    public const long WorksAfter = 5_000;

    /// <summary>A session that was ready for this long (ms) at a stretch was worth its IDENTIFY.</summary>
    public const long StableAfter = 60_000;

    /// <summary>The random wait before the IDENTIFY that follows an invalid session, in ms.</summary>
    public const int InvalidSessionMinimum = 1_000;
    public const int InvalidSessionMaximum = 5_000;

    private const int FirstBackoff = 500;
    private const int MaximumBackoff = 30_000;
    private const int FirstIdentifyBackoff = 5_000;
    private const int MaximumIdentifyBackoff = 600_000;
    private const int RefusedUpgradeMinimum = 5;
    private const int RefusedUpgradeMaximum = 3_600;
    private const int TooManySends = 4008;

    /// <summary>Discord refuses for good: a wrong token, shard, version or intents.</summary>
    public static bool IsFatal(int closeCode) => closeCode is 4004 or (>= 4010 and <= 4014);

    /// <summary>The session is dead: an invalid opcode, a revoked or second authentication, an invalid seq, a timeout.</summary>
    public static bool EndsSession(int closeCode) => closeCode is 4001 or 4003 or 4005 or 4006 or 4007 or 4009;

    /// <summary>How long to wait when a refused upgrade asks for so many seconds, in ms: neither in a hurry nor for ever.</summary>
    public static long RetryAfter(int seconds) => Math.Clamp(seconds, RefusedUpgradeMinimum, RefusedUpgradeMaximum) * 1000L;

    public static ShardStep Next(in ShardState state, in ShardSignal signal, long now, Random random) => (signal.Input, state.Phase) switch
    {
        (_, ShardPhase.Stopped) => new(state, ShardActions.None),
        (ShardInput.Stop, _) => new(
            state with { Phase = ShardPhase.Stopped, HoldsPermit = false },
            Return(state) | (state.HasSocket ? ShardActions.CloseResumably : ShardActions.None)),
        (ShardInput.Start, ShardPhase.Disconnected) or (ShardInput.BackoffOver, ShardPhase.Backoff) or (ShardInput.RoomCame, ShardPhase.WaitingForRoom) =>
            Begin(state, ShardActions.None),
        (ShardInput.HeldBack, ShardPhase.Ready or ShardPhase.Resuming) => HoldBack(state, now),

        (ShardInput.PermitGranted, ShardPhase.WaitingForIdentify) =>
            new(state with { Phase = ShardPhase.Connecting, HoldsPermit = true }, ShardActions.Connect),
        (ShardInput.PermitGranted, _) => new(state, ShardActions.ReturnPermit),
        (ShardInput.TurnCame, ShardPhase.WaitingToResume) => new(state with { Phase = ShardPhase.Connecting }, ShardActions.Connect),

        (ShardInput.Opened, ShardPhase.Connecting) => new(state with { Phase = ShardPhase.AwaitingHello }, ShardActions.None),
        (ShardInput.Hello, ShardPhase.AwaitingHello) when state.HasSession =>
            new(state with { Phase = ShardPhase.Resuming, IsReplaying = false }, ShardActions.SendResume),
        (ShardInput.Hello, ShardPhase.AwaitingHello) => new(state with { Phase = ShardPhase.ConfirmingPermit }, ShardActions.ConfirmPermit),
        (ShardInput.PermitConfirmed, ShardPhase.ConfirmingPermit) => new(
            state with { Phase = ShardPhase.Identifying, HoldsPermit = false, Identifies = state.Identifies + 1 }, ShardActions.SendIdentify),

        (ShardInput.Ready, ShardPhase.Identifying) =>
            new(state with { Phase = ShardPhase.Ready, HasSession = true, RefusedResumes = 0, ReadySince = now }, ShardActions.None),
        (ShardInput.Replayed, ShardPhase.Resuming) => new(state with { IsReplaying = true, RefusedResumes = 0 }, ShardActions.None),
        (ShardInput.Resumed, ShardPhase.Resuming) =>
            new(state with { Phase = ShardPhase.Ready, RefusedResumes = 0, ReadySince = now }, ShardActions.None),

        (ShardInput.Lost, _) when state.HasSocket && IsFatal(signal.CloseCode) =>
            new(state with { Phase = ShardPhase.Stopped, HoldsPermit = false }, Return(state) | ShardActions.GiveUp),
        (ShardInput.PermitDenied, ShardPhase.ConfirmingPermit) => Reconnect(state, signal, now, random),
        (ShardInput.Lost or ShardInput.TimedOut or ShardInput.Unreadable
            or ShardInput.ReconnectRequested or ShardInput.SessionInvalid or ShardInput.SessionResumable, _) when state.HasSocket =>
            Reconnect(state, signal, now, random),
        _ => new(state, ShardActions.None),
    };

    /// <summary>The next try, now.</summary>
    private static ShardStep Begin(in ShardState state, ShardActions before) => state.HasSession
        ? new(state with { Phase = ShardPhase.WaitingToResume }, before | ShardActions.RequestTurn)
        : new(state with { Phase = ShardPhase.WaitingForIdentify }, before | ShardActions.RequestPermit);

    /// <summary>
    /// Our own lack of room ends the connection: neither its session nor Discord is to blame, so nothing is counted against either, not even a
    /// RESUME whose answer was not read (G6).
    /// </summary>
    private static ShardStep HoldBack(in ShardState state, long now)
    {
        long readyFor = ReadyFor(state, now);
        return new(
            state with
            {
                Phase = ShardPhase.WaitingForRoom,
                IsReplaying = false,
                Failures = readyFor >= WorksAfter ? 0 : state.Failures,
                Identifies = readyFor >= StableAfter ? 0 : state.Identifies,
            },
            ShardActions.CloseResumably);
    }

    private static long ReadyFor(in ShardState state, long now) => state.Phase == ShardPhase.Ready ? now - state.ReadySince : 0;

    private static ShardStep Reconnect(ShardState state, in ShardSignal signal, long now, Random random)
    {
        ShardActions actions = Return(state) | (signal.Input == ShardInput.Lost ? ShardActions.None : ShardActions.CloseResumably);
        long readyFor = ReadyFor(state, now);

        // Only what was said to the session itself counts against it: whatever failed before op 6 was sent does not, nor does a
        // connection that broke while missed events arrived, nor opcode 7 (G6).
        bool wasRefused = state is { Phase: ShardPhase.Resuming, IsReplaying: false } && signal.Input != ShardInput.ReconnectRequested;
        int refused = state.RefusedResumes + (wasRefused ? 1 : 0);
        bool isInvalid = signal.Input == ShardInput.SessionInvalid || EndsSession(signal.CloseCode);
        bool dropsSession = state.HasSession && state.Phase is ShardPhase.Resuming or ShardPhase.Ready && (isInvalid || refused >= MaximumRefusedResumes);
        bool hasSession = state.HasSession && !dropsSession;
        int failures = readyFor >= WorksAfter ? 0 : state.Failures;
        ShardState next = state with
        {
            HasSession = hasSession,
            HoldsPermit = false,
            IsReplaying = false,
            RefusedResumes = hasSession ? refused : 0,
            Failures = failures + 1,
            Identifies = readyFor >= StableAfter ? 0 : state.Identifies,
        };
        long delay = Math.Max(Asked(signal, random), Jitter(failures, FirstBackoff, MaximumBackoff, random));
        if (!hasSession)
        {
            delay = Math.Max(delay, Jitter(next.Identifies, FirstIdentifyBackoff, MaximumIdentifyBackoff, random));
        }

        actions |= dropsSession ? ShardActions.DropSession : ShardActions.None;
        return delay == 0 ? Begin(next, actions) : new(next with { Phase = ShardPhase.Backoff }, actions | ShardActions.Wait, delay);
    }

    /// <summary>How long Discord wants us to wait, in ms: said by a refused upgrade, or the custom after an invalid session or too many sends.</summary>
    private static long Asked(in ShardSignal signal, Random random) => signal switch
    {
        { RetryAfter: { } seconds } => RetryAfter(seconds) + random.Next(1000),
        { Input: ShardInput.SessionInvalid } or { CloseCode: TooManySends } => random.Next(InvalidSessionMinimum, InvalidSessionMaximum),
        _ => 0,
    };

    /// <summary>
    /// Nothing before the first failure; then full jitter below a ceiling that doubles. For connecting and RESUMEs, which are free, it ends
    /// at 30 s; for what follows an IDENTIFY in vain at 10 minutes: some 288 a day and shard, and the queue limits them further (G16).
    /// </summary>
    private static long Jitter(int failures, int first, int maximum, Random random) =>
        failures == 0 ? 0 : random.NextInt64(1, Math.Min(maximum, (long)first << Math.Min(failures, 20)));

    private static ShardActions Return(in ShardState state) => state.HoldsPermit ? ShardActions.ReturnPermit : ShardActions.None;
}
