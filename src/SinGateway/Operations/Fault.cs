namespace SinGateway.Operations;

/// <summary>Something that went wrong and may interest who looks at the status; perhaps the last of several of its kind.</summary>
/// <param name="At">When, in ms since the epoch.</param>
/// <param name="Source">The part that says so, as in the log.</param>
/// <param name="Cause">Its line, without secrets as the log is.</param>
/// <param name="Times">For how many it stands: itself, and those of its kind that are not kept.</param>
/// <param name="Since">When the first of these was, in ms since the epoch.</param>
internal sealed record Fault(long At, string Source, string Cause, long Times, long Since);
