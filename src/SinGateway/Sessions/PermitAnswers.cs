namespace SinGateway.Sessions;

/// <summary>How the session starts of the whole bot stand. Times are ms from the answer on.</summary>
/// <param name="MaxConcurrency">The number of buckets that is in force.</param>
/// <param name="Total">Session starts of a window.</param>
/// <param name="Remaining">Of them, left.</param>
/// <param name="ResetIn">When all are back.</param>
/// <param name="Extras">IDENTIFYs of the last day beyond each shard's first.</param>
/// <param name="NextExtraIn">When one more of those is allowed; -1 when one is now, or none ever is.</param>
internal readonly record struct SharedBudget(int MaxConcurrency, int Total, int Remaining, long ResetIn, int Extras, long NextExtraIn);

/// <summary>The answer to <see cref="ISharedPermits.SyncAsync"/>.</summary>
/// <param name="Budget">Null when it is not known: Discord has to be asked again.</param>
/// <param name="LastIdentifies">When shards identified last within a day, in ms of the shared clock.</param>
internal sealed record PermitSync(SharedBudget? Budget, (int ShardId, long At)[] LastIdentifies);

/// <summary>The answer to <see cref="ISharedPermits.ClaimAsync"/>.</summary>
/// <param name="Budget">Null when it is not known: Discord has to be asked again, and nothing was granted.</param>
/// <param name="Answers">To each claim, in their order; empty when another number of buckets is in force.</param>
internal sealed record PermitClaims(SharedBudget? Budget, ClaimAnswer[] Answers);

/// <summary>What came of one claim.</summary>
/// <param name="Result">Granted, or why not.</param>
/// <param name="Wait">For how many ms that holds at least.</param>
/// <param name="Waiting">Shards of all processes that wait in the bucket.</param>
internal readonly record struct ClaimAnswer(ClaimResult Result, long Wait, int Waiting);

/// <summary>The numbers are those of the script.</summary>
internal enum ClaimResult
{
    /// <summary>The permit is the claim's owner's for 45 s.</summary>
    Granted = 0,

    /// <summary>An IDENTIFY was sent in the bucket; nothing ends its pace early.</summary>
    Paced = 1,

    /// <summary>Somebody holds the permit, or comes first; that may end at any time.</summary>
    Taken = 2,

    /// <summary>It would be the shard's second of the day, and too many of those were spent.</summary>
    Extra = 3,

    /// <summary>Only the reserve of the budget is left.</summary>
    Reserve = 4,
}

/// <summary>The answer to <see cref="ISharedPermits.SpendAsync"/>.</summary>
/// <param name="IsSpent">Op 2 may be sent. False: the permit is gone.</param>
/// <param name="At">When, in ms of the shared clock.</param>
/// <param name="Budget">Null when it is not known.</param>
internal readonly record struct PermitSpending(bool IsSpent, long At, SharedBudget? Budget);
