using System.Text.RegularExpressions;
using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>
/// The executables of a release: alone in an empty root directory, on another architecture, and refusing whom they must. Tests whose tools
/// the host does not have are skipped, and say which.
/// </summary>
[ParallelLimiter<FewAtATime>]
internal sealed partial class ReleaseTests
{
    private const int Shards = 2;
    private const long LargestExecutable = 16_000_000;

    [Test]
    [Arguments("linux-x64")]
    [Arguments("linux-arm64")]
    public async Task A_release_needs_no_library_and_no_loader(string rid)
    {
        string executable = Binaries.Release(rid);

        await Assert.That(await Tool.RunAsync(Tool.Find("readelf", "binutils"), ["-lW", executable])).Contains("LOAD").And.DoesNotContain("INTERP");
        await Assert.That(await Tool.RunAsync("readelf", ["-d", executable])).DoesNotContain("NEEDED");
    }

    [Test]
    [Arguments("linux-x64")]
    [Arguments("linux-arm64")]
    public async Task A_release_is_not_larger_than_16_MB(string rid) =>
        await Assert.That(new FileInfo(Binaries.Release(rid)).Length).IsLessThanOrEqualTo(LargestExecutable);

    [Test]
    [Arguments("linux-x64")]
    [Arguments("linux-arm64")]
    public async Task A_release_tells_the_one_version(string rid)
    {
        string properties = await File.ReadAllTextAsync(Path.Combine(Binaries.Repository(), "Directory.Build.props"));

        string told = await Tool.RunAsync(Command(rid)[0], [.. Command(rid)[1..], "--version"]);

        await Assert.That(told).IsEqualTo(Version().Match(properties).Groups[1].Value);
    }

    [Test]
    public async Task In_an_empty_root_it_resolves_names_speaks_TLS_and_resumes_after_a_restart()
    {
        await using Scenario scenario = await StartAsync("valid");
        NameServer names = scenario.Owned(await NameServer.StartAsync(scenario.Directory));
        await EmptyRoot.EnterAsync(scenario, names);

        await DeliversAndResumesAsync(scenario, EmptyRoot.Localized(scenario));

        await Eventually.HoldsAsync(
            () => names.Log.Contains($"query[A] {NameServer.KnownName}", StringComparison.Ordinal), "the name server was asked", () => names.Log);
    }

    [Test]
    public async Task For_arm64_it_speaks_TLS_and_resumes_after_a_restart()
    {
        await using Scenario scenario = await Scenario.StartAsync(
            $"--shards {Shards} --max-concurrency {Shards} --tls --host 127.0.0.1 --certificate-directory DIRECTORY");
        scenario.Command = Command("linux-arm64");
        scenario.Environment["SSL_CERT_FILE"] = scenario.File("ca.pem");

        await DeliversAndResumesAsync(scenario, scenario.Config.ToYaml(scenario.Sandbox));
    }

