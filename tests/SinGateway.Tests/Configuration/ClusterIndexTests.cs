using SinGateway.Configuration;

namespace SinGateway.Tests.Configuration;

/// <summary>Which cluster a process runs, and what it is told when that cannot be said.</summary>
public sealed class ClusterIndexTests
{
    private static readonly ClusteringOptions Three = new(3, 4);

    [Test]
    [Arguments("0", null, "0")]
    [Arguments("2", "1", "2")]
    [Arguments(null, "1", "1")]
    [Arguments(null, "name-2", "2")]
    [Arguments("pod-of-a-set-1", null, "1")]
    [Arguments("auto", null, "0 1 2")]
    [Arguments(null, "auto", "0 1 2")]
    [Arguments("1", "auto", "1")]
    public async Task A_number_a_name_or_auto_is_read(string? option, string? variable, string expected) =>
        await Assert.That(string.Join(' ', ClusterIndex.Choose(Three, option, variable, out _)!)).IsEqualTo(expected);

    [Test]
    [Arguments("3", null, "--cluster 3 is out of range: clustering.clusterCount is 3, so it is 0 to 2")]
    [Arguments(null, "name-7", "SINGATEWAY_CLUSTER name-7 is out of range: clustering.clusterCount is 3, so it is 0 to 2")]
    [Arguments("first", null, "--cluster first is no cluster index: give a number from 0 to 2, a name that ends in one, as name-3 does, or auto")]
    [Arguments("-1", null, "--cluster -1 is no cluster index: give a number from 0 to 2, a name that ends in one, as name-3 does, or auto")]
    [Arguments("99999999999", null, "--cluster 99999999999 is no cluster index: give a number from 0 to 2, a name that ends in one, as name-3 does, or auto")]
    [Arguments(null, null, "clustering is on, so this process must know its cluster: type singateway --cluster N, with N from 0 to 2, or --cluster auto for the first that is free")]
    [Arguments(null, "", "clustering is on, so this process must know its cluster: type singateway --cluster N, with N from 0 to 2, or --cluster auto for the first that is free")]
    public async Task What_is_no_index_is_told_with_those_that_are(string? option, string? variable, string expected)
    {
        await Assert.That(ClusterIndex.Choose(Three, option, variable, out string error)).IsNull();
        await Assert.That(error).IsEqualTo(expected);
    }

    [Test]
    public async Task Without_clustering_there_is_one_and_it_is_not_asked_for()
    {
        await Assert.That(ClusterIndex.Choose(null, null, "name-7", out _)!).IsEquivalentTo([0]);
        await Assert.That(ClusterIndex.Choose(null, "auto", null, out string error)).IsNull();
        await Assert.That(error).Contains("clustering.enabled");
    }
}
