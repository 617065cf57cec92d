using SinGateway.Discord;
using SinGateway.Sessions;
using SinGateway.Tests.Fixtures;
using StackExchange.Redis;

namespace SinGateway.Tests.Sessions;

/// <summary>The steps that processes take in Redis, each through a connection of its own; the tests move what Redis keeps instead of waiting.</summary>
public sealed class RedisPermitsTests
{
    private const int Day = 24 * 60 * 60 * 1_000;
    private const string Budget = "a:identify:budget";

    private readonly RecordingLogger _logger = new();
    private readonly List<RedisConnection> _connections = [];
    private RedisServer _server = null!;
    private RedisPermits _one = null!;
    private RedisPermits _other = null!;
    private int _owners;

    private IDatabase Database => _connections[0].Database;

    [Before(Test)]
    public async Task ConnectAsync()
    {
        _server = await RedisServer.StartAsync();
        (_one, _other) = (await ProcessAsync(), await ProcessAsync());
    }

    [After(Test)]
    public async Task DisconnectAsync()
    {
        foreach (RedisConnection connection in _connections)
        {
            await connection.DisposeAsync();
        }

        await _server.DisposeAsync();
    }

    [Test]
    public async Task A_permit_is_its_owners_for_45_seconds()
    {
        await KnownAsync();
        PermitClaim claim = Claim(0);
        long before = await TimeAsync();
        await Assert.That(await AskAsync(_one, claim)).IsEqualTo(ClaimResult.Granted);

        await LivesForAsync(0, 45_000, before, await TimeAsync());
        await Assert.That((string?)await Database.StringGetAsync("a:identify:0")).IsEqualTo($"{claim.Owner}:1");
        await Assert.That(await AskAsync(_other, Claim(1))).IsEqualTo(ClaimResult.Taken);
    }

    [Test]
    public async Task A_spent_permit_holds_its_bucket_for_the_pace_and_no_longer()
    {
        await KnownAsync();
        PermitClaim claim = await GrantedAsync(_one, 0);
        long before = await TimeAsync();
        await Assert.That((await _one.SpendAsync(claim, 0)).IsSpent).IsTrue();

        await LivesForAsync(0, IdentifyBuckets.Pace, before, await TimeAsync());
        ClaimAnswer paced = (await _other.ClaimAsync(1, [Claim(1)])).Answers.Single();
        await Assert.That(paced.Result).IsEqualTo(ClaimResult.Paced);
        await Assert.That(paced.Wait).IsBetween(1, IdentifyBuckets.Pace);
    }

    [Test]
    public async Task Of_two_who_claim_at_once_one_gets_the_permit()
    {
        await KnownAsync();
        for (int round = 0; round < 100; round++)
        {
            PermitClaim first = Claim(0), second = Claim(0);
            ClaimResult[] results = await Task.WhenAll(AskAsync(_one, first), AskAsync(_other, second));
            await Assert.That(results.Count(result => result == ClaimResult.Granted)).IsEqualTo(1);
            await _one.ReturnAsync(first);
            await _other.ReturnAsync(second);
        }
    }

    [Test]
    public async Task An_expired_permit_cannot_be_spent_and_costs_nothing()
    {
        await KnownAsync();
        PermitClaim expired = await GrantedAsync(_one, 0);
        await ExpireAsync(0);
        PermitClaim next = await GrantedAsync(_other, 1);

        await Assert.That((await _one.SpendAsync(expired, 0)).IsSpent).IsFalse();
        await Assert.That(await FieldAsync("remaining")).IsEqualTo(1_000);
        await Assert.That((await _other.SpendAsync(next, 0)).IsSpent).IsTrue().Because("who is not the owner does not touch the permit");
    }

