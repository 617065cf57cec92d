using Microsoft.Extensions.Time.Testing;
using SinGateway.Tests.Fixtures;
using SinGateway.Tests.Loop;

namespace SinGateway.Tests;

public sealed class MinuteSummaryTests
{
    private static readonly GatewayFigures Quiet = new(
        Ready: 4, Shards: 4, Resuming: 0, Connected: 1, Connections: 1, Events: 100, Forwarded: 90, OutboxBytes: 0, Lost: 2, Latencies: 123, Measured: 3, SlowestLatency: 55);

    [Test]
    public async Task A_minute_with_events_has_a_line()
    {
        string[] said = await SayAsync(Quiet, Quiet with { Events = 700, Forwarded = 360, OutboxBytes = 262_144 });

        await Assert.That(said.Single()).IsEqualTo(
            "Information 4 of 4 shards ready, 1 of 1 connections to 신경; 10.0 events/s, 4.5 forwarded/s; 262144 bytes in the outbox, 2 lost so far; heartbeats take 41 ms (55 at most)");
    }

    [Test]
    public async Task A_minute_without_events_has_none() => await Assert.That(await SayAsync(Quiet, Quiet, Quiet)).IsEmpty();

    [Test]
    public async Task A_minute_without_events_has_a_line_while_a_shard_is_not_ready() =>
        await Assert.That((await SayAsync(Quiet, Quiet with { Ready = 3 })).Length).IsEqualTo(1);

    [Test]
    public async Task A_minute_without_events_has_a_line_while_singyeong_is_away() =>
        await Assert.That((await SayAsync(Quiet, Quiet with { Connected = 0 })).Length).IsEqualTo(1);

    [Test]
    public async Task A_minute_in_which_something_was_lost_has_a_line() =>
        await Assert.That((await SayAsync(Quiet, Quiet with { Lost = 3 })).Length).IsEqualTo(1);

    [Test]
    public async Task Rates_are_of_the_last_minute()
    {
        string[] said = await SayAsync(Quiet, Quiet with { Events = 160 }, Quiet with { Events = 400 });

        await Assert.That(said[0]).Contains("; 1.0 events/s");
        await Assert.That(said[1]).Contains("; 4.0 events/s");
    }

    /// <summary>What is said when the figures are <paramref name="first"/> at the start, and the others a minute apart.</summary>
    private static async Task<string[]> SayAsync(GatewayFigures first, params GatewayFigures[] minutes)
    {
        using RunningLoop running = new(new FakeTimeProvider());
        RecordingLogger logger = new();
        GatewayFigures figures = first;
        MinuteSummary summary = new(running.Loop, told => told(figures), logger);
        await running.RunAsync(summary.Start);
        foreach (GatewayFigures minute in minutes)
        {
            await running.RunAsync(() => figures = minute);
            await running.AdvanceAsync(MinuteSummary.Period);
        }

        return [.. logger.Entries];
    }
}
