using System.Text.Json;
using System.Text.RegularExpressions;
using SinGateway.IntegrationTests.Fixtures;
using SinGateway.Tests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>What a running gateway tells over HTTP, while it starts, works, loses things and stops.</summary>
[ParallelLimiter<FewAtATime>]
internal sealed partial class EndpointTests
{
    private const int Shards = 4;
    private const string Sandbox = "--shards 4 --max-concurrency 4";

    private static readonly GatewayConfig Config = new() { More = Endpoints.Listen };

    [Test]
    public async Task While_Discord_does_not_answer_the_gateway_is_alive_and_starting()
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, Config);
        await scenario.Sandbox.OrderAsync("/discord/rest?status=503&count=1000000");
        scenario.StartGateway();
        Endpoints endpoints = scenario.Owned(await Endpoints.OfAsync(scenario.Gateway));

        await Assert.That(await endpoints.GetAsync("/livez")).IsEqualTo((200, "alive, starting\n"));
        await Assert.That(await endpoints.GetAsync("/readyz")).IsEqualTo((503, """{"ready":false,"reasons":["the gateway is starting"]}""" + "\n"));
        await Assert.That((await endpoints.StatusAsync()).GetProperty("stage").GetString()).IsEqualTo("starting");
        await Assert.That((await endpoints.GetAsync("/metrics")).Body).Contains("singateway_build_info{");

        await scenario.Sandbox.OrderAsync("/discord/rest?count=0");
        await endpoints.AnswersAsync("/readyz", 200);
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);
    }

    [Test]
    public async Task A_shard_that_is_not_ready_is_named_until_it_is()
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, Config);
        await scenario.Sandbox.OrderAsync("/discord/hold-ready?shard=0");
        scenario.StartGateway();
        Endpoints endpoints = scenario.Owned(await Endpoints.OfAsync(scenario.Gateway));

        await endpoints.AnswersAsync("/readyz", 503, """["shard 0 is not ready: identifying"]""");
        await Assert.That((await endpoints.GetAsync("/livez")).Status).IsEqualTo(200);
        await Assert.That(await endpoints.MetricAsync("""singateway_shard_state{shard="0",state="identifying"}""")).IsEqualTo(1);

        await scenario.Sandbox.OrderAsync("/discord/release");
        await endpoints.AnswersAsync("/readyz", 200);
        await endpoints.MetricIsAsync("""singateway_shard_state{shard="0",state="ready"}""", 1);
    }

    [Test]
    public async Task An_absent_broker_is_told_and_forgotten_when_it_is_back()
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, Config);
        await scenario.StartReadyGatewayAsync(Shards);
        Endpoints endpoints = scenario.Owned(await Endpoints.OfAsync(scenario.Gateway));
        await endpoints.AnswersAsync("/readyz", 200);

        await scenario.Sandbox.OrderAsync("/singyeong/stop");
        await endpoints.AnswersAsync("/readyz", 503, "신경 is not connected");
        await endpoints.MetricIsAsync("""singateway_broker_connected{connection="0"}""", 0);
        await scenario.Sandbox.BurstAsync(100);
        await Eventually.HoldsAsync(
            () => endpoints.MetricAsync("singateway_outbox_bytes"), bytes => bytes >= 256 * 1024, "the outbox fills", bytes => $"it holds {bytes} bytes");
        JsonElement status = await endpoints.StatusAsync();
        await Assert.That(status.GetProperty("connections")[0].GetProperty("connected").GetBoolean()).IsFalse();
        await Assert.That(string.Join('\n', status.GetProperty("faults").EnumerateArray())).Contains("singyeong");

        await scenario.Sandbox.OrderAsync("/singyeong/start");
        await endpoints.AnswersAsync("/readyz", 200);
        await scenario.EverythingArrivesAsync(100 * Shards);
        await endpoints.MetricIsAsync("singateway_outbox_bytes", 0);
    }

    [Test]
    [Arguments(1)]
    [Arguments(2)]
    public async Task What_is_counted_is_what_happened(int loops)
    {
        const int Burst = 500;
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, Config with { Connections = loops, Loops = loops });
        await scenario.StartReadyGatewayAsync(Shards);
        Endpoints endpoints = scenario.Owned(await Endpoints.OfAsync(scenario.Gateway));
        await scenario.Sandbox.BurstAsync(Burst);
        await scenario.EverythingArrivesAsync(Burst * Shards);
        await scenario.Sandbox.OrderAsync("/discord/close?shard=1&code=4000");
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk == 1, "the shard that was cut has resumed");
        await scenario.Sandbox.OrderAsync("/discord/op9?shard=2&resumable=false");
        SandboxStatistics sandbox = await scenario.HoldsAsync(
            statistics => statistics.Discord.Identifies == Shards + 1 && statistics.Discord.IsConnected(Shards), "the shard whose session ended has identified");
        await endpoints.AnswersAsync("/readyz", 200);

        await endpoints.MetricIsAsync("""singateway_sessions_total{result="identified"}""", Shards + 1);
        await endpoints.MetricIsAsync("""singateway_sessions_total{result="resumed"}""", 1);
        await endpoints.MetricIsAsync("""singateway_lost_total{reason="resume_refused"}""", 1);
        await endpoints.MetricIsAsync("""singateway_gateway_closes_total{code="4000"}""", 1);
        await endpoints.MetricIsAsync("""singateway_dispatch_events_total{event="MESSAGE_CREATE"}""", Burst * Shards);
        await endpoints.MetricIsAsync("""singateway_dispatch_events_total{event="READY"}""", Shards + 1);
        await endpoints.MetricIsAsync("""singateway_dispatch_events_total{event="RESUMED"}""", 1);
        await endpoints.MetricIsAsync("""singateway_forwarded_total{rule="0"}""", Burst * Shards);
        await endpoints.MetricIsAsync("singateway_event_latency_seconds_count", Burst * Shards);
        // A machine that is busy enough may keep the second loop from an IDENTIFY in time; it is then counted, and tried again.
        int late = scenario.Gateway.Errors.Split('\n').Count(line => line.Contains("its loop was busy", StringComparison.Ordinal));
        await endpoints.MetricIsAsync("singateway_session_starts_remaining", 1000 - sandbox.Discord.Identifies - late);
        await endpoints.MetricIsAsync("singateway_identify_wait_seconds_count", Shards + 1 + late);

        // RESUMED is of no rule: it is committed by the barrier after the one that confirmed the last message.
        JsonElement status = await Eventually.HoldsAsync(
            endpoints.StatusAsync,
            told => told.GetProperty("shards").EnumerateArray().All(one => one.GetProperty("committed").GetInt64() == one.GetProperty("received").GetInt64()),
            "everything is committed",
            told => told.ToString());
        JsonElement[] shards = [.. status.GetProperty("shards").EnumerateArray()];
        await Assert.That(shards.Select(one => one.GetProperty("id").GetInt32())).IsEquivalentTo(Enumerable.Range(0, Shards));
        await Assert.That(shards.Select(one => one.GetProperty("connection").GetInt32()).Distinct()).IsEquivalentTo(Enumerable.Range(0, loops));
        JsonElement shard = shards[1];
        await Assert.That(shard.GetProperty("received").GetInt64()).IsEqualTo(sandbox.Discord.Shards.Single(one => one.Shard == 1 && one.Connected).Seq);
        await Assert.That(string.Join('\n', status.GetProperty("faults").EnumerateArray())).Contains("Shard 1 lost its connection: Discord closed with 4000");
    }

    [Test]
    public async Task An_event_that_nobody_takes_is_counted_by_its_rule_and_its_end()
    {
        GatewayConfig config = Config with { Forwarding = GatewayConfig.ToSink.Replace("\"sink\"", "\"nobody\"", StringComparison.Ordinal) + "\n  unrouted: drop" };
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, config);
        await scenario.StartReadyGatewayAsync(Shards);
        Endpoints endpoints = scenario.Owned(await Endpoints.OfAsync(scenario.Gateway));

        await scenario.Sandbox.BurstAsync(10);

        await endpoints.MetricIsAsync("""singateway_unrouted_total{rule="0"}""", 10 * Shards);
        await endpoints.MetricIsAsync("""singateway_lost_total{reason="unrouted"}""", 10 * Shards);
    }

    [Test]
    public async Task Events_that_wait_for_a_worker_are_told_with_its_application()
    {
        GatewayConfig config = Config with { Forwarding = GatewayConfig.ToSink.Replace("\"sink\"", "\"nobody\"", StringComparison.Ordinal) };
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, config);
        await scenario.StartReadyGatewayAsync(Shards);
        Endpoints endpoints = scenario.Owned(await Endpoints.OfAsync(scenario.Gateway));

        await scenario.Sandbox.BurstAsync(10);

        (_, string status) = await endpoints.AnswersAsync("/status", 200, "\"heldMessages\":40,\"heldLanes\":1");
        await Assert.That(status).Contains("\"lanes\":[{\"application\":\"nobody\",\"messages\":40,");
    }

    [Test]
    public async Task What_waits_on_disk_is_told_and_its_time_is_counted_since_Discord_sent_it()
    {
        const int Burst = 3_000;
        GatewayConfig config = Config with { Outbox = "2MiB", More = Endpoints.Listen + "\nspool: { directory: \".\", maxSize: 64MiB }" };
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, config);
        await scenario.StartReadyGatewayAsync(Shards);
        Endpoints endpoints = scenario.Owned(await Endpoints.OfAsync(scenario.Gateway));
        await scenario.Sandbox.OrderAsync("/singyeong/stop");
        await endpoints.AnswersAsync("/readyz", 503, "신경 is not connected");

        await scenario.Sandbox.BurstAsync(Burst);
        await endpoints.MetricIsAsync("""singateway_dispatch_events_total{event="MESSAGE_CREATE"}""", Burst * Shards);
        await Eventually.HoldsAsync(
            () => endpoints.MetricAsync("singateway_spool_bytes"), bytes => bytes > 1024 * 1024, "the spool fills", bytes => $"it holds {bytes} bytes");
        await Assert.That((await endpoints.StatusAsync()).GetProperty("spool").GetProperty("waiting").GetInt64()).IsGreaterThan(Burst);
        await scenario.Sandbox.OrderAsync("/singyeong/start");
        await scenario.EverythingArrivesAsync(Burst * Shards);

        await endpoints.MetricIsAsync("singateway_event_latency_seconds_count", Burst * Shards);
        await endpoints.MetricIsAsync("""singateway_forwarded_total{rule="0"}""", Burst * Shards);
        await Eventually.HoldsAsync(
            endpoints.StatusAsync, status => status.GetProperty("spool").GetProperty("waiting").GetInt64() == 0, "nothing waits in the spool", status => status.ToString());
    }

    [Test]
    public async Task Scrapes_under_load_are_whole_and_cost_no_event()
    {
        const int Burst = 20_000;
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, Config);
        await scenario.StartReadyGatewayAsync(Shards);
        Endpoints endpoints = scenario.Owned(await Endpoints.OfAsync(scenario.Gateway));
        using CancellationTokenSource over = new();
        Task<int>[] scrapers = [.. Enumerable.Range(0, 4).Select(_ => ScrapeAsync(endpoints, over.Token))];

        await scenario.Sandbox.BurstAsync(Burst);
        await scenario.EverythingArrivesAsync(Burst * Shards);

        await over.CancelAsync();
        await Assert.That(await Task.WhenAll(scrapers)).All(count => count > 0);
        await endpoints.MetricIsAsync("""singateway_forwarded_total{rule="0"}""", Burst * Shards);
    }

    [Test]
    public async Task Prometheus_finds_nothing_wrong_with_the_metrics_of_a_gateway_that_had_faults()
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, Config with { More = Endpoints.Listen + "\ncommands: { enabled: true }" });
        await scenario.StartReadyGatewayAsync(Shards);
        Endpoints endpoints = scenario.Owned(await Endpoints.OfAsync(scenario.Gateway));
        await scenario.Sandbox.OrderAsync("/discord/drop?shard=all");
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk == Shards, "every shard has resumed");
        await scenario.Sandbox.BurstAsync(100);
        await scenario.EverythingArrivesAsync(100 * Shards);
        await endpoints.MetricIsAsync("""singateway_gateway_closes_total{code="none"}""", Shards);

        (_, string metrics) = await endpoints.GetAsync("/metrics");

        await Assert.That(await Promtool.ComplaintsAsync(metrics, ".", "check", "metrics")).IsEmpty();
        await Assert.That(Samples().Count(metrics)).IsGreaterThan(200);
    }

    [Test]
    public async Task No_secret_is_told()
    {
        await using Scenario scenario = await Scenario.StartAsync($"{Sandbox} --singyeong-password a-password-to-be-kept", Config with { SingyeongPassword = "a-password-to-be-kept" });
        await scenario.StartReadyGatewayAsync(Shards);
        Endpoints endpoints = scenario.Owned(await Endpoints.OfAsync(scenario.Gateway));
        await scenario.Sandbox.OrderAsync("/discord/drop?shard=all");
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk == Shards, "every shard has resumed");
        await scenario.Sandbox.OrderAsync("/singyeong/drop");
        string[] sessions = [.. (await scenario.Sandbox.StatisticsAsync()).Discord.Shards.Select(shard => shard.Session)];
        await endpoints.AnswersAsync("/status", 200, "lost its connection");
        foreach (string path in (string[])["/livez", "/readyz", "/metrics", "/", "/nothing"])
        {
            await endpoints.GetAsync(path);
        }

        string seen = endpoints.Seen.ToString();
        foreach (string secret in sessions.Append(scenario.Config.Token).Append("a-password-to-be-kept"))
        {
            await Assert.That(seen).DoesNotContain(secret);
        }
    }

    [Test]
    public async Task A_HEAD_has_no_body_and_other_methods_are_refused()
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, Config);
        scenario.StartGateway();
        Endpoints endpoints = scenario.Owned(await Endpoints.OfAsync(scenario.Gateway));

        foreach (string path in (string[])["/", "/livez", "/readyz", "/status", "/metrics"])
        {
            string answer = await endpoints.SendAsync($"HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n");
            await Assert.That(answer).StartsWith("HTTP/1.1 ").And.EndsWith("\r\n\r\n");
            await Assert.That(ContentLength().Match(answer).Groups[1].Value).IsNotEqualTo("0").And.IsNotEmpty();
        }

        await Assert.That(await endpoints.SendAsync("PUT /livez HTTP/1.1\r\nHost: a\r\n\r\n")).StartsWith("HTTP/1.1 405 ").And.Contains("Allow: GET, HEAD");
    }

    [Test]
    public async Task An_address_that_is_taken_ends_the_start_with_the_cause_and_the_fix()
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, Config);
        scenario.StartGateway();
        Endpoints endpoints = scenario.Owned(await Endpoints.OfAsync(scenario.Gateway));

        string taken = scenario.Config.ToYaml(scenario.Sandbox).Replace("127.0.0.1:0", $"127.0.0.1:{endpoints.Port}", StringComparison.Ordinal)
            .Replace("singateway.state", "another.state", StringComparison.Ordinal);
        scenario.StartGateway(taken);

        await Assert.That(await scenario.Gateway.WaitForExitAsync()).IsEqualTo(2);
        await Assert.That(scenario.Gateway.LastLine).StartsWith("operations.listen: cannot listen at").And.Contains("Address already in use").And.Contains("name another");
    }

    [Test]
    public async Task Clients_that_keep_their_connections_do_not_keep_the_gateway_from_stopping()
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, Config);
        await scenario.StartReadyGatewayAsync(Shards);
        Endpoints endpoints = scenario.Owned(await Endpoints.OfAsync(scenario.Gateway));
        using System.Net.Sockets.TcpClient idle = new();
        await idle.ConnectAsync("127.0.0.1", endpoints.Port);

        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);
    }

    private static async Task<int> ScrapeAsync(Endpoints endpoints, CancellationToken over)
    {
        int count = 0;
        for (; !over.IsCancellationRequested; count++)
        {
            (int status, string body) = await endpoints.GetAsync(count % 2 == 0 ? "/metrics" : "/status");
            if (status != 200 || !body.EndsWith('\n'))
            {
                throw new InvalidOperationException($"a scrape under load: {status}, {body.Length} characters");
            }
        }
        return count;
    }

    [GeneratedRegex(@"^\w+(\{.*\})? [-+0-9.eInf]+$", RegexOptions.Multiline)]
    private static partial Regex Samples();

    [GeneratedRegex(@"\r\nContent-Length: (\d+)\r\n")]
    private static partial Regex ContentLength();
}