    [Test]
    public async Task A_permit_that_is_given_back_goes_to_the_next_at_once()
    {
        await KnownAsync();
        PermitClaim claim = await GrantedAsync(_one, 0);
        await Assert.That(await AskAsync(_other, Claim(1))).IsEqualTo(ClaimResult.Taken);
        await _one.ReturnAsync(claim);

        await Assert.That(await AskAsync(_other, Claim(1))).IsEqualTo(ClaimResult.Granted);
    }

    [Test]
    public async Task Who_is_not_the_owner_any_more_gives_nothing_back()
    {
        await KnownAsync();
        PermitClaim expired = await GrantedAsync(_one, 0);
        await ExpireAsync(0);
        PermitClaim held = await GrantedAsync(_other, 1);
        await _one.ReturnAsync(expired);

        await Assert.That((await _other.SpendAsync(held, 0)).IsSpent).IsTrue();
    }

    [Test]
    public async Task A_spent_permit_is_not_given_back()
    {
        await KnownAsync();
        PermitClaim claim = await GrantedAsync(_one, 0);
        await _one.SpendAsync(claim, 0);
        await _one.ReturnAsync(claim);

        await Assert.That(await AskAsync(_other, Claim(1))).IsEqualTo(ClaimResult.Paced);
    }

    [Test]
    public async Task Spending_again_begins_the_pace_anew_and_counts_once()
    {
        await KnownAsync();
        PermitClaim claim = await GrantedAsync(_one, 0);
        await _one.SpendAsync(claim, 0);
        await Database.KeyExpireAsync("a:identify:0", TimeSpan.FromSeconds(4));

        long before = await TimeAsync();
        PermitSpending again = await _one.SpendAsync(claim, 0);
        await LivesForAsync(0, IdentifyBuckets.Pace, before, await TimeAsync());
        await Assert.That(again.IsSpent).IsTrue();
        await Assert.That(again.Budget!.Value.Remaining).IsEqualTo(999);
    }

    [Test]
    public async Task A_pace_may_be_longer_for_a_slow_process()
    {
        await KnownAsync();
        PermitClaim claim = await GrantedAsync(_one, 0);
        long before = await TimeAsync();
        await _one.SpendAsync(claim, 3_000);

        await LivesForAsync(0, IdentifyBuckets.Pace + 3_000, before, await TimeAsync());
    }

    [Test]
    public async Task A_claim_whose_answer_was_lost_is_repeated_and_is_granted_once()
    {
        await KnownAsync(remaining: 51);
        PermitClaim claim = await GrantedAsync(_one, 0);

        await Assert.That(await AskAsync(_one, claim)).IsEqualTo(ClaimResult.Granted);
        await Assert.That((await _one.SpendAsync(claim, 0)).IsSpent).IsTrue();
    }

    [Test]
    public async Task Shards_that_identified_least_recently_go_first_then_the_lower_ones_whoever_runs_them()
    {
        await KnownAsync();
        PermitClaim holder = await GrantedAsync(_one, 9);
        await Database.SortedSetAddAsync("a:identify:last", [new("1", 2_000), new("2", 1_000)]);
        RedisPermits third = await ProcessAsync(), fourth = await ProcessAsync();
        (RedisPermits Process, int Shard)[] waiting = [(_other, 1), (third, 2), (fourth, 5), (_one, 3)];
        foreach ((RedisPermits process, int shard) in waiting)
        {
            await AskAsync(process, Claim(shard));
        }

        await _one.ReturnAsync(holder);
        List<int> order = [];
        while (order.Count < waiting.Length)
        {
            foreach ((RedisPermits process, int shard) in waiting.Where(waiter => !order.Contains(waiter.Shard)))
            {
                PermitClaim claim = Claim(shard);
                if (await AskAsync(process, claim) == ClaimResult.Granted)
                {
                    order.Add(shard);
                    await process.ReturnAsync(claim);
                }
            }
        }

        await Assert.That(string.Join(' ', order)).IsEqualTo("3 5 2 1");
    }

