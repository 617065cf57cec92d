using SinGateway.Discord;

namespace SinGateway.Tests.Discord;

/// <summary>What the worst days cost, over 50 hours of virtual time: two days, and the moment when the first extras are a day old.</summary>
public sealed class IdentifySimulationTests
{
    private const int Seed = 20_260_701;

    [Test]
    [MatrixDataSource]
    public async Task No_fault_costs_more_than_a_first_of_each_shard_and_a_quarter(
        [Matrix(
            SimulatedFault.InvalidAfterReady, SimulatedFault.ClosedAfterReady, SimulatedFault.ResetAfterReady, SimulatedFault.TimedOutAfterReady,
            SimulatedFault.IdentifyRefused, SimulatedFault.ClosedWhileIdentifying)]
        SimulatedFault fault,
        [Matrix(1, 16, 1_024)] int shards,
        [Matrix(1, 16, 128)] int maxConcurrency)
    {
        int total = TotalOf(shards);
        IdentifySimulation simulation = new(fault, shards, total, maxConcurrency, Seed);
        simulation.Run(2 * IdentifySimulation.Day + 7_200_000);
        Console.WriteLine(
            $"{fault} shards={shards} mc={maxConcurrency}: {simulation.IdentifiesOfTheFirstDay} IDENTIFYs in the first 24 h, {simulation.MostInADay} in the fullest "
            + $"24 h of {shards + total / 4} allowed, {simulation.Identifies} in 50 h, at least {simulation.LeastRemaining} of {total} left, "
            + $"{simulation.Connections} connections");

        await Assert.That(simulation.MostInADay).IsLessThanOrEqualTo(shards + total / 4);
        await Assert.That(simulation.LeastRemaining).IsGreaterThanOrEqualTo(Math.Max(10, total / 20));
        await Assert.That(simulation.PaceViolations).IsEqualTo(0);
        await Assert.That(simulation.Identifies).IsGreaterThan(shards).Because("the fault costs something, or this shows nothing");
    }

    [Test]
    [MatrixDataSource]
    public async Task Connections_that_fail_before_HELLO_cost_no_IDENTIFY([Matrix(1, 16, 1_024)] int shards, [Matrix(1, 16, 128)] int maxConcurrency)
    {
        IdentifySimulation simulation = new(SimulatedFault.NoHello, shards, TotalOf(shards), maxConcurrency, Seed);
        simulation.Run(2 * 3_600_000);
        Console.WriteLine($"NoHello shards={shards} mc={maxConcurrency}: {simulation.Identifies} IDENTIFYs, {simulation.Connections} connections");

        await Assert.That(simulation.Identifies).IsEqualTo(0);
        await Assert.That(simulation.Connections).IsGreaterThan(shards);
    }

    [Test]
    [MatrixDataSource]
    public async Task A_healthy_start_takes_the_pace_for_each_round_of_the_buckets([Matrix(1, 16, 1_024)] int shards, [Matrix(1, 16, 128)] int maxConcurrency)
    {
        IdentifySimulation simulation = new(SimulatedFault.None, shards, TotalOf(shards), maxConcurrency, Seed);
        simulation.Run(IdentifySimulation.Day);
        int rounds = (shards + maxConcurrency - 1) / maxConcurrency;
        Console.WriteLine($"None shards={shards} mc={maxConcurrency}: {simulation.Identifies} IDENTIFYs, all ready after {simulation.AllReadyAt / 1000.0:0.0} s");

        // Each round adds connecting, HELLO and the ledger: a permit is used that long after it was granted.
        const int Connecting = 200 + 200 + 20;
        await Assert.That(simulation.EverReady).IsEqualTo(shards);
        await Assert.That(simulation.Identifies).IsEqualTo(shards);
        await Assert.That(simulation.PaceViolations).IsEqualTo(0);
        await Assert.That(simulation.AllReadyAt).IsLessThanOrEqualTo((long)rounds * (IdentifyBuckets.Pace + Connecting));
    }

    private static int TotalOf(int shards) => shards > 16 ? 5_000 : 1_000;
}
