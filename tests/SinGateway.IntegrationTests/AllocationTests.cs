using System.Diagnostics;
using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>The way of an event allocates nothing, so that no collection ever stops it.</summary>
[NotInParallel]
internal sealed class AllocationTests
{
    private const int Shards = 4;

    /// <summary>Every run lasts so long at least.</summary>
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(12);

    [Test]
    public async Task An_event_allocates_less_than_one_managed_byte()
    {
        const int Few = 100_000, Many = 200_000;
        await RunAsync(Few, Length); // Warms the machine's caches, so that the two that count do the same in the same time.

        // Many first, then few for as long as that took: what time alone costs is then the same in both, however slow the machine is.
        (long many, TimeSpan took) = await RunAsync(Many, Length);
        (long few, _) = await RunAsync(Few, took);

        double each = (many - few) / (double)(Many - Few);
        TestContext.Current!.OutputWriter.WriteLine($"{few} bytes for {Few} events, {many} for {Many}: {each:0.000} bytes each");
        await Assert.That(each).IsLessThan(1);
    }

    /// <summary>The managed bytes of a gateway that forwards so many events in bursts and lives so long at least, and how long it did.</summary>
    private static async Task<(long Bytes, TimeSpan Took)> RunAsync(int events, TimeSpan atLeast)
    {
        const int BurstOfShard = 5_000;
        await using Scenario scenario = await Scenario.StartAsync($"--shards {Shards} --max-concurrency {Shards} --compression-level 1");
        await scenario.StartReadyGatewayAsync(Shards);
        long started = Stopwatch.GetTimestamp();
        for (int sent = 0; sent < events; sent += BurstOfShard * Shards)
        {
            await scenario.Sandbox.BurstAsync(BurstOfShard);
            await scenario.EverythingArrivesAsync(sent + BurstOfShard * Shards);
        }
        await Eventually.HoldsAsync(() => Stopwatch.GetElapsedTime(started) >= atLeast, "the time is over");
        TimeSpan took = Stopwatch.GetElapsedTime(started);
        await Assert.That(await scenario.Gateway.TerminateAsync()).IsEqualTo(0);
        return (scenario.Gateway.AllocatedBytes, took);
    }
}
