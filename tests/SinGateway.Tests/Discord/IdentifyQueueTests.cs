using Microsoft.Extensions.Time.Testing;
using SinGateway.Discord;
using SinGateway.Sessions;
using SinGateway.Tests.Fixtures;
using SinGateway.Tests.Loop;

namespace SinGateway.Tests.Discord;

public sealed class IdentifyQueueTests
{
    private const int Day = 24 * 60 * 60 * 1_000;
    private const int Pace = IdentifyBuckets.Pace;

    [Test]
    public async Task One_bucket_identifies_at_its_pace_in_the_order_of_shards()
    {
        using Bot bot = new(maxConcurrency: 1);
        await bot.RequestAsync(2, 0, 1);

        await Assert.That(bot.Granted).IsEqualTo("0");
        await bot.Running.AdvanceAsync(IdentifyPermit.Lifetime - 1);
        await Assert.That(bot.Granted).IsEqualTo("0").Because("the pace counts from the permit's use");

        await bot.SpendAsync(0);
        await bot.Running.AdvanceAsync(Pace - 1);
        await Assert.That(bot.Granted).IsEqualTo("0");
        await bot.Running.AdvanceAsync(1);
        await Assert.That(bot.Granted).IsEqualTo("0 1");

        await bot.SpendAsync(1);
        await bot.Running.AdvanceAsync(Pace);
        await Assert.That(bot.Granted).IsEqualTo("0 1 2");
    }

    [Test]
    public async Task The_pace_counts_from_when_an_IDENTIFY_is_let_go_in_a_long_turn_of_the_loop()
    {
        using Bot bot = new(maxConcurrency: 1);
        await bot.RequestAsync(0, 1);
        bot.Ledger.Block();
        Task<bool> spent = bot.SpendAsync(0);
        await bot.Ledger.SavingAsync();
        await bot.Running.RunAsync(() =>
        {
            // The turn in which the answer comes begins with what takes half a second.
            bot.Running.Loop.Post(() => bot.Time.Advance(TimeSpan.FromMilliseconds(500)));
            bot.Ledger.Release();
            bot.Ledger.WaitSaved();
        });
        await Assert.That(await spent).IsTrue();

        await bot.Running.AdvanceAsync(Pace - 1);
        await Assert.That(bot.Granted).IsEqualTo("0");
        await bot.Running.AdvanceAsync(1);
        await Assert.That(bot.Granted).IsEqualTo("0 1");
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
        await bot.Running.AdvanceAsync(Pace - 1_000);
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
        await bot.Running.AdvanceAsync(Pace);

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

        await bot.Running.AdvanceAsync(Pace * 3);
        await Assert.That(bot.Granted).IsEqualTo("0 1 2");
        await Assert.That(bot.Queue.Remaining).IsEqualTo(50);
        await Assert.That(bot.Logger.Entries.Single(entry => entry.StartsWith("Error"))).StartsWith("Error Only 50 session starts are left today and 50 are kept in reserve");
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
        await Assert.That(bot.RefreshesWanted).IsEqualTo(1).Because("Discord knows best how the new day stands");
        await bot.Running.AdvanceAsync(SessionStartBudget.ResetGrace);
        await Assert.That(bot.Granted).IsEqualTo("0");
        await bot.SpendAsync(0);
        await Assert.That(bot.Queue.Remaining).IsEqualTo(999);
    }

    [Test]
    public async Task What_is_spent_after_the_reset_counts_for_the_new_day()
    {
        using Bot bot = new(maxConcurrency: 1, total: 100, remaining: 60, resetAfter: 1_000);
        await bot.Running.AdvanceAsync(1_000 + SessionStartBudget.ResetGrace);
        int spent = 0;
        for (int shard = 0; shard < 200; shard++)
        {
            await bot.RequestAsync(shard);
            await bot.Running.AdvanceAsync(Pace);
            if (bot.Granted.Split(' ')[^1] == shard.ToString())
            {
                await bot.SpendAsync(shard);
                spent++;
            }
        }

        // The same day: 200 paces are 18 minutes.
        await Assert.That(spent).IsEqualTo(90);
        await bot.Running.AdvanceAsync(Day + SessionStartBudget.ResetGrace);
        await Assert.That(bot.Granted.Split(' ').Length).IsEqualTo(91);
    }

    [Test]
    public async Task Nothing_is_granted_before_Discord_was_asked()
    {
        using Bot bot = new(update: false);
        await bot.RequestAsync(0);
        await bot.Running.AdvanceAsync(60_000);
        await Assert.That(bot.Granted).IsEqualTo("");
        await Assert.That(bot.RefreshesWanted).IsEqualTo(2);

        await bot.UpdateAsync(new SessionStartLimit(1_000, 1_000, Day, 1));
        await Assert.That(bot.Granted).IsEqualTo("0");
    }

