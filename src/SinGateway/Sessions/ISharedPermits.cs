using SinGateway.Discord;

namespace SinGateway.Sessions;

/// <summary>
/// The permits to IDENTIFY and the budget of a bot with many processes (G15, G16). Every call is one step for all of them, in a time that all
/// share; none blocks. All throw <see cref="IOException"/> with a message for the operator when it is not known what came of them: each
/// may then be repeated, and counts once.
/// </summary>
internal interface ISharedPermits
{
    PermitTimes Times { get; }

    /// <summary>
    /// Tells Discord's limits, as they were <paramref name="age"/> ms ago, and asks how the budget stands. Limits that are older than a few
    /// seconds are not taken (null: there are none), since the IDENTIFYs of other processes are missing in them.
    /// </summary>
    Task<PermitSync> SyncAsync(SessionStartLimit? limit, long age);

    /// <summary>
    /// Asks for the permits of buckets, for the shard that comes first in each; and says at the same time that this process waits, so that
    /// others whose shards come later leave it its turn. To be repeated while it waits: it is forgotten after five seconds. All claims are
    /// of <paramref name="maxConcurrency"/>; when another one is in force, nothing is granted.
    /// </summary>
    Task<PermitClaims> ClaimAsync(int maxConcurrency, PermitClaim[] claims);

    /// <summary>
    /// Directly before op 2: checks that the permit is still its owner's, counts the IDENTIFY, and holds the bucket for Discord's pace and
    /// <paramref name="slack"/> ms from now on. May be asked again for as long, to begin the pace anew: it is counted once.
    /// </summary>
    Task<PermitSpending> SpendAsync(PermitClaim permit, long slack);

    /// <summary>The permit is not used. Nothing happens when it is not its owner's any more, or spent.</summary>
    Task ReturnAsync(PermitClaim permit);
}
