using SinGateway.Discord;

namespace SinGateway.Sessions;

/// <summary>The times of a shared permit, in ms. Others than Discord's make tests of minutes seconds.</summary>
/// <param name="Pace">From one IDENTIFY of a bucket to the next.</param>
/// <param name="Lifetime">How long a permit may be held unspent.</param>
/// <param name="Patience">
/// How old the answer may be that an IDENTIFY was counted, or its bucket's pace would have run for too long: the rest of what the pace is
/// longer than Discord's five seconds is for the network.
/// </param>
/// <param name="Waiting">For how long a process is believed to wait that does not ask again.</param>
internal sealed record PermitTimes(long Pace, long Lifetime, long Patience, long Waiting)
{
    public static readonly PermitTimes OfDiscord = new(IdentifyBuckets.Pace, IdentifyPermit.Lifetime, Patience: 200, Waiting: 5_000);
}