    [Test]
    public async Task A_process_that_stopped_asking_does_not_keep_the_others_waiting()
    {
        await KnownAsync();
        PermitClaim holder = await GrantedAsync(_one, 9);
        await AskAsync(_other, Claim(0));
        await _one.ReturnAsync(holder);
        await Assert.That(await AskAsync(_one, Claim(1))).IsEqualTo(ClaimResult.Taken).Because("shard 0 comes first");

        // As if five seconds had passed.
        foreach (HashEntry entry in await Database.HashGetAllAsync("a:identify:0:waiting"))
        {
            string[] parts = entry.Value.ToString().Split(' ');
            await Database.HashSetAsync("a:identify:0:waiting", entry.Name, parts[0] == "0" ? "0 1 1" : entry.Value);
        }

        await Assert.That(await AskAsync(_one, Claim(1))).IsEqualTo(ClaimResult.Granted);
    }

    [Test]
    public async Task All_who_wait_in_a_bucket_are_told_how_many_they_are()
    {
        await KnownAsync();
        await GrantedAsync(_one, 9);
        await _one.ClaimAsync(1, [Claim(0, waiting: 4)]);

        await Assert.That((await _other.ClaimAsync(1, [Claim(4, waiting: 3)])).Answers.Single().Waiting).IsEqualTo(7);
    }

    [Test]
    public async Task The_reserve_is_kept_over_all_processes()
    {
        await KnownAsync(maxConcurrency: 16, remaining: 52);
        PermitClaim first = await GrantedAsync(_one, 0, 16), second = await GrantedAsync(_other, 1, 16);
        await Assert.That(await AskAsync(_one, Claim(2, 16))).IsEqualTo(ClaimResult.Taken).Because("two permits are out for the last two");

        await _one.SpendAsync(first, 0);
        await _other.SpendAsync(second, 0);
        await Assert.That(await AskAsync(_one, Claim(2, 16))).IsEqualTo(ClaimResult.Reserve);
        await Assert.That(await FieldAsync("remaining")).IsEqualTo(50);
    }

    [Test]
    public async Task A_permit_is_not_spent_when_the_budget_was_meanwhile()
    {
        await KnownAsync(maxConcurrency: 16, remaining: 60);
        PermitClaim claim = await GrantedAsync(_one, 0, 16);
        await _other.SyncAsync(new SessionStartLimit(1_000, 50, Day, 16), 0);

        await Assert.That((await _one.SpendAsync(claim, 0)).IsSpent).IsFalse();
        await Assert.That(await FieldAsync("remaining")).IsEqualTo(50);
    }

    [Test]
    public async Task A_quarter_of_the_total_goes_to_shards_that_had_identified_and_each_first_is_free()
    {
        await KnownAsync(maxConcurrency: 16, total: 100, remaining: 100);
        for (int i = 0; i < 26; i++)
        {
            await IdentifyAsync(i % 2 == 0 ? _one : _other, 3);
        }

        PermitClaims refused = await _other.ClaimAsync(16, [Claim(3, 16), Claim(4, 16)]);
        await Assert.That(refused.Answers[0].Result).IsEqualTo(ClaimResult.Extra);
        await Assert.That(refused.Answers[0].Wait).IsBetween(Day - 60_000, Day + 60_000);
        await Assert.That(refused.Answers[1].Result).IsEqualTo(ClaimResult.Granted);
        await Assert.That(refused.Budget!.Value.Extras).IsEqualTo(25);
    }

    [Test]
    public async Task An_extra_that_is_a_day_old_lets_one_more_through()
    {
        await KnownAsync(maxConcurrency: 16, total: 100, remaining: 100);
        for (int i = 0; i < 26; i++)
        {
            await IdentifyAsync(_one, 3);
        }

        SortedSetEntry oldest = (await Database.SortedSetRangeByRankWithScoresAsync("a:identify:extras", 0, 0)).Single();
        await Database.SortedSetAddAsync("a:identify:extras", oldest.Element, oldest.Score - DailyIdentifies.Day);
        await IdentifyAsync(_other, 3);
        await Assert.That(await AskAsync(_one, Claim(3, 16))).IsEqualTo(ClaimResult.Extra);
    }

