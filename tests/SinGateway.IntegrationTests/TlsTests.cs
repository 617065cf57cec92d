using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>TLS to REST, to the gateway and to 신경: a good certificate works, and no other one is ever spoken to.</summary>
[ParallelLimiter<FewAtATime>]
internal sealed class TlsTests
{
    private const int Shards = 2;

    [Test]
    public async Task Everything_works_over_TLS()
    {
        const int Bursts = 4, Burst = 2_500;
        await using Scenario scenario = await StartAsync("valid");
        await scenario.StartReadyGatewayAsync(Shards);

        for (int burst = 0; burst < Bursts; burst++)
        {
            await scenario.Sandbox.BurstAsync(Burst);
        }
        await scenario.EverythingArrivesAsync(Bursts * Burst * Shards);
        await scenario.Sandbox.OrderAsync("/discord/drop");
        await scenario.Sandbox.OrderAsync("/singyeong/drop");
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk == Shards, "the shards resume over TLS");
        await scenario.Sandbox.BurstAsync(Burst);
        await scenario.EverythingArrivesAsync((Bursts + 1) * Burst * Shards);
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);

        SandboxStatistics end = await scenario.Sandbox.StatisticsAsync();
        await Assert.That(end.Ledger.OutOfOrder).IsEqualTo(0);
        await Assert.That(end.Ledger.Wrong).IsEqualTo(0);
        await Assert.That(end.Discord.Identifies).IsEqualTo(Shards);
        await Assert.That(end.Discord.ClientCloses.Keys).DoesNotContain(1000).And.DoesNotContain(1001).And.DoesNotContain(1006);
        await Assert.That(end.Discord.Violations).IsEmpty();
    }

    [Test]
    [Arguments("wrong-name", "name")]
    [Arguments("expired", "expired")]
    [Arguments("unknown-ca", "issuer")]
    public async Task REST_with_a_certificate_that_cannot_be_trusted_is_refused(string certificate, string reason)
    {
        await using Scenario scenario = await StartAsync(certificate);
        scenario.StartGateway();

        await RefusesAsync(scenario, reason);
    }

    [Test]
    [Arguments("wrong-name", "name")]
    [Arguments("expired", "expired")]
    [Arguments("unknown-ca", "issuer")]
    public async Task A_gateway_and_a_broker_with_a_certificate_that_cannot_be_trusted_are_refused(string certificate, string reason)
    {
        await using Scenario scenario = await StartAsync(certificate);
        RestStub rest = scenario.Owned(RestStub.Start(scenario.Sandbox.GatewayUrl));
        scenario.StartGateway(scenario.Config.ToYaml(scenario.Sandbox).Replace(scenario.Sandbox.ApiUrl, rest.Url, StringComparison.Ordinal));

        await RefusesAsync(scenario, reason);
        await Eventually.HoldsAsync(
            () => scenario.Gateway.Errors.Contains("Shard 0 lost", StringComparison.Ordinal), "the shard says why it cannot connect", () => scenario.Gateway.Tail);
        await Assert.That(scenario.Gateway.Errors.Split('\n').First(line => line.Contains("Shard 0 lost", StringComparison.Ordinal))).Contains("certificate").And.Contains(reason);
    }

    private static async Task<Scenario> StartAsync(string certificate)
    {
        Scenario scenario = await Scenario.StartAsync(
            $"--shards {Shards} --max-concurrency {Shards} --tls --certificate {certificate} --certificate-directory DIRECTORY");
        scenario.Environment["SSL_CERT_FILE"] = scenario.File("ca.pem");
        return scenario;
    }

    /// <summary>The log names the certificate and what is wrong with it, and nothing was said to the peer.</summary>
    private static async Task RefusesAsync(Scenario scenario, string reason)
    {
        await Eventually.HoldsAsync(
            () => scenario.Gateway.Errors.Split('\n').Any(line =>
                line.Contains("certificate", StringComparison.OrdinalIgnoreCase) && line.Contains(reason, StringComparison.OrdinalIgnoreCase)),
            $"the gateway says that it does not trust the certificate: {reason}",
            () => scenario.Gateway.Tail);
        SandboxStatistics statistics = await scenario.Sandbox.StatisticsAsync();
        await Assert.That(statistics.Discord.RestRequests + statistics.Discord.ConnectionsTotal + statistics.Singyeong.ConnectionsTotal).IsEqualTo(0);
    }
}