    [Test]
    public async Task A_permit_that_is_neither_used_nor_returned_expires_and_cannot_be_used_then()
    {
        using Bot bot = new();
        await bot.RequestAsync(0, 1);
        await bot.Running.AdvanceAsync(IdentifyPermit.Lifetime - 1);
        await Assert.That(bot.Granted).IsEqualTo("0");
        await bot.Running.AdvanceAsync(1);
        await Assert.That(bot.Granted).IsEqualTo("0 1");

        await Assert.That(await bot.SpendAsync(0)).IsFalse();
        await Assert.That(bot.Queue.Remaining).IsEqualTo(1_000);
        await Assert.That(await bot.SpendAsync(1)).IsTrue();
    }

    [Test]
    public async Task An_IDENTIFY_is_in_the_ledger_before_it_may_be_sent()
    {
        using Bot bot = new();
        bot.Ledger.Block();
        await bot.RequestAsync(0);
        Task<bool> spent = bot.SpendAsync(0);
        await bot.Ledger.SavingAsync();
        await bot.Running.TurnAsync();
        await Assert.That(spent.IsCompleted).IsFalse();

        bot.Ledger.Release();
        await Assert.That(await spent).IsTrue();
        await Assert.That(bot.Ledger.Load().Buckets.Single()).IsEqualTo(bot.Time.GetUtcNow().ToUnixTimeMilliseconds());
    }

    [Test]
    public async Task Those_who_spend_while_the_ledger_is_written_share_the_next_write()
    {
        using Bot bot = new(maxConcurrency: 128);
        await bot.RequestAsync([.. Enumerable.Range(0, 128)]);
        bot.Ledger.Block();
        Task<bool> first = bot.SpendAsync(0);
        await bot.Ledger.SavingAsync();
        Task<bool>[] others = [.. Enumerable.Range(1, 127).Select(bot.SpendAsync)];
        await bot.Running.TurnAsync();
        bot.Ledger.Release();

        await Assert.That(await first).IsTrue();
        await Assert.That(await Task.WhenAll(others)).DoesNotContain(false);
        await Assert.That(bot.Ledger.Saves).IsEqualTo(2);
    }

    [Test]
    public async Task Who_returns_while_the_ledger_is_written_is_not_answered_and_has_used_the_permit()
    {
        using Bot bot = new();
        await bot.RequestAsync(0, 1);
        bot.Ledger.Block();
        Task<bool> spent = await bot.BeginSpendAsync(0);
        await bot.Ledger.SavingAsync();
        await bot.Running.RunAsync(() => bot.Queue.Return(0));
        bot.Ledger.Release();
        await bot.Running.AdvanceAsync(Pace - 1);
        await Assert.That(bot.Granted).IsEqualTo("0");
        await bot.Running.AdvanceAsync(1);
        await Assert.That(bot.Granted).IsEqualTo("0 1");

        await Assert.That(await bot.SpendAsync(1)).IsTrue();
        await Assert.That(spent.IsCompleted).IsFalse();
        await Assert.That(bot.Queue.Remaining).IsEqualTo(998);
    }

    [Test]
    public async Task A_ledger_that_cannot_be_written_sends_nothing_costs_nothing_and_is_said_once()
    {
        using Bot bot = new();
        bot.Ledger.Problem = "state file x cannot be written (No space left on device)";
        for (int attempt = 0; attempt < 3; attempt++)
        {
            await bot.RequestAsync(0);
            await bot.Running.UntilAsync(() => bot.Granted.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length == attempt + 1, step: 1_000);
            await Assert.That(await bot.SpendAsync(0)).IsFalse();
        }

        await Assert.That(bot.Queue.Remaining).IsEqualTo(1_000);
        await Assert.That(bot.Logger.Entries.Single()).StartsWith("Error No shard can identify").And.Contains("No space left");

        bot.Ledger.Problem = null;
        await bot.RequestAsync(0);
        await bot.Running.UntilAsync(() => bot.Granted == "0 0 0 0", step: 1_000);
        await Assert.That(await bot.SpendAsync(0)).IsTrue();
        await Assert.That(bot.Logger.Entries.Last()).StartsWith("Information");
    }

    [Test]
    public async Task A_process_that_was_killed_right_after_an_IDENTIFY_keeps_the_pace_after_its_restart()
    {
        using Bot killed = new();
        await killed.RequestAsync(0);
        await killed.SpendAsync(0);

        using Bot restarted = new(ledger: killed.Ledger, time: killed.Time);
        await restarted.RequestAsync(1);
        await restarted.Running.AdvanceAsync(Pace - 1);
        await Assert.That(restarted.Granted).IsEqualTo("");
        await restarted.Running.AdvanceAsync(1);
        await Assert.That(restarted.Granted).IsEqualTo("1");
    }

    [Test]
    public async Task A_quarter_left_is_a_warning_once()
    {
        using Bot bot = new(maxConcurrency: 16, total: 100, remaining: 27);
        for (int shard = 0; shard < 4; shard++)
        {
            await bot.RequestAsync(shard);
            await bot.SpendAsync(shard);
        }

        await Assert.That(bot.Logger.Entries.Single()).StartsWith("Warning 25 of 100 session starts are left");
    }