    [Test]
    public async Task A_shards_first_is_free_again_after_a_day()
    {
        await KnownAsync(maxConcurrency: 16, total: 100, remaining: 100);
        await IdentifyAsync(_one, 3);
        await Database.SortedSetAddAsync("a:identify:firsts", "3", (await TimeAsync()) - DailyIdentifies.Day);
        await IdentifyAsync(_other, 3);

        await Assert.That(await Database.SortedSetLengthAsync("a:identify:extras")).IsEqualTo(0);
    }

    [Test]
    public async Task Permits_that_would_be_extras_are_not_granted_beyond_what_is_left_of_them()
    {
        await KnownAsync(maxConcurrency: 16, total: 4, remaining: 1_000);
        await IdentifyAsync(_one, 0);
        await IdentifyAsync(_one, 1);
        PermitClaim held = await GrantedAsync(_one, 0, 16);
        await Assert.That(await AskAsync(_other, Claim(1, 16))).IsEqualTo(ClaimResult.Taken);

        await _one.ReturnAsync(held);
        await Assert.That(await AskAsync(_other, Claim(1, 16))).IsEqualTo(ClaimResult.Granted);
    }

    [Test]
    public async Task Of_two_numbers_the_smaller_is_believed_within_a_window()
    {
        await KnownAsync(remaining: 900);
        await _other.SyncAsync(new SessionStartLimit(1_000, 950, Day, 1), 0);
        await Assert.That(await FieldAsync("remaining")).IsEqualTo(900);
        await _other.SyncAsync(new SessionStartLimit(1_000, 850, Day, 1), 0);
        await Assert.That(await FieldAsync("remaining")).IsEqualTo(850);
    }

    [Test]
    public async Task A_new_window_begins_with_what_Discord_says()
    {
        await KnownAsync(remaining: 60);
        await Database.HashSetAsync(Budget, "reset", (await TimeAsync()) - 1);
        await _other.SyncAsync(new SessionStartLimit(1_000, 1_000, Day, 1), 0);

        await Assert.That(await FieldAsync("remaining")).IsEqualTo(1_000);
    }

    [Test]
    public async Task A_new_window_begins_by_itself_when_nobody_asked_and_what_was_spent_since_counts()
    {
        await KnownAsync(maxConcurrency: 16, remaining: 60);
        await Database.HashSetAsync(Budget, "reset", (await TimeAsync()) - 1);
        await IdentifyAsync(_one, 0);
        await Assert.That(await FieldAsync("remaining")).IsEqualTo(59).Because("the new window is not taken for granted yet");
        await Database.HashSetAsync(Budget, "reset", (await TimeAsync()) - SessionStartBudget.ResetGrace);
        await IdentifyAsync(_one, 1);

        await Assert.That(await FieldAsync("remaining")).IsEqualTo(998);
    }

    [Test]
    public async Task Limits_that_are_old_establish_nothing()
    {
        PermitSync sync = await _one.SyncAsync(new SessionStartLimit(1_000, 1_000, Day, 1), RedisPermitScripts.FreshFor + 1);
        await Assert.That(sync.Budget).IsNull();
        await Assert.That((await _one.ClaimAsync(1, [Claim(0)])).Budget).IsNull();
    }

    [Test]
    public async Task Old_limits_are_no_hindrance_where_the_budget_is_known()
    {
        await KnownAsync(remaining: 900);
        PermitSync sync = await _other.SyncAsync(new SessionStartLimit(1_000, 300, Day, 1), RedisPermitScripts.FreshFor + 1);

        await Assert.That(sync.Budget!.Value.Remaining).IsEqualTo(900);
    }

