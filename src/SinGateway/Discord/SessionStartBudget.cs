namespace SinGateway.Discord;

/// <summary>
/// The session starts that Discord grants in a window of 24 hours (<c>session_start_limit</c> of
/// https://docs.discord.com/developers/events/gateway#get-gateway-bot). Spending all of them makes Discord end every session and reset the
/// token, so a reserve is never spent (G16), and of two numbers the smaller is believed: Discord's lags behind what was just sent, and ours
/// does not know of other processes. Pure: times are arguments, in ms of one monotonic clock.
/// </summary>
internal sealed class SessionStartBudget
{
    /// <summary>
    /// How long after the reset, in ms, a new window is taken for granted when nobody asked Discord. Until then the rest of the old one
    /// counts.
    /// </summary>
    public const long ResetGrace = 10_000;

    public const long Window = 24 * 60 * 60 * 1_000;

    /// <summary>
    /// A reset that is announced this much later (ms) than the one before is another window's: ours ended without our knowing.
    /// </summary>
    public const long AnotherWindow = 60 * 60 * 1_000;

    /// <summary>The reserve is this part of the total, and so many at least.</summary>
    public const int ReserveShare = 20;
    public const int MinimumReserve = 10;

    private int _spentSinceReset;

    /// <summary>Whether Discord has been asked: before that, nothing may be spent.</summary>
    public bool IsKnown { get; private set; }

    /// <summary>Session starts of a window.</summary>
    public int Total { get; private set; }

    /// <summary>Of them, left, as far as this process knows.</summary>
    public int Remaining { get; private set; }

    /// <summary>When all are back.</summary>
    public long ResetAt { get; private set; }

    /// <summary>5 %, and 10 at least.</summary>
    public int Reserve => ReserveOf(Total);

    /// <summary>The reserve is reached: nothing more can be spent, whoever returns a permit.</summary>
    public bool IsAtReserve => Remaining <= Reserve;

    public static int ReserveOf(int total) => Math.Max(MinimumReserve, (total + ReserveShare - 1) / ReserveShare);

    /// <summary>Takes Discord's answer.</summary>
    public void Update(SessionStartLimit limit, long now)
    {
        long resetAt = now + limit.ResetAfterMs;
        if (!IsKnown)
        {
            (Remaining, ResetAt) = (limit.Remaining, resetAt);
        }
        else if (now >= ResetAt)
        {
            (Remaining, ResetAt) = (Math.Min(limit.Remaining, limit.Total - _spentSinceReset), resetAt);
        }
        else if (resetAt - ResetAt > AnotherWindow && limit.Remaining > Remaining)
        {
            (Remaining, ResetAt) = (limit.Remaining, resetAt);
        }
        else
        {
            (Remaining, ResetAt) = (Math.Min(limit.Remaining, Remaining), Math.Min(resetAt, ResetAt));
        }

        // No window is running while the answer says that it ends now: then it begins with what is spent.
        _spentSinceReset = now >= ResetAt ? _spentSinceReset : 0;
        Total = limit.Total;
        IsKnown = true;
    }

    /// <summary>Begins a new window when the old one is over and Discord did not say how the new one stands.</summary>
    public void Renew(long now)
    {
        if (IsKnown && now >= ResetAt + ResetGrace)
        {
            Remaining = Total - _spentSinceReset;
            ResetAt = now + Window;
            _spentSinceReset = 0;
        }
    }

    /// <summary>Whether one more can be spent when <paramref name="held"/> permits are out that will be.</summary>
    public bool CanSpend(int held) => IsKnown && Remaining - held > Reserve;

    /// <summary>An IDENTIFY is going to be sent.</summary>
    public void Spend(long now)
    {
        Remaining--;
        _spentSinceReset += now >= ResetAt ? 1 : 0;
    }

    /// <summary>It was not sent.</summary>
    public void Refund(long now)
    {
        Remaining++;
        _spentSinceReset -= now >= ResetAt && _spentSinceReset > 0 ? 1 : 0;
    }

    /// <summary>When a budget that is used up may be another: at the reset, or at the end of the grace.</summary>
    public long ChangesAt(long now) => now < ResetAt ? ResetAt : ResetAt + ResetGrace;
}
