namespace SinGateway.Sessions;

/// <summary>
/// Decides from what is seen of leases when one may be taken (G18): after 8 s in which its key was absent whenever Redis was looked at, in
/// unbroken contact with one instance of Redis; or at once when its last holder vacated it. Pure: it is told the time.
/// </summary>
/// <remarks>
/// Why 8 s: a holder renews each second a lease of 4 s, so that an absent key means that it is dead, stopped or out of reach, or that Redis
/// has lost its data. After the latter a living holder writes it again as soon as it is connected, for which it has these 8 s. A mark of a
/// clean stop counts only in the instance that saw it written: data restored from a disk may hold the mark of an older holder.
/// </remarks>
/// <param name="indexes">How many leases are watched.</param>
internal sealed class LeaseWatch(int indexes)
{
    /// <summary>For how long a key must have been absent, in ms.</summary>
    public const long Absence = 8_000;

    /// <summary>The longest time from one look to the end of the next, in ms: less than a lease's length, so that none is overlooked.</summary>
    private const long LongestGap = 3_000;

    private readonly Seen[] _seen = new Seen[indexes];
    private string? _runId;
    private long _uptime;
    private long _askedAt;

    /// <summary>Whether the last look succeeded.</summary>
    public bool HasContact => _runId is not null;

    /// <summary>A look failed: what was seen before proves nothing any more.</summary>
    public void LoseContact() => _runId = null;

    /// <summary>A look that was asked for at <paramref name="askedAt"/> was answered at <paramref name="answeredAt"/> (ms, CLOCK_BOOTTIME).</summary>
    public void Look(LeaseLook look, long askedAt, long answeredAt)
    {
        bool isUnbroken = look.RunId == _runId && answeredAt - _askedAt <= LongestGap;
        for (int i = 0; i < indexes; i++)
        {
            LeaseView view = look.Leases[i];
            bool wasAbsent = isUnbroken && _seen[i].View is { Holder: null } before && before.LastFence == view.LastFence;
            _seen[i] = new Seen(view, wasAbsent ? _seen[i].AbsentSince : answeredAt);
        }

        _runId = look.RunId;
        _uptime = look.Uptime;
        _askedAt = askedAt;
    }

    /// <summary>The first index whose lease may be taken now; null when there is none.</summary>
    public int? Next(long now)
    {
        for (int i = 0; HasContact && now - _askedAt <= LongestGap && i < indexes; i++)
        {
            Seen seen = _seen[i];

            // The uptime has whole seconds, each of them begun.
            if (seen.View.Holder is null && (seen.View.IsVacated || (now - seen.AbsentSince >= Absence && _uptime > Absence / 1000)))
            {
                return i;
            }
        }

        return null;
    }

    /// <summary>What was last seen of a lease.</summary>
    public LeaseView View(int index) => _seen[index].View;

    /// <summary>The take of a lease was refused, since it is not as it was seen: it counts as held until the next look.</summary>
    public void Refused(int index) => _seen[index] = new Seen(_seen[index].View with { Holder = "" }, 0);

    private readonly record struct Seen(LeaseView View, long AbsentSince);
}
