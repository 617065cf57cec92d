using SinGateway.Configuration;

namespace SinGateway.Generations;

/// <summary>Which generation a process belongs to, and how it begins; or why it may not.</summary>
/// <param name="Count">Its shards; null when the stored sessions or Discord decide (<c>discord.shardCount: auto</c>).</param>
/// <param name="Prefix">Of its shard and cluster keys, behind <c>redisPrefix</c>; empty for the first one.</param>
/// <param name="IsMuted">Another generation forwards.</param>
/// <param name="Refusal">For the operator; null when the process may start.</param>
internal sealed record GenerationChoice(int? Count, string Prefix, bool IsMuted, string? Refusal = null)
{
    /// <summary>Whether the count may follow Discord's recommendation, as nobody has set one.</summary>
    public bool IsAutomatic => Count is null;

    /// <summary>Its keys are those of the Python program.</summary>
    public bool IsFirst => Prefix.Length == 0;

    /// <param name="view">What Redis knows.</param>
    /// <param name="configuration">Says how many shards there are to be.</param>
    /// <param name="mayBeMuted"><c>--muted-until-ready</c>; without another generation that forwards it has no meaning.</param>
    public static GenerationChoice Of(GenerationView view, GatewayConfiguration configuration, bool mayBeMuted)
    {
        int? wanted = configuration.Clustering?.TotalShards ?? configuration.ShardCount;
        if (view.Active is not { } active)
        {
            return new(wanted, "", IsMuted: false);
        }

        string prefix = view.PrefixOf(active);
        if (wanted is null)
        {
            // Sessions, or Discord, may change the count of the first one (G22); that of another one was asked for by its operator.
            return new(prefix.Length == 0 ? null : active, prefix, IsMuted: false);
        }

        if (wanted == active)
        {
            return new(wanted, prefix, IsMuted: false);
        }

        string source = configuration.Clustering is null ? "discord.shardCount" : "clustering.clusterCount × clusterShards";
        return new(
            wanted,
            view.PrefixOf(wanted.Value),
            IsMuted: true,
            mayBeMuted ? null : $"this bot forwards with {active} shards (generation:active in Redis), and {source} is {wanted}: to change over to {wanted}, start all its processes with --muted-until-ready; else set it to {active}");
    }
}
