using SinGateway.Configuration;
using SinGateway.Generations;
using SinGateway.Tests.Configuration;

namespace SinGateway.Tests.Generations;

/// <summary>Which generation a process belongs to, by what Redis knows and its configuration says.</summary>
public sealed class GenerationChoiceTests
{
    [Test]
    [Arguments(null, null, 4, 4, "", false)]
    [Arguments(null, null, null, null, "", false)]
    [Arguments(4, 4, 4, 4, "", false)]
    [Arguments(4, 4, 8, 8, "gen:8:", true)]
    [Arguments(8, 4, 8, 8, "gen:8:", false)]
    [Arguments(8, 4, 4, 4, "", true)]
    [Arguments(8, 4, 16, 16, "gen:16:", true)]
    [Arguments(8, null, 4, 4, "gen:4:", true)]
    [Arguments(4, 4, null, null, "", false)]
    [Arguments(8, 4, null, 8, "gen:8:", false)]
    public async Task Counts_lead_to_keys(int? active, int? first, int? configured, int? count, string prefix, bool isMuted)
    {
        GenerationChoice choice = Choose(active, first, configured, mayBeMuted: true);
        await Assert.That(choice).IsEqualTo(new GenerationChoice(count, prefix, isMuted));
    }

    [Test]
    public async Task Another_count_is_refused_without_the_flag_with_what_to_type()
    {
        GenerationChoice choice = Choose(8, 4, 4, mayBeMuted: false);
        await Assert.That(choice.Refusal).Contains("8 shards").And.Contains("clustering.clusterCount × clusterShards is 4").And.Contains("--muted-until-ready");
    }

    [Test]
    public async Task The_same_count_needs_no_flag() => await Assert.That(Choose(8, 4, 8, mayBeMuted: false).Refusal).IsNull();

    private static GenerationChoice Choose(int? active, int? first, int? configured, bool mayBeMuted)
    {
        GatewayConfiguration configuration = Sample.Load(Sample.Text).Configuration! with { Clustering = configured is { } total ? new ClusteringOptions(1, total) : null };
        return GenerationChoice.Of(new GenerationView(active, first), configuration, mayBeMuted);
    }
}
