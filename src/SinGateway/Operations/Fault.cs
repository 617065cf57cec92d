namespace SinGateway.Operations;

/// <summary>Something that went wrong and may interest who looks at the status.</summary>
/// <param name="At">When, in ms since the epoch.</param>
/// <param name="Source">The part that says so, as in the log.</param>
/// <param name="Cause">Its line, without secrets as the log is.</param>
internal sealed record Fault(long At, string Source, string Cause);
