using System.Diagnostics;
using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>
/// What Discord's gateway does to a connection, one thing at a time: the shard comes back, and nothing is lost or doubled.
/// </summary>
[ParallelLimiter<FewAtATime>]
internal sealed class DiscordFaultTests
{
    private const int Shards = 2;
    private const int EventsBefore = 300;
    private const int EventsAfter = 300;
    private const string Sandbox = "--shards 2 --max-concurrency 2 --singyeong-password a-password-of-신경";

    /// <summary>Often enough to wait for, and so seldom that a machine which stands still for some seconds costs no ack, and no connection.</summary>
    private const string Beats = "--heartbeat-interval 5000";

    private static readonly GatewayConfig Config = new() { LoggingLevel = "DEBUG", SingyeongPassword = Uri.EscapeDataString("a-password-of-신경") };

    [Test]
    [Arguments("/discord/drop?shard=0")]
    [Arguments("/discord/fin?shard=0")]
    [Arguments("/discord/op7?shard=0")]
    [Arguments("/discord/op9?shard=0&resumable=true")]
    [Arguments("/discord/corrupt?shard=0")]
    [Arguments("/discord/send-raw?shard=0")]
    [Arguments("/discord/close?shard=0&code=1000")]
    [Arguments("/discord/close?shard=0&code=1001")]
    [Arguments("/discord/close?shard=0&code=1011")]
    [Arguments("/discord/close?shard=0&code=4000")]
    [Arguments("/discord/close?shard=0&code=4002")]
    [Arguments("/discord/close?shard=0&code=4008")]
    [Arguments("/discord/close?shard=0&code=4999")]
    public async Task The_session_is_resumed_after(string fault)
    {
        await using Scenario scenario = await StartAsync();

        await scenario.Sandbox.BurstAsync(EventsBefore);
        await Assert.That(await scenario.Sandbox.OrderAsync(fault, body: "{\"op\":")).IsEqualTo(1);
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk == 1, $"shard 0 resumes after {fault}");

