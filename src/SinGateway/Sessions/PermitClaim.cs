namespace SinGateway.Sessions;

/// <summary>A claim on a bucket's permit.</summary>
/// <param name="MaxConcurrency">The number of buckets. With another one, the permit is void.</param>
/// <param name="ShardId">For whom.</param>
/// <param name="Owner">Random, and unique to one IDENTIFY: names the permit's owner, and makes repeated calls count once.</param>
/// <param name="Waiting">Shards of this process that wait in this bucket, for the estimates of all.</param>
internal readonly record struct PermitClaim(int MaxConcurrency, int ShardId, string Owner, int Waiting)
{
    public int Bucket => ShardId % MaxConcurrency;
}
