using SinGateway.Discord;
using SinGateway.Sessions;
using SinGateway.Tests.Fixtures;
using SinGateway.Tests.Loop;

namespace SinGateway.Tests.Discord;

/// <summary>
/// Several processes with a queue each, on a real Redis, under faults drawn by a seed: processes are killed between any two steps or stand
/// still, connections fail before and after the permit is spent, Redis stands still or loses everything. A model of Discord judges what is
/// sent. The pace is 1.3 s in place of 5.3, of which 1 s is Discord's.
/// </summary>
[NotInParallel]
public sealed class SharedIdentifyModelTests
{
    private static readonly PermitTimes Times = new(Pace: 1_300, Lifetime: 2_500, Patience: 200, Waiting: 1_500);

    [Test]
    [Arguments(1, false)]
    [Arguments(2, true)]
    public async Task Whatever_fails_neither_pace_nor_budget_is_exceeded(int seed, bool redisLosesEverything)
    {
        seed = int.TryParse(Environment.GetEnvironmentVariable("SINGATEWAY_SEED"), out int wanted) ? wanted : seed;
        int seconds = int.TryParse(Environment.GetEnvironmentVariable("SINGATEWAY_SOAK_SECONDS"), out int long_) ? long_ : 25;
        await using RedisServer redis = await RedisServer.StartAsync();
        ModelDiscord discord = new(total: redisLosesEverything ? 1_000 : 60, maxConcurrency: 4, leastGap: 1_000);
        Random random = new(seed);
        ModelProcess[] processes = [.. await Task.WhenAll(Enumerable.Range(0, 4).Select(index => ModelProcess.StartAsync(index, redis.Dsn, Times, discord, random.Next())))];
        int kills = 0, stalls = 0, pauses = 0, losses = 0;
        try
        {
            using PeriodicTimer tick = new(TimeSpan.FromMilliseconds(50));
            for (int i = 0; i < seconds * 20; i++)
            {
                await tick.WaitForNextTickAsync();
                for (int process = 0; process < processes.Length; process++)
                {
                    if (processes[process].IsDead)
                    {
                        kills++;
                        await processes[process].KillAsync();
                        processes[process] = await ModelProcess.StartAsync(process, redis.Dsn, Times, discord, random.Next());
                    }
                }

                int which = random.Next(processes.Length);
                switch (random.Next(200))
                {
                    case < 3:
                        kills++;
                        await processes[which].KillAsync();
                        processes[which] = await ModelProcess.StartAsync(which, redis.Dsn, Times, discord, random.Next());
                        break;
                    case < 8:
                        stalls++;
                        processes[which].Stall(random.Next(50, 3_000));
                        break;
                    case 9:
                        pauses++;
                        redis.Pause();
                        for (int pause = random.Next(1, 40); pause > 0; pause--)
                        {
                            await tick.WaitForNextTickAsync();
                        }

                        redis.Continue();
                        break;
                    case 10 or 11 when redisLosesEverything:
                        losses++;
                        await redis.RestartAsync();
                        break;
                }
            }
        }
        finally
        {
            foreach (ModelProcess process in processes)
            {
                await process.KillAsync();
            }
        }

        Console.WriteLine(
            $"seed {seed}, {seconds} s: {kills} kills, {stalls} stalls, {pauses} pauses and {losses} losses of Redis; {discord.Identifies} IDENTIFYs, least gap "
            + $"{discord.LeastGap} ms, {discord.Remaining} of {discord.Total} left, {discord.Extras} extras");
        await Assert.That(discord.Violations).IsEqualTo("");
        await Assert.That(discord.Identifies).IsGreaterThan(10).Because("faults leave something to judge");
        if (!redisLosesEverything)
        {
            await Assert.That(discord.Remaining).IsGreaterThanOrEqualTo(SessionStartBudget.MinimumReserve);
            await Assert.That(discord.Extras).IsBetween(1, discord.Total / 4);
        }
    }
}