    [Test]
    public async Task With_a_Redis_that_knows_nothing_the_first_IDENTIFY_waits_for_a_pace()
    {
        long before = await TimeAsync();
        await _one.SyncAsync(new SessionStartLimit(1_000, 1_000, Day, 1), 0);
        await Assert.That(await FieldAsync("free_at")).IsBetween(before + IdentifyBuckets.Pace, await TimeAsync() + IdentifyBuckets.Pace);
        ClaimAnswer answer = (await _one.ClaimAsync(1, [Claim(0)])).Answers.Single();

        await Assert.That(answer.Result).IsEqualTo(ClaimResult.Paced);
        await Assert.That(answer.Wait).IsBetween(1, IdentifyBuckets.Pace);
    }

    [Test]
    public async Task After_a_restart_of_Redis_without_its_data_nothing_is_spent_before_Discord_was_asked()
    {
        await KnownAsync();
        PermitClaim held = await GrantedAsync(_one, 0);
        await RestartAsync();

        await Assert.That((await _one.SpendAsync(held, 0)).IsSpent).IsFalse();
        await Assert.That((await _other.ClaimAsync(1, [Claim(1)])).Budget).IsNull();
        await Assert.That((await _other.SyncAsync(new SessionStartLimit(1_000, 990, Day, 1), 0)).Budget!.Value.Remaining).IsEqualTo(990);
        await Assert.That(await AskAsync(_other, Claim(1))).IsEqualTo(ClaimResult.Paced).Because("an IDENTIFY may have been sent a moment ago");
    }

    [Test]
    public async Task Another_Redis_with_the_data_of_the_first_is_recognised()
    {
        // A replica that has taken over, perhaps a moment behind: the data are there, and the run_id is another one.
        await KnownAsync(remaining: 900);
        PermitClaim held = await GrantedAsync(_one, 0);
        await Database.HashSetAsync(Budget, "run", "0123456789abcdef");

        await Assert.That((await _one.SpendAsync(held, 0)).IsSpent).IsFalse();
        await Assert.That((await _other.ClaimAsync(1, [Claim(1)])).Budget).IsNull();
        SharedBudget? budget = (await _other.SyncAsync(new SessionStartLimit(1_000, 1_000, Day, 1), 0)).Budget;
        await Assert.That(budget!.Value.Remaining).IsEqualTo(900).Because("what is left may be known better than Discord says");
        await Assert.That(await AskAsync(_other, Claim(1))).IsEqualTo(ClaimResult.Paced);
    }

    [Test]
    public async Task Another_max_concurrency_voids_permits_and_begins_the_pace_of_all_buckets()
    {
        await KnownAsync(maxConcurrency: 16);
        PermitClaim old = await GrantedAsync(_one, 17, 16);
        await _other.SyncAsync(new SessionStartLimit(1_000, 1_000, Day, 2), 0);

        await Assert.That((await _one.SpendAsync(old, 0)).IsSpent).IsFalse();
        await Assert.That(await AskAsync(_other, Claim(3, 2))).IsEqualTo(ClaimResult.Paced);
        await Database.HashSetAsync(Budget, "free_at", 0);
        await Assert.That(await AskAsync(_other, Claim(3, 2))).IsEqualTo(ClaimResult.Granted);
    }

    [Test]
    public async Task A_process_that_knows_another_max_concurrency_is_told_the_one_in_force()
    {
        await KnownAsync(maxConcurrency: 16);
        PermitClaims answer = await _other.ClaimAsync(1, [Claim(0)]);

        await Assert.That(answer.Answers).IsEmpty();
        await Assert.That(answer.Budget!.Value.MaxConcurrency).IsEqualTo(16);
    }

    [Test]
    public async Task The_newest_answer_says_max_concurrency_in_whatever_order_they_arrive()
    {
        await KnownAsync(maxConcurrency: 16);
        await _other.SyncAsync(new SessionStartLimit(1_000, 1_000, Day, 1), 10_000);

        await Assert.That(await FieldAsync("concurrency")).IsEqualTo(16);
    }

