namespace SinGateway.Generations;

/// <summary>What Redis knows of generations.</summary>
/// <param name="Active"><c>generation:active</c>: the shard count of the one that forwards; null before the first start.</param>
/// <param name="First"><c>generation:first</c>: the shard count of the one whose keys have no prefix of their own.</param>
internal readonly record struct GenerationView(int? Active, int? First)
{
    /// <summary>What stands behind <c>redisPrefix</c> and before the shard and cluster keys of a generation of <paramref name="count"/> shards.</summary>
    public string PrefixOf(int count) => First == count ? "" : $"gen:{count}:";
}
