using Microsoft.Extensions.Time.Testing;
using SinGateway.Discord;
using SinGateway.Sessions;
using SinGateway.Tests.Fixtures;
using SinGateway.Tests.Loop;

namespace SinGateway.Tests.Discord;

public sealed class SharedIdentifyQueueTests
{
    private const int Day = 86_400_000;

    private static readonly SessionStartLimit Limit = new(1_000, 1_000, Day, 1);

    [Test]
    public async Task Nothing_is_asked_of_the_store_before_Discord_was_asked()
    {
        using Process process = new();
        await process.RequestAsync(0);
        await process.Running.AdvanceAsync(10_000);
        await Assert.That(process.RefreshesWanted).IsEqualTo(1);
        await Assert.That(process.Permits.Calls).IsEmpty();

        await process.UpdateAsync();
        await process.GrantedAsync("0");
    }

    [Test]
    public async Task A_shard_that_is_granted_spends_directly_before_op_2()
    {
        using Process process = await Process.StartAsync();
        await process.RequestAsync(0);
        await process.GrantedAsync("0");
        await Assert.That(process.Permits.Count("spend")).IsEqualTo(0);

        await Assert.That(await process.SpendAsync(0)).IsTrue();
        await Assert.That(string.Join(", ", process.Permits.Calls)).IsEqualTo("sync, claim 0, spend 0 slack 0");
    }

    [Test]
    public async Task Of_each_bucket_the_first_shard_is_asked_for()
    {
        using Process process = await Process.StartAsync(maxConcurrency: 2);
        process.Permits.LastIdentifies = [(0, 500), (3, 400)];
        await process.UpdateAsync();
        process.Permits.Claimed = _ => new(ClaimResult.Paced, 100_000, 1);
        await process.RequestAsync(3, 5, 0, 4, 6);
        await process.AskedAsync("claim 4 5");

        await Assert.That(string.Join(' ', process.Permits.LastClaims.Select(claim => claim.Waiting))).IsEqualTo("3 2");
    }

    [Test]
    public async Task Who_is_not_the_owner_any_more_sends_nothing()
    {
        using Process process = await Process.StartAsync();
        process.Permits.Spent = () => false;
        await process.RequestAsync(0);
        await process.GrantedAsync("0");

        await Assert.That(await process.SpendAsync(0)).IsFalse();
    }

    [Test]
    public async Task Who_was_not_granted_anything_sends_nothing()
    {
        using Process process = await Process.StartAsync();
        await Assert.That(await process.SpendAsync(7)).IsFalse();
        await Assert.That(process.Permits.Count("spend")).IsEqualTo(0);
    }

    [Test]
    public async Task A_late_answer_is_not_used_and_the_IDENTIFY_is_counted_anew()
    {
        using Process process = await Process.StartAsync();
        await process.RequestAsync(0);
        await process.GrantedAsync("0");
        process.Permits.Close();
        Task<bool> answer = process.SpendAsync(0);
        await process.AskedAsync("spend 0 slack 0");
        await process.Running.AdvanceAsync(PermitTimes.OfDiscord.Patience + 1);
        await Assert.That(answer.IsCompleted).IsFalse();

        process.Permits.Open();
        await Assert.That(await answer).IsTrue();
        await Assert.That(process.Permits.Count("spend 0")).IsEqualTo(2);
    }

    [Test]
    public async Task An_answer_that_waits_in_a_long_turn_of_the_loop_is_late_too()
    {
        using Process process = await Process.StartAsync();
        await process.RequestAsync(0);
        await process.GrantedAsync("0");
        using ManualResetEventSlim answered = new();
        bool isFirst = true;
        process.Permits.Spent = () =>
        {
            if (isFirst)
            {
                // Comes before the answer, as a rule in the same turn; the turn begins when both are there.
                isFirst = false;
                process.Running.Loop.Post(() => process.Time.Advance(TimeSpan.FromMilliseconds(500)));
                ThreadPool.UnsafeQueueUserWorkItem(_ => answered.Set(), 0, preferLocal: true);
            }

            return true;
        };
        Task<bool> spent = process.SpendAsync(0);
        await process.Running.RunAsync(() => answered.Wait(RunningLoop.Patience));

        await Assert.That(await spent).IsTrue();
        await Assert.That(process.Permits.Count("spend 0")).IsEqualTo(2);
    }