    [Test]
    [Arguments("wrong-name", "name")]
    [Arguments("expired", "expired")]
    [Arguments("unknown-ca", "issuer")]
    public async Task REST_with_a_certificate_that_cannot_be_trusted_is_refused(string certificate, string reason)
    {
        await using Scenario scenario = await StartInEmptyRootAsync(certificate);
        scenario.StartGateway(EmptyRoot.Localized(scenario));

        await SaysAsync(scenario, "certificate", reason);
        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Discord.RestRequests).IsEqualTo(0);
    }

    [Test]
    [Arguments("wrong-name", "name")]
    [Arguments("expired", "expired")]
    [Arguments("unknown-ca", "issuer")]
    public async Task A_broker_with_a_certificate_that_cannot_be_trusted_is_refused(string certificate, string reason)
    {
        await using Scenario scenario = await StartInEmptyRootAsync(certificate);
        RestStub rest = scenario.Owned(RestStub.Start(scenario.Sandbox.GatewayUrl));
        scenario.StartGateway(EmptyRoot.Localized(scenario).Replace(scenario.Sandbox.ApiUrl, rest.Url, StringComparison.Ordinal));

        await SaysAsync(scenario, "singyeong: ", "certificate", reason);
        await Assert.That((await scenario.Sandbox.StatisticsAsync()).Singyeong.ConnectionsTotal).IsEqualTo(0);
    }

    [Test]
    public async Task A_name_of_Discord_that_does_not_resolve_is_said()
    {
        await using Scenario scenario = await StartInEmptyRootAsync("valid");
        scenario.StartGateway(EmptyRoot.Localized(scenario).Replace($"https://{NameServer.KnownName}", $"https://{NameServer.UnknownName}", StringComparison.Ordinal));

        await SaysAsync(scenario, NameServer.UnknownName, "does not resolve");
    }

    [Test]
    public async Task A_name_of_a_broker_that_does_not_resolve_is_said()
    {
        await using Scenario scenario = await StartInEmptyRootAsync("valid");
        scenario.StartGateway(EmptyRoot.Localized(scenario).Replace($"gateway@{NameServer.KnownName}", $"gateway@{NameServer.UnknownName}", StringComparison.Ordinal));

        await SaysAsync(scenario, NameServer.UnknownName, "does not resolve");
    }

    [Test]
    public async Task Without_certificate_authorities_it_exits_with_2_and_says_what_is_missing()
    {
        await using Scenario scenario = await StartAsync("valid");
        await EmptyRoot.EnterAsync(scenario, scenario.Owned(await NameServer.StartAsync(scenario.Directory)), bundle: false);
        scenario.StartGateway(EmptyRoot.Localized(scenario));

        await Assert.That(await scenario.Gateway.WaitForExitAsync()).IsEqualTo(2);
        await Assert.That(scenario.Gateway.LastLine).Contains("ca-certificates").And.Contains("SSL_CERT_FILE");
    }

    /// <summary>Events arrive, all of them and in order, before and after a restart, which costs no IDENTIFY.</summary>
    internal static async Task DeliversAndResumesAsync(Scenario scenario, string yaml)
    {
        scenario.StartGateway(yaml);
        await scenario.HoldsAsync(
            statistics => statistics.Discord.IsConnected(Shards) && statistics.Singyeong.Has("gateway"), $"{Shards} shards and 신경 are connected");
        await scenario.Sandbox.BurstAsync(500);
        await scenario.EverythingArrivesAsync(500 * Shards);
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);

        await scenario.Sandbox.BurstAsync(500);
        scenario.StartGateway(yaml);
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk == Shards, "the shards resume");
        await scenario.EverythingArrivesAsync(1_000 * Shards);
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);

        SandboxStatistics end = await scenario.Sandbox.StatisticsAsync();
        await Assert.That(end.Discord.Identifies).IsEqualTo(Shards);
        await Assert.That(end.Ledger.OutOfOrder + end.Ledger.Wrong).IsEqualTo(0);
        await Assert.That(end.Discord.Violations).IsEmpty();
    }

    private static string[] Command(string rid) =>
        rid == "linux-arm64" ? [Tool.Find("qemu-aarch64-static", "qemu-user-static"), Binaries.Release(rid)] : [Binaries.Release(rid)];

    private static Task<Scenario> StartAsync(string certificate) => Scenario.StartAsync(
        $"--shards {Shards} --max-concurrency {Shards} --tls --certificate {certificate} --host {NameServer.KnownName} --certificate-directory DIRECTORY");

    private static async Task<Scenario> StartInEmptyRootAsync(string certificate)
    {
        Scenario scenario = await StartAsync(certificate);
        try
        {
            await EmptyRoot.EnterAsync(scenario, scenario.Owned(await NameServer.StartAsync(scenario.Directory)));
            return scenario;
        }
        catch
        {
            await scenario.DisposeAsync();
            throw;
        }
    }

    /// <summary>One line of the log holds all the words.</summary>
    private static Task SaysAsync(Scenario scenario, params string[] words) => Eventually.HoldsAsync(
        () => scenario.Gateway.Errors.Split('\n').Any(line => words.All(word => line.Contains(word, StringComparison.OrdinalIgnoreCase))),
        $"a line says: {string.Join(", ", words)}",
        () => scenario.Gateway.Tail);

    [GeneratedRegex("<Version>(.*)</Version>")]
    private static partial Regex Version();
}
