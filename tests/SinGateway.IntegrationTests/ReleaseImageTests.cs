using System.Text.Json;
using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>The container image: what it says of itself, and that it works. buildah runs it, which needs no daemon.</summary>
[ParallelLimiter<FewAtATime>]
internal sealed class ReleaseImageTests
{
    private const int Shards = 2;

    [Test]
    public async Task The_image_runs_as_an_unprivileged_user_in_a_directory_for_state()
    {
        await using Scenario scenario = await Scenario.StartAsync("--shards 1");
        string[] buildah = Buildah(scenario);
        string container = await ContainerAsync(buildah);

        using JsonDocument inspected = JsonDocument.Parse(await Tool.RunAsync(buildah[0], [.. buildah[1..], "inspect", container]));
        JsonElement config = inspected.RootElement.GetProperty("OCIv1").GetProperty("config");

        await Assert.That(config.GetProperty("User").GetString()).IsEqualTo("65532:65532");
        await Assert.That(config.GetProperty("WorkingDir").GetString()).IsEqualTo("/var/lib/singateway");
        await Assert.That(config.GetProperty("Entrypoint")[0].GetString()).IsEqualTo("/singateway");
        string root = (await Tool.RunAsync(buildah[0], [.. buildah[1..], "mount", container])).Trim();
        await Assert.That((await Tool.RunAsync("stat", ["-c", "%u:%g", $"{root}/var/lib/singateway"])).Trim()).IsEqualTo("65532:65532");
    }

    [Test]
    public async Task The_image_holds_the_executable_authorities_and_licences_alone()
    {
        await using Scenario scenario = await Scenario.StartAsync("--shards 1");
        string[] buildah = Buildah(scenario);

        string root = (await Tool.RunAsync(buildah[0], [.. buildah[1..], "mount", await ContainerAsync(buildah)])).Trim();
        string[] files = [.. Directory.GetFiles(root, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(root, file)).Order(StringComparer.Ordinal)];

        await Assert.That(files.Where(file => !file.StartsWith("licenses/", StringComparison.Ordinal)))
            .IsEquivalentTo((string[])["etc/group", "etc/passwd", "etc/ssl/certs/ca-certificates.crt", "singateway"]);
        await Assert.That(files).Contains("licenses/LICENSE").And.Contains("licenses/LGPL-2.1.txt").And.Contains("licenses/Apache-2.0.txt");
    }

    [Test]
    public async Task A_container_delivers_and_resumes_after_a_restart()
    {
        await using Scenario scenario = await Scenario.StartAsync(
            $"--shards {Shards} --max-concurrency {Shards} --tls --host 127.0.0.1 --certificate-directory DIRECTORY");
        string[] buildah = Buildah(scenario);
        string container = await ContainerAsync(buildah);

        // The user of the image may write there, as a volume would let it.
        File.SetUnixFileMode(scenario.Directory, (UnixFileMode)0b111_111_111);
        const string State = "/var/lib/singateway";
        scenario.Command =
        [
            .. buildah, "run", "--isolation", "chroot", "--volume", $"{scenario.Directory}:{State}", "--env", $"SSL_CERT_FILE={State}/ca.pem", container, "--", "/singateway",
        ];
        scenario.IsBelow = true;

        await ReleaseTests.DeliversAndResumesAsync(scenario, scenario.Config.ToYaml(scenario.Sandbox));
    }

    /// <summary>buildah with a storage of the scenario's own.</summary>
    private static string[] Buildah(Scenario scenario)
    {
        _ = Binaries.Image;
        string buildah = Tool.Find("buildah", "buildah");
        Tool.RequireRoot("run a container without a user namespace");
        return [buildah, "--root", scenario.File("storage"), "--runroot", scenario.File("storage-run"), "--storage-driver", "vfs"];
    }

    private static async Task<string> ContainerAsync(string[] buildah) =>
        (await Tool.RunAsync(buildah[0], [.. buildah[1..], "from", "--quiet", $"oci-archive:{Binaries.Image}"])).Trim();
}
