using Microsoft.Extensions.Time.Testing;
using SinGateway.Discord;
using SinGateway.Tests.Fixtures;
using SinGateway.Tests.Loop;

namespace SinGateway.Tests.Discord;

public sealed class IdentifyQueueTests
{
    private const int Day = 24 * 60 * 60 * 1_000;

    [Test]
    public async Task One_bucket_identifies_at_its_pace_in_the_order_of_shards()
    {
        using Bot bot = new(maxConcurrency: 1);
        await bot.RequestAsync(2, 0, 1);

        await Assert.That(bot.Granted).IsEqualTo("0");
        await bot.Running.AdvanceAsync(60_000);
        await Assert.That(bot.Granted).IsEqualTo("0").Because("the pace counts from the permit's use");

        await bot.SpendAsync(0);
        await bot.Running.AdvanceAsync(IdentifyQueue.Pace - 1);
        await Assert.That(bot.Granted).IsEqualTo("0");
        await bot.Running.AdvanceAsync(1);
        await Assert.That(bot.Granted).IsEqualTo("0 1");

        await bot.SpendAsync(1);
        await bot.Running.AdvanceAsync(IdentifyQueue.Pace);
        await Assert.That(bot.Granted).IsEqualTo("0 1 2");
    }

    [Test]
    public async Task Buckets_do_not_wait_for_each_other()
    {
        using Bot bot = new(maxConcurrency: 4);
        await bot.RequestAsync(0, 1, 2, 3, 4, 5, 8);
        await Assert.That(bot.Granted).IsEqualTo("0 1 2 3");

        await bot.SpendAsync(1);
        await bot.Running.AdvanceAsync(1_000);
        await bot.SpendAsync(0);
        await bot.Running.AdvanceAsync(IdentifyQueue.Pace - 1_000);
        await Assert.That(bot.Granted).IsEqualTo("0 1 2 3 5");
        await bot.Running.AdvanceAsync(1_000);
        await Assert.That(bot.Granted).IsEqualTo("0 1 2 3 5 4");
    }

    [Test]
    public async Task A_permit_that_is_returned_goes_to_the_next_at_once()
    {
        using Bot bot = new(maxConcurrency: 1);
        await bot.RequestAsync(0, 1);
        await bot.Running.RunAsync(() => bot.Queue.Return(0));
        await bot.Running.AdvanceAsync(0);

        await Assert.That(bot.Granted).IsEqualTo("0 1");
        await Assert.That(bot.Queue.Remaining).IsEqualTo(1_000);
    }

    [Test]
    public async Task Who_gives_up_waiting_is_not_granted()
    {
        using Bot bot = new(maxConcurrency: 1);
        await bot.RequestAsync(0, 1, 2);
        await bot.Running.RunAsync(() => bot.Queue.Return(1));
        await bot.SpendAsync(0);
        await bot.Running.AdvanceAsync(IdentifyQueue.Pace);

        await Assert.That(bot.Granted).IsEqualTo("0 2");
        await Assert.That(bot.Queue.Waiting).IsEqualTo(0);
    }

    [Test]
    public async Task The_reserve_is_never_spent_even_when_all_buckets_are_free()
    {
        using Bot bot = new(maxConcurrency: 16, total: 1_000, remaining: 53);
        await bot.RequestAsync([.. Enumerable.Range(0, 16)]);
        await Assert.That(bot.Granted).IsEqualTo("0 1 2");

        foreach (int shard in (int[])[0, 1, 2])
        {
            await bot.SpendAsync(shard);
        }

        await bot.Running.AdvanceAsync(IdentifyQueue.Pace * 3);
        await Assert.That(bot.Granted).IsEqualTo("0 1 2");
        await Assert.That(bot.Queue.Remaining).IsEqualTo(50);
        await Assert.That(bot.Logger.Entries.Single()).StartsWith("Error Only 50 session starts are left today and 50 are kept in reserve");
    }

    [Test]
    public async Task A_permit_returned_at_the_reserve_may_be_used_by_another()
    {
        using Bot bot = new(maxConcurrency: 16, total: 1_000, remaining: 51);
        await bot.RequestAsync(0, 1);
        await bot.Running.RunAsync(() => bot.Queue.Return(0));
        await bot.Running.AdvanceAsync(0);

        await Assert.That(bot.Granted).IsEqualTo("0 1");
    }

    [Test]
    [Arguments(10, false)]
    [Arguments(11, true)]
    public async Task A_small_budget_keeps_ten(int remaining, bool granted)
    {
        using Bot bot = new(maxConcurrency: 1, total: 50, remaining: remaining);
        await bot.RequestAsync(0);

        await Assert.That(bot.Granted == "0").IsEqualTo(granted);
    }

    [Test]
    public async Task Identifying_goes_on_when_the_day_is_over()
    {
        using Bot bot = new(maxConcurrency: 1, total: 1_000, remaining: 50, resetAfter: 3_600_000);
        await bot.RequestAsync(0);
        await bot.Running.AdvanceAsync(3_599_999);
        await Assert.That(bot.Granted).IsEqualTo("");

        await bot.Running.AdvanceAsync(1);
        await Assert.That(bot.Granted).IsEqualTo("0");
        await bot.SpendAsync(0);
        await Assert.That(bot.Queue.Remaining).IsEqualTo(999);
    }

    [Test]
    public async Task What_is_spent_after_the_reset_counts_for_the_new_day()
    {
        using Bot bot = new(maxConcurrency: 1, total: 100, remaining: 60, resetAfter: 1_000);
        await bot.Running.AdvanceAsync(1_000);
        int spent = 0;
        for (int shard = 0; shard < 200; shard++)
        {
            await bot.RequestAsync(shard);
            await bot.Running.AdvanceAsync(IdentifyQueue.Pace);
            if (bot.Granted.Split(' ')[^1] == shard.ToString())
            {
                await bot.SpendAsync(shard);
                spent++;
            }
        }

        // The same day: 200 paces are 18 minutes.
        await Assert.That(spent).IsEqualTo(90);
        await bot.Running.AdvanceAsync(Day);
        await Assert.That(bot.Granted.Split(' ').Length).IsEqualTo(91);
    }

    /// <summary>A queue whose clock the test moves.</summary>
    private sealed class Bot : IDisposable
    {
        private readonly List<int> _granted = [];

        public Bot(int maxConcurrency, int total = 1_000, int remaining = 1_000, long resetAfter = Day)
        {
            Running = new RunningLoop(new FakeTimeProvider());
            Queue = new IdentifyQueue(Running.Loop, maxConcurrency, total, remaining, resetAfter, Logger);
        }

        public RunningLoop Running { get; }

        public RecordingLogger Logger { get; } = new();

        public IdentifyQueue Queue { get; }

        /// <summary>Shards in the order of their permits.</summary>
        public string Granted => string.Join(' ', _granted);

        public async Task RequestAsync(params int[] shards)
        {
            await Running.RunAsync(() => Array.ForEach(shards, shard => Queue.Request(shard, () => _granted.Add(shard))));
            await Running.AdvanceAsync(0);
        }

        public Task SpendAsync(int shard) => Running.RunAsync(() => Queue.Spend(shard));

        public void Dispose() => Running.Dispose();
    }
}
