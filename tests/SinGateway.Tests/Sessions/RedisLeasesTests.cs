using SinGateway.Sessions;
using SinGateway.Tests.Fixtures;
using StackExchange.Redis;

namespace SinGateway.Tests.Sessions;

/// <summary>The steps of a lease against a real redis-server.</summary>
public sealed class RedisLeasesTests
{
    private const string Owner = "0123456789abcdef:42:host-a";

    private readonly RecordingLogger _logger = new();
    private RedisServer _server = null!;
    private RedisConnection _connection = null!;
    private RedisLeases _leases = null!;

    private IDatabase Database => _connection.Database;

    [Before(Test)]
    public async Task ConnectAsync()
    {
        _server = await RedisServer.StartAsync();
        _connection = await RedisConnection.OpenAsync(_server.Dsn, _logger);
        _leases = new RedisLeases(_connection, "p:", "1000");
    }

    [After(Test)]
    public async Task DisconnectAsync()
    {
        await _connection.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Test]
    public async Task A_taken_lease_is_seen_with_its_holder_and_runs_out_after_4_s()
    {
        long before = await TimeAsync();
        LeaseToken token = await TakeAsync(2);
        await LivesFor4SecondsAsync(2, before, await TimeAsync());
        LeaseLook look = await _leases.LookAsync([1, 2], default);
        await Assert.That(look.Leases[0]).IsEqualTo(new LeaseView(null, "", false));
        await Assert.That(look.Leases[1].Holder).IsEqualTo(token.Text);
        await Assert.That(look.Bot).IsEqualTo("1000");
        await Assert.That(LeaseToken.Describe(token.Text)).IsEqualTo("process 42 on host-a");
    }

    [Test]
    public async Task A_lease_lives_no_longer_than_4_s_though_the_clock_of_Redis_is_set_back()
    {
        // Redis keeps when a key ends, not how long it lives.
        await TakeAsync(0);
        await Database.KeyExpireAsync("p:cluster:0:holder", TimeSpan.FromHours(1));

        await _leases.LookAsync([0], default);

        await Assert.That((await Database.KeyTimeToLiveAsync("p:cluster:0:holder"))!.Value).IsLessThanOrEqualTo(TimeSpan.FromSeconds(4));
    }

    [Test]
    public async Task A_lease_that_is_held_is_not_taken()
    {
        LeaseLook look = await _leases.LookAsync([0], default);
        await TakeAsync(0);
        await Assert.That(await _leases.TakeAsync(0, look.RunId, look.Leases[0], Owner, default)).IsNull();
    }

    [Test]
    public async Task A_lease_that_somebody_held_since_it_was_seen_is_not_taken()
    {
        LeaseLook look = await _leases.LookAsync([0], default);
        await TakeAsync(0);
        await Database.KeyDeleteAsync("p:cluster:0:holder");
        await Assert.That(await _leases.TakeAsync(0, look.RunId, look.Leases[0], Owner, default)).IsNull();
    }

    [Test]
    public async Task A_lease_that_was_seen_in_another_instance_is_not_taken()
    {
        LeaseLook look = await _leases.LookAsync([0], default);
        await Assert.That(await _leases.TakeAsync(0, look.RunId + "0", look.Leases[0], Owner, default)).IsNull();
    }

    [Test]
    public async Task Fences_grow_though_the_clock_goes_back_and_walk_through_the_remainders_by_four()
    {
        long future = DateTimeOffset.UtcNow.AddDays(1).ToUnixTimeMilliseconds();
        await Database.StringSetAsync("p:cluster:0:fence", future);
        long last = future;
        for (int i = 0; i < 5; i++)
        {
            LeaseToken token = await TakeAsync(0);
            await Assert.That(token.Fence).IsEqualTo(last + 1);
            last = token.Fence;
            await Database.KeyDeleteAsync("p:cluster:0:holder");
        }

        await Database.StringSetAsync("p:cluster:0:fence", 7);
        for (int i = 0; i < 5; i++)
        {
            long before = i == 0 ? 7 : last;
            last = (await TakeAsync(0)).Fence;
            await Assert.That(last).IsGreaterThan(DateTimeOffset.UtcNow.AddMinutes(-1).ToUnixTimeMilliseconds());
            await Assert.That(last % 4).IsEqualTo((before + 1) % 4);
            await Database.KeyDeleteAsync("p:cluster:0:holder");
        }
    }

    [Test]
    public async Task A_renewal_keeps_the_lease()
    {
        LeaseToken token = await TakeAsync(0);
        await Database.KeyExpireAsync("p:cluster:0:holder", TimeSpan.FromSeconds(3));
        long before = await TimeAsync();
        await Assert.That((await _leases.RenewAsync(token, default)).Anew).IsFalse();
        await LivesFor4SecondsAsync(0, before, await TimeAsync());
    }

    [Test]
    public async Task A_renewal_after_Redis_lost_everything_writes_all_keys_again()
    {
        LeaseToken token = await TakeAsync(0);
        string before = (await _leases.LookAsync([], default)).RunId;
        await RestartAsync();
        (bool anew, string runId) = await _leases.RenewAsync(token, default);
        await Assert.That(anew).IsTrue();
        await Assert.That(runId).IsNotEqualTo(before);
        LeaseLook look = await _leases.LookAsync([0], default);
        await Assert.That(look.Bot).IsEqualTo("1000");
        await Assert.That(look.Leases[0]).IsEqualTo(new LeaseView(token.Text, $"{token.Fence}", false));
    }