    [Test]
    public async Task A_store_that_is_always_slow_makes_the_pace_longer_by_it()
    {
        using Process process = await Process.StartAsync();
        await process.RequestAsync(0);
        await process.GrantedAsync("0");
        process.Permits.Spent = () =>
        {
            process.Time.Advance(TimeSpan.FromMilliseconds(500));
            return true;
        };

        await Assert.That(await process.SpendAsync(0)).IsTrue();
        await Assert.That(string.Join(", ", process.Permits.Calls.Where(call => call.StartsWith("spend")))).IsEqualTo("spend 0 slack 0, spend 0 slack 1000");
    }

    [Test]
    public async Task A_store_that_is_far_too_slow_sends_nothing_and_says_so()
    {
        using Process process = await Process.StartAsync();
        await process.RequestAsync(0);
        await process.GrantedAsync("0");
        process.Permits.Spent = () =>
        {
            process.Time.Advance(TimeSpan.FromSeconds(10));
            return true;
        };

        await Assert.That(await process.SpendAsync(0)).IsFalse();
        await Assert.That(process.Logger.Entries.Last()).StartsWith("Warning Redis takes");
    }

    [Test]
    public async Task A_store_that_goes_away_while_a_permit_is_spent_sends_nothing()
    {
        using Process process = await Process.StartAsync();
        await process.RequestAsync(0);
        await process.GrantedAsync("0");
        process.Permits.Problem = "Redis at x is out of reach";

        await Assert.That(await process.SpendAsync(0)).IsFalse();
        await Assert.That(process.Logger.Entries.Single()).StartsWith("Error No shard identifies now").And.Contains("Redis at x is out of reach");
        await process.AskedAsync("return 0");
    }

    [Test]
    public async Task While_the_store_is_away_nobody_is_granted_and_it_goes_on_afterwards()
    {
        using Process process = await Process.StartAsync();
        process.Permits.Problem = "Redis at x is out of reach";
        await process.RequestAsync(0);
        await process.Running.UntilAsync(() => process.Permits.Count("sync") >= 4, step: 100);
        await Assert.That(process.Granted).IsEqualTo("");
        await Assert.That(process.Logger.Entries.Count).IsEqualTo(1);

        process.Permits.Problem = null;
        await process.GrantedAsync("0");
        await Assert.That(process.Logger.Entries.Last()).StartsWith("Information");
    }

    [Test]
    public async Task A_permit_that_comes_when_nobody_wants_it_any_more_is_given_back()
    {
        using Process process = await Process.StartAsync();
        process.Permits.Close();
        await process.RequestAsync(0);
        await process.AskedAsync("claim 0");
        await process.Running.RunAsync(() => process.Queue.Return(0));
        process.Permits.Open();

        await process.AskedAsync("return 0");
        await Assert.That(process.Granted).IsEqualTo("");
        await Assert.That(process.Queue.Waiting).IsEqualTo(0);
    }

    [Test]
    public async Task A_permit_of_a_failed_connection_is_given_back()
    {
        using Process process = await Process.StartAsync();
        await process.RequestAsync(0);
        await process.GrantedAsync("0");
        await process.Running.RunAsync(() => process.Queue.Return(0));

        await process.AskedAsync("return 0");
        await Assert.That(await process.SpendAsync(0)).IsFalse();
    }

    [Test]
    public async Task Who_returns_while_it_is_counted_is_not_answered()
    {
        using Process process = await Process.StartAsync();
        await process.RequestAsync(0);
        await process.GrantedAsync("0");
        process.Permits.Close();
        Task<bool> answer = process.SpendAsync(0);
        await process.AskedAsync("spend 0 slack 0");
        await process.Running.RunAsync(() => process.Queue.Return(0));
        process.Permits.Open();
        await process.RequestAsync(0);
        await process.GrantedAsync("0 0");

        await Assert.That(answer.IsCompleted).IsFalse();
    }