        await EndAsync(scenario, identifies: Shards);
    }

    [Test]
    [Arguments("/discord/op9?shard=0&resumable=false")]
    [Arguments("/discord/close?shard=0&code=4001")]
    [Arguments("/discord/close?shard=0&code=4003")]
    [Arguments("/discord/close?shard=0&code=4005")]
    [Arguments("/discord/close?shard=0&code=4007")]
    [Arguments("/discord/close?shard=0&code=4009")]
    public async Task A_new_session_begins_after(string fault)
    {
        await using Scenario scenario = await StartAsync();

        await scenario.Sandbox.BurstAsync(EventsBefore);
        await scenario.EverythingArrivesAsync(Shards * EventsBefore);
        await Assert.That(await scenario.Sandbox.OrderAsync(fault)).IsEqualTo(1);
        await scenario.HoldsAsync(
            statistics => statistics.Discord.Identifies == Shards + 1 && statistics.Discord.Shards.Count(shard => shard.Connected) == Shards,
            $"shard 0 identifies after {fault}");

        await EndAsync(scenario, identifies: Shards + 1);
    }

    [Test]
    public async Task A_refused_resume_is_followed_by_a_new_session()
    {
        await using Scenario scenario = await StartAsync();

        await scenario.Sandbox.BurstAsync(EventsBefore);
        await scenario.EverythingArrivesAsync(Shards * EventsBefore);
        await scenario.Sandbox.OrderAsync("/discord/refuse-resume?count=1");
        await scenario.Sandbox.OrderAsync("/discord/drop?shard=0");
        await scenario.HoldsAsync(
            statistics => statistics.Discord.Identifies == Shards + 1 && statistics.Discord.IsConnected(Shards), "shard 0 identifies after a refused resume");

        await EndAsync(scenario, identifies: Shards + 1);
    }

    [Test]
    [Arguments("/discord/refuse-upgrade?status=503&count=2")]
    [Arguments("/discord/refuse-upgrade?status=403&count=2")]
    [Arguments("/discord/garbage?count=2")]
    [Arguments("/discord/reconnect-before-hello?count=2")]
    [Arguments("/discord/hello-delay?ms=700")]
    public async Task The_session_survives_a_reconnect_that_meets(string fault)
    {
        await using Scenario scenario = await StartAsync();

        await scenario.Sandbox.OrderAsync(fault);
        await scenario.Sandbox.BurstAsync(EventsBefore);
        await scenario.Sandbox.OrderAsync("/discord/drop?shard=0");
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk == 1, $"shard 0 resumes in spite of {fault}");

        await EndAsync(scenario, identifies: Shards);
    }

    [Test]
    public async Task A_refused_upgrade_is_not_tried_again_before_its_Retry_After()
    {
        const int RetryAfter = 6;
        await using Scenario scenario = await StartAsync();

        await scenario.Sandbox.BurstAsync(EventsBefore);
        Stopwatch clock = Stopwatch.StartNew();
        await scenario.Sandbox.OrderAsync($"/discord/refuse-upgrade?status=429&retry_after={RetryAfter}&count=1");
        await scenario.Sandbox.OrderAsync("/discord/drop?shard=0");
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk == 1, "shard 0 resumes after the time that the 429 asked for");
        await Assert.That(clock.Elapsed.TotalSeconds).IsGreaterThanOrEqualTo(RetryAfter);

        await EndAsync(scenario, identifies: Shards);
    }

    [Test]
    public async Task Sessions_that_end_with_4003_on_several_shards_are_replaced_and_the_reason_is_said()
    {
        await using Scenario scenario = await StartAsync();

        await scenario.Sandbox.BurstAsync(EventsBefore);
        await scenario.EverythingArrivesAsync(Shards * EventsBefore);
        await Assert.That(await scenario.Sandbox.OrderAsync("/discord/close?shard=all&code=4003")).IsEqualTo(Shards);
        await scenario.HoldsAsync(
            statistics => statistics.Discord.Identifies == 2 * Shards && statistics.Discord.IsConnected(Shards), "both shards identify after 4003");
        await scenario.Gateway.SaysAsync("the token was reset, or a privileged intent was switched off");

        await EndAsync(scenario, identifies: 2 * Shards);
    }

    [Test]
    public async Task Heartbeats_go_on_while_READY_does_not_come_and_no_second_IDENTIFY_is_sent()
    {
        await using Scenario scenario = await StartAsync(Beats);

        await scenario.Sandbox.BurstAsync(EventsBefore);
        await scenario.EverythingArrivesAsync(Shards * EventsBefore);
        await scenario.Sandbox.OrderAsync("/discord/hold-ready?shard=0");
        await scenario.Sandbox.OrderAsync("/discord/op9?shard=0&resumable=false");
        SandboxStatistics held = await scenario.HoldsAsync(statistics => statistics.Discord.Identifies == Shards + 1, "shard 0 identifies");
        await scenario.HoldsAsync(statistics => statistics.Discord.Heartbeats >= held.Discord.Heartbeats + 3 * Shards, "heartbeats go on");
        await scenario.Sandbox.OrderAsync("/discord/release");
        await scenario.HoldsAsync(statistics => statistics.Discord.IsConnected(Shards), "READY comes after all");

        SandboxStatistics end = await EndAsync(scenario, identifies: Shards + 1);
        await Assert.That(end.Discord.IdentifiesUnanswered).IsEqualTo(0);
        await Assert.That(end.Discord.HeartbeatTimeouts).IsEqualTo(0);
    }

    [Test]
    public async Task What_a_deaf_connection_has_kept_back_comes_with_the_RESUME()
    {
        await using Scenario scenario = await StartAsync();

        await scenario.Sandbox.OrderAsync("/discord/deaf?shard=0");
        await scenario.Sandbox.BurstAsync(EventsBefore);
        await scenario.HoldsAsync(statistics => statistics.Ledger.Missing == EventsBefore, "the events of the other shard arrive");
        await scenario.Sandbox.OrderAsync("/discord/op7?shard=0");
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk == 1, "shard 0 resumes");

        await EndAsync(scenario, identifies: Shards);
    }

    [Test]
    public async Task Only_what_was_kept_back_from_a_session_that_ended_is_undeliverable()
    {
        await using Scenario scenario = await StartAsync();

        await scenario.Sandbox.BurstAsync(EventsBefore);
        await scenario.EverythingArrivesAsync(Shards * EventsBefore);
        await scenario.Sandbox.OrderAsync("/discord/deaf?shard=0");
        await scenario.Sandbox.BurstAsync(EventsBefore);
        SandboxStatistics deaf = await scenario.HoldsAsync(
            statistics => statistics.Ledger.Missing == EventsBefore, "the events of the other shard arrive");
        await Assert.That(deaf.Ledger.Lost).IsEqualTo(EventsBefore);
        await scenario.Sandbox.OrderAsync("/discord/op9?shard=0&resumable=false");
        await scenario.HoldsAsync(
            statistics => statistics.Discord.Identifies == Shards + 1 && statistics.Discord.IsConnected(Shards), "shard 0 has a new session");
        await scenario.Sandbox.BurstAsync(EventsAfter);

        SandboxStatistics end = await scenario.HoldsAsync(
            statistics => statistics.Ledger.Lost == 0 && statistics.Ledger.Distinct == Shards * (EventsBefore + EventsAfter) + EventsBefore,
            "all else arrives");
        await Assert.That(end.Ledger.Undeliverable).IsEqualTo(EventsBefore);
        await Assert.That(end.Ledger.OutOfOrder).IsEqualTo(0);
        await Assert.That(end.Discord.IdentifiesNeedless).IsEqualTo(0);
    }

    [Test]
    [Arguments("/discord/hold-resumed?count=2")]
    [Arguments("/discord/hold-hello?count=2")]
    [Arguments("/discord/refuse-upgrade?status=503&count=1000")]
    public async Task A_termination_leaves_the_sessions_alive_while_a_reconnect_meets(string fault)
    {
        await using Scenario scenario = await StartAsync();
        await scenario.SessionsAreStoredAsync();
        await scenario.Sandbox.BurstAsync(EventsBefore);
        await scenario.EverythingArrivesAsync(Shards * EventsBefore);

        await scenario.Sandbox.OrderAsync(fault);
        long connections = (await scenario.Sandbox.StatisticsAsync()).Discord.ConnectionsTotal;
        await scenario.Sandbox.OrderAsync("/discord/drop?shard=all");
        await scenario.HoldsAsync(
            statistics => statistics.Discord.ConnectionsTotal >= connections + Shards
                || scenario.Gateway.Errors.Contains("503", StringComparison.Ordinal),
            "the shards try to come back");
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);
        await scenario.Sandbox.OrderAsync("/discord/refuse-upgrade?count=0");
        await scenario.Sandbox.OrderAsync("/discord/release");
        scenario.StartGateway();
        await scenario.HoldsAsync(statistics => statistics.Discord.IsConnected(Shards), "the next process resumes");

        SandboxStatistics end = await EndAsync(scenario, identifies: Shards);
        await Assert.That(end.Discord.ClientCloses.Keys).DoesNotContain(1000).And.DoesNotContain(1001);
    }

    [Test]
    public async Task A_connection_that_acknowledges_no_heartbeat_is_replaced()
    {
        await using Scenario scenario = await StartAsync(Beats);

        await scenario.Sandbox.OrderAsync("/discord/stall-acks?shard=0");
        await scenario.Sandbox.BurstAsync(EventsBefore);
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk == 1, "shard 0 resumes when its heartbeats are not acknowledged");

        await EndAsync(scenario, identifies: Shards);
    }

    [Test]
    public async Task A_requested_heartbeat_is_sent_at_once()
    {
        await using Scenario scenario = await StartAsync("--heartbeat-interval 600000");

        for (int request = 1; request <= 3; request++)
        {
            long before = (await scenario.Sandbox.StatisticsAsync()).Discord.Heartbeats;
            await scenario.Sandbox.OrderAsync("/discord/heartbeat-request?shard=0");
            await scenario.HoldsAsync(statistics => statistics.Discord.Heartbeats > before, "a heartbeat comes when it is asked for");
        }
        await scenario.Sandbox.BurstAsync(EventsBefore);

        SandboxStatistics end = await EndAsync(scenario, identifies: Shards);
        await Assert.That(end.Discord.ConnectionsTotal).IsEqualTo(Shards);
    }

    [Test]
    [Arguments("/discord/fragment?bytes=100")]
    [Arguments("/discord/fragment?bytes=37&empty=true")]
    public async Task Fragmented_messages_are_read_whole(string fault)
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, Config);
        await scenario.Sandbox.OrderAsync(fault);
        await scenario.StartReadyGatewayAsync(Shards);
        await scenario.Sandbox.BurstAsync(EventsBefore);

        SandboxStatistics end = await EndAsync(scenario, identifies: Shards);
        await Assert.That(end.Discord.ConnectionsTotal).IsEqualTo(Shards);
    }

    [Test]
    [Arguments("/discord/rest?status=429&retry_after=0.4&count=2")]
    [Arguments("/discord/rest?status=429&retry_after=1&html=true&count=1")]
    [Arguments("/discord/rest?status=500&count=2")]
    [Arguments("/discord/rest?status=502&html=true&count=2")]
    [Arguments("/discord/rest?status=503&count=1")]
    public async Task The_start_waits_out_a_REST_answer_of(string fault)
    {
        await using Scenario scenario = await Scenario.StartAsync(Sandbox, Config);
        await scenario.Sandbox.OrderAsync(fault);
        await scenario.StartReadyGatewayAsync(Shards);
        await scenario.Sandbox.BurstAsync(EventsBefore);

        await EndAsync(scenario, identifies: Shards);
    }

    [Test]
    public async Task A_session_without_a_resume_URL_is_resumed_at_the_base_URL()
    {
        await using Scenario scenario = await StartAsync("--resume-url off");

        await scenario.Sandbox.BurstAsync(EventsBefore);
        await scenario.Sandbox.OrderAsync("/discord/drop?shard=0");
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk == 1, "shard 0 resumes");

        SandboxStatistics end = await EndAsync(scenario, identifies: Shards);
        await Assert.That(end.Discord.ResumesOnBaseUrl).IsEqualTo(1);
    }

    [Test]
    public async Task A_dead_resume_URL_gives_way_to_the_base_URL()
    {
        await using Scenario scenario = await StartAsync("--resume-url ws://127.0.0.1:1");

        await scenario.Sandbox.BurstAsync(EventsBefore);
        await scenario.Sandbox.OrderAsync("/discord/drop?shard=0");
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk == 1, "shard 0 resumes");

        await EndAsync(scenario, identifies: Shards);
    }

    [Test]
    public async Task Identifies_of_one_bucket_keep_their_distance()
    {
        await using Scenario scenario = await Scenario.StartAsync("--shards 3 --max-concurrency 1");
        await scenario.StartReadyGatewayAsync(shards: 3);

        SandboxStatistics statistics = await scenario.Sandbox.StatisticsAsync();
        await Assert.That(statistics.Discord.Identifies).IsEqualTo(3);
        await Assert.That(statistics.Discord.PacingViolations).IsEqualTo(0);
    }

    private static async Task<Scenario> StartAsync(string sandbox = "")
    {
        Scenario scenario = await Scenario.StartAsync($"{Sandbox} {sandbox}", Config);
        try
        {
            await scenario.StartReadyGatewayAsync(Shards);
            return scenario;
        }
        catch
        {
            await scenario.DisposeAsync();
            throw;
        }
    }

    /// <summary>More events, a stop, and what must be true of all of it.</summary>
    private static async Task<SandboxStatistics> EndAsync(Scenario scenario, int identifies)
    {
        await scenario.Sandbox.BurstAsync(EventsAfter);
        await scenario.EverythingArrivesAsync(Shards * (EventsBefore + EventsAfter));
        string[] sessions = [.. (await scenario.Sandbox.StatisticsAsync()).Discord.Shards.Select(shard => shard.Session)];
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);

        SandboxStatistics end = await scenario.Sandbox.StatisticsAsync();
        await Assert.That(end.Ledger.Missing).IsEqualTo(0);
        await Assert.That(end.Ledger.Duplicates).IsEqualTo(0);
        await Assert.That(end.Ledger.OutOfOrder).IsEqualTo(0);
        await Assert.That(end.Ledger.Wrong).IsEqualTo(0);
        await Assert.That(end.Discord.Identifies).IsEqualTo(identifies);
        await Assert.That(end.Discord.IdentifiesNeedless).IsEqualTo(0);
        await Assert.That(end.Discord.Violations).IsEmpty();
        foreach (string secret in (string[])[Config.Token, Config.SingyeongPassword!, Uri.UnescapeDataString(Config.SingyeongPassword!), .. sessions])
        {
            await Assert.That(scenario.Gateway.Errors).DoesNotContain(secret);
        }
        return end;
    }
}