    [Test]
    public async Task A_renewal_meets_the_one_who_took_the_lease()
    {
        LeaseToken token = await TakeAsync(0);
        await Database.KeyDeleteAsync("p:cluster:0:holder");
        await TakeAsync(0, "fedc:43:host-b");
        LeaseLostException? lost = await Assert.That(async () => { await _leases.RenewAsync(token, default); }).Throws<LeaseLostException>();
        await Assert.That(lost!.Message).IsEqualTo("cluster 0 is held by process 43 on host-b");
    }

    [Test]
    public async Task A_renewal_meets_the_fence_of_one_who_has_ended_since()
    {
        LeaseToken token = await TakeAsync(0);
        await Database.KeyDeleteAsync("p:cluster:0:holder");
        LeaseToken second = await TakeAsync(0);
        await _leases.VacateAsync(second, default);
        LeaseLostException? lost = await Assert.That(async () => { await _leases.RenewAsync(token, default); }).Throws<LeaseLostException>();
        await Assert.That(lost!.Holder).IsEmpty();
    }

    [Test]
    public async Task A_vacated_lease_is_seen_as_such_until_the_next_holder()
    {
        LeaseToken token = await TakeAsync(0);
        await _leases.VacateAsync(token, default);
        LeaseLook look = await _leases.LookAsync([0], default);
        await Assert.That(look.Leases[0]).IsEqualTo(new LeaseView(null, $"{token.Fence}", true));
        await TakeAsync(0);
        await Assert.That(await Database.KeyExistsAsync("p:cluster:0:vacated")).IsFalse();
    }

    [Test]
    public async Task Of_two_who_saw_the_same_vacated_lease_one_takes_it()
    {
        await _leases.VacateAsync(await TakeAsync(0), default);
        LeaseLook look = await _leases.LookAsync([0], default);
        LeaseToken?[] taken = await Task.WhenAll(Enumerable.Range(0, 8).Select(i =>
            _leases.TakeAsync(0, look.RunId, look.Leases[0], $"{i:x16}:1:h", default)));
        await Assert.That(taken.Count(token => token is not null)).IsEqualTo(1);
    }

    [Test]
    public async Task The_mark_of_another_instance_counts_for_nothing()
    {
        LeaseToken token = await TakeAsync(0);
        await _leases.VacateAsync(token, default);
        string mark = (await Database.StringGetAsync("p:cluster:0:vacated"))!;
        await RestartAsync();
        await Database.StringSetAsync("p:cluster:0:fence", token.Fence);
        await Database.StringSetAsync("p:cluster:0:vacated", mark);
        await Assert.That((await _leases.LookAsync([0], default)).Leases[0].IsVacated).IsFalse();
    }

    [Test]
    public async Task Only_its_holder_vacates_a_lease()
    {
        LeaseToken first = await TakeAsync(0);
        await Database.KeyDeleteAsync("p:cluster:0:holder");
        LeaseToken second = await TakeAsync(0);
        await _leases.VacateAsync(first, default);
        await Assert.That((await _leases.LookAsync([0], default)).Leases[0]).IsEqualTo(new LeaseView(second.Text, $"{second.Fence}", false));
    }

    [Test]
    public async Task A_lease_that_ran_out_and_nobody_took_can_still_be_vacated()
    {
        LeaseToken token = await TakeAsync(0);
        await Database.KeyDeleteAsync("p:cluster:0:holder");
        await _leases.VacateAsync(token, default);
        await Assert.That((await _leases.LookAsync([0], default)).Leases[0].IsVacated).IsTrue();
    }

    [Test]
    public async Task Another_bot_on_the_same_keys_is_refused_by_name_and_remedy()
    {
        await TakeAsync(0);
        RedisLeases other = new(_connection, "p:", "2000");
        LeaseLook look = await other.LookAsync([1], default);
        OtherBotException? refusal = await Assert.That(async () => { await other.TakeAsync(1, look.RunId, look.Leases[0], Owner, default); })
            .Throws<OtherBotException>();
        await Assert.That(refusal!.Message).Contains("bot 1000").And.Contains("bot 2000").And.Contains("redisPrefix");
        await Assert.That(await Database.KeyExistsAsync("p:cluster:1:holder")).IsFalse();
    }

    [Test]
    public async Task A_renewal_meets_another_bot_that_came_first_after_Redis_lost_everything()
    {
        LeaseToken token = await TakeAsync(0);
        await Database.StringSetAsync("p:bot", "2000");
        await Assert.That(async () => { await _leases.RenewAsync(token, default); }).Throws<OtherBotException>();
    }

    /// <summary>The lease ends 4 s after a step that Redis took between two times: however long this process stood still since.</summary>
    private async Task LivesFor4SecondsAsync(int index, long before, long after)
    {
        DateTime end = (await Database.KeyExpireTimeAsync($"p:cluster:{index}:holder"))!.Value;
        await Assert.That(new DateTimeOffset(end.ToUniversalTime()).ToUnixTimeMilliseconds()).IsBetween(before + 4_000, after + 4_000);
    }

    private async Task<long> TimeAsync()
    {
        RedisResult[] time = (RedisResult[])(await Database.ExecuteAsync("TIME"))!;
        return (long)time[0] * 1_000 + (long)time[1] / 1_000;
    }

    private async Task RestartAsync()
    {
        TaskCompletionSource back = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _connection.Reconnected += () => back.TrySetResult();
        await _server.RestartAsync();
        await back.Task;
    }

    private async Task<LeaseToken> TakeAsync(int index, string owner = Owner)
    {
        LeaseLook look = await _leases.LookAsync([index], default);
        return (await _leases.TakeAsync(index, look.RunId, look.Leases[0], owner, default))!;
    }
}
