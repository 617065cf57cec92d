using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using SinGateway.Configuration;
using YamlDotNet.RepresentationModel;

namespace SinGateway.Tests.Deployment;

/// <summary>deploy/ and the workflow: what stands there agrees with the program, and with each other.</summary>
internal sealed partial class DeploymentFilesTests
{
    private static readonly string Root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "../../.."));

    [Test]
    [Arguments("deploy/compose.yaml")]
    [Arguments("deploy/kubernetes.yaml")]
    public async Task The_configuration_inside_loads(string file)
    {
        ConfigurationResult result = Load(ConfigurationIn(file));

        await Assert.That(string.Join('\n', result.Errors)).IsEmpty();
        await Assert.That(string.Join('\n', result.Warnings)).IsEmpty();
    }

    [Test]
    public async Task There_is_a_pod_for_each_cluster_and_all_start_at_once()
    {
        YamlNode set = Documents("deploy/kubernetes.yaml").Single(document => Text(document, "kind") == "StatefulSet");

        int clusters = Load(ConfigurationIn("deploy/kubernetes.yaml")).Configuration!.Clustering!.ClusterCount;

        await Assert.That(Text(set, "spec", "replicas")).IsEqualTo(clusters.ToString(CultureInfo.InvariantCulture));
        await Assert.That(Text(set, "spec", "podManagementPolicy")).IsEqualTo("Parallel");
    }

    [Test]
    public async Task A_pods_name_is_its_cluster()
    {
        YamlNode set = Documents("deploy/kubernetes.yaml").Single(document => Text(document, "kind") == "StatefulSet");
        YamlNode variable = ((YamlSequenceNode)Container(set)["env"]).Single(entry => Text(entry, "name") == ClusterIndex.Variable);
        ClusteringOptions clustering = new(ClusterCount: 2, ClusterShards: 8);

        await Assert.That(Text(variable, "valueFrom", "fieldRef", "fieldPath")).IsEqualTo("metadata.name");
        await Assert.That(ClusterIndex.Choose(clustering, null, $"{Text(set, "metadata", "name")}-1", out _)).IsEquivalentTo((int[])[1]);
    }

    [Test]
    public async Task A_pod_that_was_refused_stays()
    {
        YamlNode set = Documents("deploy/kubernetes.yaml").Single(document => Text(document, "kind") == "StatefulSet");
        YamlNode first = ((YamlSequenceNode)set["spec"]["template"]["spec"]["initContainers"]).Single();

        await Assert.That(At(Container(set), "args").ToString()).Contains("--stay-when-refused");
        await Assert.That(At(first, "args").ToString()).Contains("check").And.Contains("--stay-when-refused");
        await Assert.That(Text(first, "image")).IsEqualTo(Text(Container(set), "image"));
    }

    [Test]
    public async Task The_image_of_the_manifest_has_the_version_of_the_program()
    {
        YamlNode set = Documents("deploy/kubernetes.yaml").Single(document => Text(document, "kind") == "StatefulSet");

        await Assert.That(Text(Container(set), "image")).IsEqualTo($"singateway:{ProgramVersion()}");
    }

    [Test]
    public async Task The_changes_of_this_version_are_told() =>
        await Assert.That(File.ReadAllText(Path.Combine(Root, "CHANGELOG.md"))).Contains($"\n## {ProgramVersion()}\n");

    [Test]
    public async Task The_workflow_runs_what_is_run_at_home()
    {
        string workflow = string.Join('\n', Documents(".github/workflows/ci.yaml").Single().AllNodes.OfType<YamlScalarNode>().Select(scalar => scalar.Value));

        await Assert.That(workflow).Contains("./build.sh test").And.Contains("./build.sh release").And.Contains("dist/");
    }

    [Test]
    public async Task The_workflow_may_make_containers()
    {
        YamlMappingNode jobs = (YamlMappingNode)At(Documents(".github/workflows/ci.yaml").Single(), "jobs");

        await Assert.That(jobs.Children.Values.Select(job => Text(job, "container", "options")).Distinct()).IsEquivalentTo((string[])["--privileged"]);
    }

    private static ConfigurationResult Load(string configuration) => ConfigurationFile.Parse("config.yaml", configuration, variable => variable switch
    {
        "DISCORD_TOKEN" => "a-token",
        "SINGYEONG_PASSWORD" => "a-password",
        _ => null,
    });

    /// <summary>The gateway's configuration, as the platform would write it to the gateway's file.</summary>
    private static string ConfigurationIn(string file) => file.Contains("compose", StringComparison.Ordinal)
        ? Text(Documents(file).Single(), "configs", "gateway", "content").Replace("$$", "$", StringComparison.Ordinal)
        : Text(Documents(file).Single(document => Text(document, "kind") == "ConfigMap"), "data", "config.yaml");

    private static YamlNode Container(YamlNode set) => At(set, "spec", "template", "spec", "containers")[0];

    private static YamlNode[] Documents(string file)
    {
        YamlStream stream = [];
        using StreamReader reader = File.OpenText(Path.Combine(Root, file));
        stream.Load(reader);
        return [.. stream.Documents.Select(document => document.RootNode)];
    }

    private static YamlNode At(YamlNode node, params string[] path) => path.Aggregate(node, (at, key) => at[key]);

    private static string Text(YamlNode node, params string[] path) => ((YamlScalarNode)At(node, path)).Value!;

    private static string ProgramVersion() => Version().Match(File.ReadAllText(Path.Combine(Root, "Directory.Build.props"))).Groups[1].Value;

    private static string Here([CallerFilePath] string path = "") => path;

    [GeneratedRegex("<Version>(.*)</Version>")]
    private static partial Regex Version();
}
