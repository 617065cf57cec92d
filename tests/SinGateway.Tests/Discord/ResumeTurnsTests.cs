using Microsoft.Extensions.Time.Testing;
using SinGateway.Discord;
using SinGateway.Tests.Loop;

namespace SinGateway.Tests.Discord;

public sealed class ResumeTurnsTests
{
    [Test]
    public async Task A_few_shards_connect_at_once_within_the_call()
    {
        using RunningLoop running = new(new FakeTimeProvider());
        int came = 0;
        await running.RunAsync(() =>
        {
            ResumeTurns turns = new(running.Loop);
            for (int shard = 0; shard < ResumeTurns.Burst; shard++)
            {
                turns.Request(() => came++);
            }
        });

        await Assert.That(came).IsEqualTo(ResumeTurns.Burst);
    }

    [Test]
    public async Task A_thousand_shards_connect_a_hundred_a_second_in_their_order()
    {
        using RunningLoop running = new(new FakeTimeProvider());
        List<int> came = [];
        ResumeTurns turns = await running.RunAsync(() => new ResumeTurns(running.Loop));
        await running.RunAsync(() =>
        {
            for (int shard = 0; shard < 1_000; shard++)
            {
                int id = shard;
                turns.Request(() => came.Add(id));
            }
        });

        for (int seconds = 1; seconds <= 10; seconds++)
        {
            for (int step = 0; step < 1_000 / ResumeTurns.Interval; step++)
            {
                await running.AdvanceAsync(ResumeTurns.Interval);
            }

            await Assert.That(came.Count).IsEqualTo(Math.Min(1_000, ResumeTurns.Burst + seconds * 1_000 / ResumeTurns.Interval));
        }

        await Assert.That(came).IsEquivalentTo(Enumerable.Range(0, 1_000), TUnit.Assertions.Enums.CollectionOrdering.Matching);
        await Assert.That(turns.Waiting).IsEqualTo(0);
    }

    [Test]
    public async Task Turns_that_were_not_used_are_saved_up_to_the_burst()
    {
        using RunningLoop running = new(new FakeTimeProvider());
        int came = 0;
        ResumeTurns turns = await running.RunAsync(() => new ResumeTurns(running.Loop));
        await running.AdvanceAsync(3_600_000);
        await running.RunAsync(() =>
        {
            for (int shard = 0; shard < 3 * ResumeTurns.Burst; shard++)
            {
                turns.Request(() => came++);
            }
        });

        await Assert.That(came).IsEqualTo(ResumeTurns.Burst);
    }

    [Test]
    public async Task While_Discord_limits_this_address_nobody_has_a_turn()
    {
        using RunningLoop running = new(new FakeTimeProvider());
        int came = 0;
        await running.RunAsync(() =>
        {
            ResumeTurns turns = new(running.Loop);
            turns.Hold(30_000);
            turns.Hold(10_000);
            turns.Request(() => came++);
        });

        await running.AdvanceAsync(29_999);
        await Assert.That(came).IsEqualTo(0);
        await running.AdvanceAsync(1);
        await Assert.That(came).IsEqualTo(1);
    }

    [Test]
    public async Task Two_loops_have_half_of_the_turns_each()
    {
        FakeTimeProvider time = new();
        using RunningLoop running = new(time);
        int came = 0;
        ResumeTurns turns = await running.RunAsync(() => new ResumeTurns(running.Loop, loops: 2));
        await running.RunAsync(() =>
        {
            for (int shard = 0; shard < 100; shard++)
            {
                turns.Request(() => came++);
            }
        });
        await Assert.That(came).IsEqualTo(ResumeTurns.Burst / 2);

        for (int step = 0; step < 10; step++)
        {
            await running.AdvanceAsync(2 * ResumeTurns.Interval);
        }

        await Assert.That(came).IsEqualTo(ResumeTurns.Burst / 2 + 10);
    }

    [Test]
    public async Task A_limit_of_this_address_is_told_to_the_other_loops_once()
    {
        using RunningLoop running = new(new FakeTimeProvider());
        List<long> told = [];
        await running.RunAsync(() =>
        {
            ResumeTurns turns = new(running.Loop, loops: 2), others = new(running.Loop, loops: 2);
            turns.Limited += told.Add;
            turns.Limited += others.Hold;
            others.Limited += told.Add;
            turns.Limit(30_000);
        });

        await Assert.That(told).IsEquivalentTo([30_000L]);
    }
}