    [Test]
    public async Task A_quarter_of_the_day_spent_on_dying_sessions_is_an_error_once_and_other_shards_still_identify()
    {
        using Bot bot = new(maxConcurrency: 16, total: 100);
        for (int i = 0; i < 26; i++)
        {
            await bot.RequestAsync(0);
            await bot.Running.AdvanceAsync(Pace);
            await bot.SpendAsync(0);
        }

        string granted = bot.Granted;
        await bot.RequestAsync(0);
        await bot.Running.AdvanceAsync(3_600_000);
        await Assert.That(bot.Granted).IsEqualTo(granted);
        await Assert.That(bot.Logger.Entries.Single(entry => entry.StartsWith("Error"))).Contains("Sessions die young: 25 IDENTIFYs (a quarter of 100)");

        await bot.RequestAsync(16);
        await Assert.That(bot.Granted).IsEqualTo(granted + " 16");
    }

    [Test]
    public async Task While_shards_wait_Discord_is_asked_every_minute_and_not_otherwise()
    {
        using Bot bot = new();
        for (int second = 0; second < 180; second++)
        {
            await bot.Running.AdvanceAsync(1_000);
        }

        await Assert.That(bot.RefreshesWanted).IsEqualTo(0);
        await bot.RequestAsync(0);
        await bot.RequestAsync(1);
        int before = bot.RefreshesWanted;
        for (int second = 0; second < 180; second++)
        {
            // Nobody uses the permit; it goes back and forth.
            await bot.RequestAsync(0, 1);
            await bot.Running.AdvanceAsync(1_000);
        }

        await Assert.That(bot.RefreshesWanted - before).IsBetween(2, 3);
    }

    /// <summary>A queue whose clock the test moves.</summary>
    private sealed class Bot : IDisposable
    {
        private readonly List<int> _granted = [];

        public Bot(
            int maxConcurrency = 1, int total = 1_000, int? remaining = null, long resetAfter = Day, bool update = true,
            GatedLedger? ledger = null, FakeTimeProvider? time = null)
        {
            Time = time ?? new FakeTimeProvider();
            Ledger = ledger ?? new GatedLedger();
            Running = new RunningLoop(Time);
            Queue = new IdentifyQueue(Running.Loop, Ledger, Logger);
            Queue.RefreshWanted += () => RefreshesWanted++;
            if (update)
            {
                UpdateAsync(new SessionStartLimit(total, remaining ?? total, resetAfter, maxConcurrency)).Wait(RunningLoop.Patience);
            }
        }

        public FakeTimeProvider Time { get; }

        public GatedLedger Ledger { get; }

        public RunningLoop Running { get; }

        public RecordingLogger Logger { get; } = new();

        public IdentifyQueue Queue { get; }

        public int RefreshesWanted { get; private set; }

        /// <summary>Shards in the order of their permits.</summary>
        public string Granted => string.Join(' ', _granted);

        public async Task UpdateAsync(SessionStartLimit limit)
        {
            await Running.RunAsync(() => Queue.Update(limit));
            await Running.AdvanceAsync(0);
        }

        public async Task RequestAsync(params int[] shards)
        {
            await Running.RunAsync(() => Array.ForEach(shards, shard => Queue.Request(shard, () => _granted.Add(shard))));
            await Running.AdvanceAsync(0);
        }

        /// <summary>The queue's answer.</summary>
        public async Task<bool> SpendAsync(int shard) => await (await BeginSpendAsync(shard)).WaitAsync(RunningLoop.Patience);

        /// <summary>Asks the queue; the result completes with its answer, which may never come.</summary>
        public async Task<Task<bool>> BeginSpendAsync(int shard)
        {
            TaskCompletionSource<bool> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
            await Running.RunAsync(() => Queue.Spend(shard, answer.SetResult));
            return answer.Task;
        }

        public void Dispose()
        {
            Ledger.Release();
            Running.Dispose();
        }
    }

    /// <summary>A ledger in memory whose saves the test can hold up or let fail.</summary>
    private sealed class GatedLedger : IIdentifyLedger
    {
        private readonly ManualResetEventSlim _gate = new(initialState: true);
        private readonly TaskCompletionSource _saving = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim _saved = new();
        private volatile IdentifyRecord _record = new();

        public int Saves { get; private set; }

        public string? Problem { get; set; }

        public IdentifyRecord Load() => _record;

        public void Save(IdentifyRecord record)
        {
            if (!_gate.IsSet)
            {
                _saving.TrySetResult();
                _gate.Wait(RunningLoop.Patience);
            }

            // Once this thread has posted the end of the save.
            ThreadPool.UnsafeQueueUserWorkItem(_ => _saved.Set(), 0, preferLocal: true);
            Saves++;
            _record = Problem is null ? record : throw new IOException(Problem);
        }

        public void Block() => _gate.Reset();

        public void Release() => _gate.Set();

        /// <summary>Returns when a save has ended and the loop was told.</summary>
        public void WaitSaved() => _saved.Wait(RunningLoop.Patience);

        /// <summary>Completes when a save waits.</summary>
        public Task SavingAsync() => _saving.Task.WaitAsync(RunningLoop.Patience);
    }
}