    [Test]
    public async Task A_claim_is_repeated_with_its_owner_until_it_is_answered()
    {
        using Process process = await Process.StartAsync();
        process.Permits.Problem = "timeout";
        await process.RequestAsync(0);
        await process.AskedAsync("claim 0");
        string owner = process.Permits.LastClaims.Single().Owner;
        process.Permits.Problem = null;
        await process.GrantedAsync("0");

        await Assert.That(process.Permits.LastClaims.Single().Owner).IsEqualTo(owner);
    }

    [Test]
    public async Task Every_request_has_an_owner_of_its_own()
    {
        using Process process = await Process.StartAsync();
        await process.RequestAsync(0);
        await process.GrantedAsync("0");
        string first = process.Permits.LastClaims.Single().Owner;
        await process.RequestAsync(0);
        await process.GrantedAsync("0 0");

        await Assert.That(process.Permits.LastClaims.Single().Owner).IsNotEqualTo(first);
    }

    [Test]
    public async Task A_store_that_has_lost_the_budget_makes_Discord_be_asked()
    {
        using Process process = await Process.StartAsync();
        process.Permits.Budget = null;
        await process.RequestAsync(0);
        await process.Running.UntilAsync(() => process.RefreshesWanted == 1, step: 10);
        await process.Running.AdvanceAsync(10_000);
        await Assert.That(process.RefreshesWanted).IsEqualTo(1).Because("an answer may take its time");
        await Assert.That(process.Granted).IsEqualTo("");

        process.Permits.Budget = new(1, 1_000, 990, Day, 0, -1);
        await process.UpdateAsync();
        await process.GrantedAsync("0");
        await Assert.That(process.Queue.Remaining).IsEqualTo(990);
    }

    [Test]
    public async Task Limits_that_arrive_while_older_ones_are_being_told_are_told_too()
    {
        using Process process = new();
        process.Permits.Budget = null;
        process.Permits.Close();
        await process.Running.RunAsync(() => process.Queue.Update(Limit));
        await process.AskedAsync("sync");
        await process.RequestAsync(0);
        await process.Running.RunAsync(() => process.Queue.Update(Limit));
        process.Permits.OpenForWhoWaits();

        await process.Running.UntilAsync(() => process.Permits.Count("sync") == 2, step: 10);
        await Assert.That(process.RefreshesWanted).IsEqualTo(0).Because("Discord has just been asked");
    }

    [Test]
    public async Task Another_max_concurrency_that_is_in_force_is_taken_over()
    {
        using Process process = await Process.StartAsync(maxConcurrency: 1);
        process.Permits.Claimed = _ => new(ClaimResult.Paced, 100_000, 1);
        await process.RequestAsync(0, 1, 2);
        await process.AskedAsync("claim 0");
        process.Permits.Budget = new(2, 1_000, 1_000, Day, 0, -1);
        await process.AskedAsync("claim 0 1");

        await Assert.That(process.Permits.LastClaims[0].MaxConcurrency).IsEqualTo(2);
        await Assert.That(process.Logger.Entries.Single()).IsEqualTo("Information Discord lets 2 shards identify at a time from now on, not 1");
    }

    [Test]
    public async Task A_shard_that_has_had_too_many_today_lets_others_of_its_bucket_go()
    {
        using Process process = await Process.StartAsync();
        process.Permits.Budget = new(1, 100, 60, Day, 25, 3_600_000);
        process.Permits.Claimed = claim => claim.ShardId == 0 ? new(ClaimResult.Extra, 3_600_000, 1) : new(ClaimResult.Granted, 0, 1);
        await process.RequestAsync(0, 1);
        await process.GrantedAsync("1");

        await Assert.That(process.Logger.Entries.Single()).Contains("Sessions die young: 25 IDENTIFYs (a quarter of 100)").And.Contains("for 60 minutes");
    }

    [Test]
    public async Task At_the_reserve_it_says_once_until_when_nobody_identifies()
    {
        using Process process = await Process.StartAsync();
        process.Permits.Budget = new(1, 1_000, 50, 7_200_000, 0, -1);
        process.Permits.Claimed = _ => new(ClaimResult.Reserve, 7_200_000, 1);
        await process.RequestAsync(0);
        await process.Running.UntilAsync(() => process.Permits.Count("claim") >= 5, step: 1_000);

        await Assert.That(process.Logger.Entries.Single(entry => entry.StartsWith("Error"))).StartsWith("Error Only 50 session starts are left today and 50 are kept in reserve");
        await Assert.That(process.Logger.Entries.Single(entry => entry.StartsWith("Warning"))).StartsWith("Warning 50 of 1000 session starts are left");
        await Assert.That(process.Queue.EstimatedWait).IsBetween(7_000_000, 7_200_000);
    }