    [Test]
    public async Task A_permit_of_another_max_concurrency_does_not_block_a_bucket()
    {
        await KnownAsync(maxConcurrency: 16);
        await GrantedAsync(_one, 0, 16);
        await KnownAsync(maxConcurrency: 1);

        await Assert.That(await AskAsync(_other, Claim(5))).IsEqualTo(ClaimResult.Granted);
    }

    [Test]
    public async Task Everybody_is_told_when_shards_identified_last()
    {
        await KnownAsync(maxConcurrency: 16);
        long before = await TimeAsync();
        await IdentifyAsync(_one, 3);
        PermitSync sync = await _other.SyncAsync(null, 0);

        (int shard, long at) = sync.LastIdentifies.Single();
        await Assert.That(shard).IsEqualTo(3);
        await Assert.That(at).IsBetween(before, await TimeAsync());
    }

    [Test]
    public async Task A_Redis_that_stands_still_fails_a_step_which_may_then_be_repeated_and_counts_once()
    {
        await KnownAsync();
        PermitClaim claim = await GrantedAsync(_one, 0);
        _server.Pause();
        await Assert.That(async () => { await _one.SpendAsync(claim, 0); }).Throws<IOException>();

        // It now does what was asked of it meanwhile.
        _server.Continue();
        await RetryAsync(() => _other.SyncAsync(null, 0));
        PermitSpending again = await RetryAsync(() => _one.SpendAsync(claim, 0));
        await Assert.That(again.Budget!.Value.Remaining).IsEqualTo(999);
    }

    [Test]
    public async Task A_user_who_may_not_read_INFO_gets_permits_all_the_same()
    {
        await KnownAsync();
        await Database.ExecuteAsync("ACL", "SETUSER", "narrow", "on", ">secret", "~a:*", "+@all", "-info");
        RedisConnection connection = await RedisConnection.OpenAsync(new RedisDsn { UnixSocket = _server.Dsn.UnixSocket, User = "narrow", Password = "secret" }, _logger);
        _connections.Add(connection);
        RedisPermits narrow = new(connection, "a:", PermitTimes.OfDiscord);
        await narrow.SyncAsync(new SessionStartLimit(1_000, 1_000, Day, 1), 0);
        await Database.HashSetAsync(Budget, "free_at", 0);

        await Assert.That(await AskAsync(narrow, Claim(0))).IsEqualTo(ClaimResult.Granted);
        await Assert.That((string?)await Database.HashGetAsync(Budget, "run")).IsEqualTo("");
    }

    [Test]
    public async Task A_shard_of_another_generation_has_a_first_IDENTIFY_of_its_own_and_shares_all_else()
    {
        await KnownAsync(maxConcurrency: 16);
        await IdentifyAsync(_one, 3);
        RedisPermits second = new(_connections[0], "a:", PermitTimes.OfDiscord, "gen:8:");
        PermitClaim claim = await GrantedAsync(second, 3, 16);
        PermitSpending spent = await second.SpendAsync(claim, 0);
        await Assert.That(spent.Budget!.Value.Extras).IsEqualTo(0);
        await Assert.That(spent.Budget!.Value.Remaining).IsEqualTo(998);
    }

    [Test]
    public async Task A_clock_that_was_set_back_holds_a_bucket_no_longer_than_its_pace()
    {
        await KnownAsync();
        await _one.SpendAsync(await GrantedAsync(_one, 0), 0);
        await Database.KeyExpireAsync("a:identify:0", TimeSpan.FromHours(1));

        ClaimAnswer answer = (await _other.ClaimAsync(1, [Claim(1)])).Answers.Single();

        await Assert.That(answer.Result).IsEqualTo(ClaimResult.Paced);
        await Assert.That(answer.Wait).IsLessThanOrEqualTo(IdentifyBuckets.Pace);
        await Assert.That(await RemainingLifeAsync(0)).IsLessThanOrEqualTo(IdentifyBuckets.Pace);
    }