    [Test]
    [Arguments(1, 40)]
    [Arguments(16, 60)]
    [Arguments(128, 60)]
    public async Task A_thousand_waiting_shards_ask_a_few_times_a_second_at_most(int maxConcurrency, int mostInTenSeconds)
    {
        using Process process = await Process.StartAsync(maxConcurrency);
        Random random = new(1);
        process.Permits.Claimed = _ => random.Next(4) == 0 ? new(ClaimResult.Taken, 0, 9) : new(ClaimResult.Paced, random.Next(1, 5_300), 9);
        await process.RequestAsync([.. Enumerable.Range(0, 1_000)]);
        for (int step = 0; step < 1_000; step++)
        {
            await process.Running.AdvanceAsync(10);
        }

        Console.WriteLine($"max_concurrency {maxConcurrency}: {process.Permits.Count("claim")} questions in 10 s");
        await Assert.That(process.Permits.Count("claim")).IsBetween(5, mostInTenSeconds);
    }

    [Test]
    public async Task The_estimate_counts_all_who_wait_in_the_bucket()
    {
        using Process process = await Process.StartAsync();
        process.Permits.Claimed = _ => new(ClaimResult.Paced, 3_000, 11);
        await process.RequestAsync(0);
        await process.AskedAsync("claim 0");
        await process.Running.UntilAsync(() => process.Queue.EstimatedWait > 0);

        // The clock may have gone on by some steps since the answer.
        await Assert.That(process.Queue.EstimatedWait).IsBetween(2_000 + 10 * IdentifyBuckets.Pace, 3_000 + 10 * IdentifyBuckets.Pace);
    }

    /// <summary>One process of several: its queue, and a store that says what the test wants.</summary>
    private sealed class Process : IDisposable
    {
        private readonly List<int> _granted = [];
        private int _owners;

        public Process()
        {
            Running = new RunningLoop(Time);
            Queue = new SharedIdentifyQueue(Running.Loop, Permits, () => $"{_owners++}", Logger);
            Queue.RefreshWanted += () => RefreshesWanted++;
        }

        public FakeTimeProvider Time { get; } = new();

        public ScriptedPermits Permits { get; } = new();

        public RunningLoop Running { get; }

        public RecordingLogger Logger { get; } = new();

        public SharedIdentifyQueue Queue { get; }

        public int RefreshesWanted { get; private set; }

        /// <summary>Shards in the order of their permits.</summary>
        public string Granted => string.Join(' ', _granted);

        /// <summary>One that knows Discord's limits.</summary>
        public static async Task<Process> StartAsync(int maxConcurrency = 1)
        {
            Process process = new();
            process.Permits.Budget = process.Permits.Budget!.Value with { MaxConcurrency = maxConcurrency };
            await process.UpdateAsync();
            return process;
        }

        public async Task UpdateAsync()
        {
            int synced = Permits.Count("sync");
            await Running.RunAsync(() => Queue.Update(Limit));
            await Running.UntilAsync(() => Permits.Count("sync") > synced && Queue.Remaining > 0);
        }

        public Task RequestAsync(params int[] shards) =>
            Running.RunAsync(() => Array.ForEach(shards, shard => Queue.Request(shard, () => _granted.Add(shard))));

        public Task GrantedAsync(string shards) => Running.UntilAsync(() => Granted == shards, step: 10);

        public Task AskedAsync(string call) => Running.UntilAsync(() => Permits.Calls.Contains(call), step: 10);

        /// <summary>The queue's answer.</summary>
        public async Task<bool> SpendAsync(int shard)
        {
            TaskCompletionSource<bool> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
            await Running.RunAsync(() => Queue.Spend(shard, answer.SetResult));
            return await answer.Task.WaitAsync(RunningLoop.Patience);
        }

        public void Dispose()
        {
            Permits.Open();
            Running.Dispose();
        }
    }
}