    [Test]
    public async Task A_clock_that_was_set_back_makes_no_permit_live_longer()
    {
        await KnownAsync();
        await GrantedAsync(_one, 0);
        await Database.KeyExpireAsync("a:identify:0", TimeSpan.FromHours(1));

        await Assert.That(await AskAsync(_other, Claim(1))).IsEqualTo(ClaimResult.Taken);
        await Assert.That(await RemainingLifeAsync(0)).IsLessThanOrEqualTo(45_000);
    }

    [Test]
    public async Task A_process_that_ended_before_the_clock_was_set_back_does_not_keep_the_others_waiting()
    {
        await KnownAsync();
        await Database.HashSetAsync("a:identify:0:waiting", "0123456789abcdef", $"0 {await TimeAsync() + 3_600_000} 1");

        await Assert.That(await AskAsync(_one, Claim(1))).IsEqualTo(ClaimResult.Granted);
    }

    [Test]
    public async Task Permits_that_were_held_before_the_clock_was_set_back_are_no_longer_taken_off_the_budget()
    {
        await KnownAsync(remaining: 51);
        await Database.SortedSetAddAsync("a:identify:held", "abc:1", await TimeAsync() + 3_600_000);

        await Assert.That(await AskAsync(_one, Claim(1))).IsEqualTo(ClaimResult.Granted);
    }

    [Test]
    public async Task What_identified_before_the_clock_was_set_back_counts_for_one_day_from_now()
    {
        await KnownAsync(maxConcurrency: 16, total: 100, remaining: 100);
        long future = await TimeAsync() + 365 * DailyIdentifies.Day;
        await Database.SortedSetAddAsync("a:identify:firsts", "3", future);
        await Database.SortedSetAddAsync("a:identify:last", "3", future);
        await Database.SortedSetAddAsync("a:identify:extras", [.. Enumerable.Range(0, 25).Select(i => new SortedSetEntry($"x{i}", future))]);

        await _one.SyncAsync(new SessionStartLimit(100, 100, Day, 16), 0);
        ClaimAnswer refused = (await _one.ClaimAsync(16, [Claim(3, 16)])).Answers.Single();

        await Assert.That(refused.Result).IsEqualTo(ClaimResult.Extra);
        await Assert.That(refused.Wait).IsLessThanOrEqualTo(DailyIdentifies.Day);
        await Assert.That((await Database.SortedSetScoreAsync("a:identify:last", "3"))!.Value).IsLessThanOrEqualTo(await TimeAsync());
    }

    [Test]
    public async Task An_answer_of_before_the_clock_was_set_back_does_not_say_max_concurrency_for_ever()
    {
        await KnownAsync(maxConcurrency: 16);
        await Database.HashSetAsync(Budget, "concurrency_at", await TimeAsync() + 3_600_000);
        await _other.SyncAsync(new SessionStartLimit(1_000, 1_000, Day, 2), 5);

        await Assert.That(await FieldAsync("concurrency")).IsEqualTo(2);
    }

    [Test]
    public async Task All_keys_stand_behind_the_prefix_and_expire()
    {
        await KnownAsync(maxConcurrency: 16);
        await IdentifyAsync(_one, 3);
        await IdentifyAsync(_one, 3);
        await GrantedAsync(_one, 3, 16);
        await AskAsync(_other, Claim(3, 16));

        string[] keys = [.. _connections[0].Database.Multiplexer.GetServers()[0].Keys().Select(key => key.ToString()).Order(StringComparer.Ordinal)];
        await Assert.That(string.Join(' ', keys)).IsEqualTo(
            "a:identify:3 a:identify:3:waiting a:identify:budget a:identify:extras a:identify:firsts a:identify:held a:identify:held:extras a:identify:last");
        foreach (string key in keys)
        {
            await Assert.That(await Database.KeyTimeToLiveAsync(key)).IsNotNull().Because(key);
        }
    }

    private async Task<RedisPermits> ProcessAsync()
    {
        RedisConnection connection = await RedisConnection.OpenAsync(_server.Dsn, _logger);
        _connections.Add(connection);
        return new RedisPermits(connection, "a:", PermitTimes.OfDiscord);
    }

    /// <summary>Discord has been asked, and the pace that a new Redis begins with is over.</summary>
    private async Task KnownAsync(int maxConcurrency = 1, int total = 1_000, int remaining = 1_000)
    {
        await _one.SyncAsync(new SessionStartLimit(total, remaining, Day, maxConcurrency), 0);
        await Database.HashSetAsync(Budget, "free_at", 0);
    }

    private PermitClaim Claim(int shard, int maxConcurrency = 1, int waiting = 1) => new(maxConcurrency, shard, $"abc{++_owners:x4}", waiting);

    private static async Task<ClaimResult> AskAsync(RedisPermits process, PermitClaim claim) =>
        (await process.ClaimAsync(claim.MaxConcurrency, [claim])).Answers.Single().Result;

    private async Task<PermitClaim> GrantedAsync(RedisPermits process, int shard, int maxConcurrency = 1)
    {
        PermitClaim claim = Claim(shard, maxConcurrency);
        await Assert.That(await AskAsync(process, claim)).IsEqualTo(ClaimResult.Granted);
        return claim;
    }

    /// <summary>A whole IDENTIFY of one of 16 buckets, and its pace.</summary>
    private async Task IdentifyAsync(RedisPermits process, int shard)
    {
        PermitClaim claim = await GrantedAsync(process, shard, 16);
        await Assert.That((await process.SpendAsync(claim, 0)).IsSpent).IsTrue();
        await ExpireAsync(claim.Bucket);
    }

    private async Task ExpireAsync(int bucket) => await Database.KeyDeleteAsync($"a:identify:{bucket}");

    /// <summary>The bucket's key ends so many ms after a step that Redis took between two times: however long this process stood still since.</summary>
    private async Task LivesForAsync(int bucket, long milliseconds, long before, long after)
    {
        DateTime end = (await Database.KeyExpireTimeAsync($"a:identify:{bucket}"))!.Value;
        await Assert.That(new DateTimeOffset(end.ToUniversalTime()).ToUnixTimeMilliseconds()).IsBetween(before + milliseconds, after + milliseconds);
    }

    private async Task<double> RemainingLifeAsync(int bucket) => (await Database.KeyTimeToLiveAsync($"a:identify:{bucket}"))!.Value.TotalMilliseconds;

    private async Task<long> FieldAsync(string name) => (long)await Database.HashGetAsync(Budget, name);

    private async Task<long> TimeAsync()
    {
        RedisResult[] time = (RedisResult[])(await Database.ExecuteAsync("TIME"))!;
        return (long)time[0] * 1_000 + (long)time[1] / 1_000;
    }

    /// <summary>Tries until there is an answer: the client may have to reconnect first.</summary>
    private static async Task<T> RetryAsync<T>(Func<Task<T>> step)
    {
        using PeriodicTimer period = new(TimeSpan.FromMilliseconds(20));
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(60));
        while (true)
        {
            try
            {
                return await step();
            }
            catch (IOException)
            {
                await period.WaitForNextTickAsync(patience.Token);
            }
        }
    }

    private async Task RestartAsync()
    {
        TaskCompletionSource[] back = [.. _connections.Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))];
        for (int i = 0; i < back.Length; i++)
        {
            TaskCompletionSource source = back[i];
            _connections[i].Reconnected += () => source.TrySetResult();
        }

        await _server.RestartAsync();
        await Task.WhenAll(back.Select(source => source.Task));
    }
}
