using SinGateway.Sessions;
using SinGateway.Tests.Fixtures;
using StackExchange.Redis;

namespace SinGateway.Tests.Sessions;

public sealed class RedisSessionStoreTests
{
    private readonly RecordingLogger _logger = new();
    private RedisServer _server = null!;
    private RedisConnection _connection = null!;
    private RedisLeases _leases = null!;
    private RedisSessionStore _store = null!;

    private IDatabase Database => _connection.Database;

    [Before(Test)]
    public async Task ConnectAsync()
    {
        _server = await RedisServer.StartAsync();
        _connection = await RedisConnection.OpenAsync(_server.Dsn, _logger);
        _leases = new RedisLeases(_connection, "a:", "1");
        _store = await StoreAsync();
    }

    [After(Test)]
    public async Task DisconnectAsync()
    {
        await _store.DisposeAsync();
        await _connection.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Test]
    public async Task A_saved_session_is_loaded()
    {
        await SaveAsync(Record(3, seq: 42));
        await Assert.That(await LoadAsync(0, 16)).IsEquivalentTo([Record(3, seq: 42)]);
    }

    [Test]
    public async Task The_keys_are_those_of_the_Python_program_behind_the_prefix()
    {
        await SaveAsync(Record(3, seq: 42));
        await Assert.That((string?)await Database.StringGetAsync("a:shard:3:session_id")).IsEqualTo("session3");
        await Assert.That((string?)await Database.StringGetAsync("a:shard:3:seq")).IsEqualTo("42");
        await Assert.That((string?)await Database.StringGetAsync("a:shard:3:last_heartbeat")).IsEqualTo("1800000000000");
        await Assert.That((string?)await Database.StringGetAsync("a:shard:3:last_heartbeat_ack")).IsEqualTo("1800000000050");
        await Assert.That((string?)await Database.StringGetAsync("a:shard:3:latency")).IsEqualTo("50");
        await Assert.That((string?)await Database.StringGetAsync("a:shard:3:resume_url")).IsEqualTo("wss://resume.example");
        await Assert.That((string?)await Database.StringGetAsync("a:shard:3:shard_count")).IsEqualTo("16");
    }

    [Test]
    public async Task A_session_of_the_Python_program_is_loaded()
    {
        await Database.StringSetAsync("a:shard:1:session_id", "old");
        await Database.StringSetAsync("a:shard:1:seq", "99");
        await Database.StringSetAsync("a:shard:1:latency", "41.5");
        await Assert.That(await LoadAsync(0, 2))
            .IsEquivalentTo([new SessionRecord { ShardId = 1, SessionId = "old", Seq = 99, Latency = 41 }]);
    }

    [Test]
    public async Task A_record_without_a_session_deletes_the_tuple()
    {
        await SaveAsync(Record(0, seq: 1), Record(1, seq: 1));
        await SaveAsync(new SessionRecord { ShardId = 0 });
        await Assert.That((await LoadAsync(0, 2)).Single().ShardId).IsEqualTo(1);
        await Assert.That(await Database.KeyExistsAsync("a:shard:0:seq")).IsFalse();
    }

    [Test]
    public async Task A_session_without_a_resume_URL_does_not_keep_the_old_one()
    {
        await SaveAsync(Record(0, seq: 1));
        await SaveAsync(Record(0, seq: 2) with { ResumeUrl = null });
        await Assert.That((await LoadAsync(0, 1)).Single().ResumeUrl).IsNull();
    }

    [Test]
    public async Task A_thousand_shards_are_saved_and_loaded()
    {
        SessionRecord[] records = [.. Enumerable.Range(0, 1000).Select(shard => Record(shard, seq: shard))];
        await SaveAsync(records);
        await Assert.That((await LoadAsync(0, 1000)).SequenceEqual(records)).IsTrue();
    }

    [Test]
    public async Task Only_the_shards_asked_for_are_loaded()
    {
        await SaveAsync([.. Enumerable.Range(0, 8).Select(shard => Record(shard, seq: 1))]);
        await Assert.That((await LoadAsync(2, 3)).Select(session => session.ShardId)).IsEquivalentTo([2, 3, 4]);
    }

    [Test]
    public async Task A_save_of_fewer_shards_leaves_the_others()
    {
        await SaveAsync(Record(0, seq: 1), Record(1, seq: 1));
        await SaveAsync(Record(1, seq: 5));
        await SaveAsync(Record(0, seq: 7));
        await Assert.That((await LoadAsync(0, 2)).Select(session => session.Seq)).IsEquivalentTo([7L, 5L]);
    }

    [Test]
    public async Task Scripts_flushed_by_somebody_do_not_disturb_a_save()
    {
        await SaveAsync(Record(0, seq: 1));
        await Database.ExecuteAsync("SCRIPT", "FLUSH");
        await SaveAsync(Record(0, seq: 2));
        await Assert.That((await LoadAsync(0, 1)).Single().Seq).IsEqualTo(2);
    }

    [Test]
    public async Task Redis_away_is_an_IOException_without_a_secret()
    {
        await SaveAsync(Record(0, seq: 1));
        await _server.KillAsync();
        IOException? e = await Assert.That(async () => await SaveAsync(Record(0, seq: 2))).Throws<IOException>();
        await Assert.That(e!.Message).DoesNotContain("session0");
    }

    [Test]
    public async Task A_restart_of_Redis_is_told_and_saving_goes_on()
    {
        TaskCompletionSource reconnected = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _connection.Reconnected += () => reconnected.TrySetResult();
        await _server.RestartAsync();
        await reconnected.Task;
        await SaveAsync(Record(0, seq: 3));
        await Assert.That((await LoadAsync(0, 1)).Single().Seq).IsEqualTo(3);
    }

    [Test]
    public async Task A_save_under_a_foreign_fence_writes_nothing_and_is_no_IOException()
    {
        await SaveAsync(Record(0, seq: 1), Record(1, seq: 1));
        await Database.StringSetAsync("a:cluster:0:holder", "99:abc:7:elsewhere");
        LeaseLostException? lost = await Assert.That(async () => await SaveAsync(Record(0, seq: 2), Record(1, seq: 2))).Throws<LeaseLostException>();
        await Assert.That(lost!.Message).IsEqualTo("cluster 0 is held by process 7 on elsewhere");
        await Assert.That((await LoadAsync(0, 2)).Select(session => session.Seq)).IsEquivalentTo([1L, 1L]);
    }

    [Test]
    public async Task A_save_under_the_fence_of_an_earlier_holder_is_refused_though_nobody_holds_the_lease()
    {
        await SaveAsync(Record(0, seq: 1));
        await Database.KeyDeleteAsync("a:cluster:0:holder");
        await StoreAsync();
        await Database.KeyDeleteAsync("a:cluster:0:holder");
        await Assert.That(async () => await SaveAsync(Record(0, seq: 2))).Throws<LeaseLostException>();
    }

    [Test]
    public async Task A_save_after_the_lease_has_run_out_and_nobody_took_it_writes_both()
    {
        await Database.KeyDeleteAsync("a:cluster:0:holder");
        await SaveAsync(Record(0, seq: 2));
        await Assert.That((await LoadAsync(0, 1)).Single().Seq).IsEqualTo(2);
        await Assert.That(await Database.KeyExistsAsync("a:cluster:0:holder")).IsTrue();
    }

    [Test]
    public async Task A_thousand_shards_are_checked_in_every_command()
    {
        SessionRecord[] records = [.. Enumerable.Range(0, 1000).Select(shard => Record(shard, seq: shard))];
        await SaveAsync(records);
        await Database.StringSetAsync("a:cluster:0:holder", "99:abc:7:elsewhere");
        await Assert.That(async () => await SaveAsync([.. records.Select(record => record with { Seq = 5000 })])).Throws<LeaseLostException>();
        await Assert.That((await LoadAsync(0, 1000)).SequenceEqual(records)).IsTrue();
    }

    [Test]
    [NotInParallel]
    public async Task A_save_of_16_shards_allocates_less_than_4_KiB()
    {
        SessionRecord[] records = [.. Enumerable.Range(0, 16).Select(shard => Record(shard, seq: 1))];
        await SaveAsync(records);
        await SaveAsync(records);

        // On all threads, as the client's own ones do most of it.
        long before = GC.GetTotalAllocatedBytes(precise: true);
        for (int i = 0; i < 50; i++)
        {
            await SaveAsync(records);
        }

        await Assert.That((GC.GetTotalAllocatedBytes(precise: true) - before) / 50).IsLessThan(4096);
    }

    /// <summary>One under a lease of its own, taken now.</summary>
    private async Task<RedisSessionStore> StoreAsync()
    {
        LeaseLook look = await _leases.LookAsync([0], default);
        return new RedisSessionStore(_connection, "a:", _leases, (await _leases.TakeAsync(0, look.RunId, look.Leases[0], "o:1:h", default))!);
    }

    private static SessionRecord Record(int shard, long seq) => new()
    {
        ShardId = shard,
        ShardCount = 16,
        SessionId = $"session{shard}",
        ResumeUrl = "wss://resume.example",
        Seq = seq,
        LastHeartbeat = 1_800_000_000_000,
        LastHeartbeatAck = 1_800_000_000_050,
        Latency = 50,
    };

    private Task SaveAsync(params SessionRecord[] records) => _store.SaveAsync(records, default).AsTask();

    private Task<IReadOnlyList<SessionRecord>> LoadAsync(int firstShard, int count) => _store.LoadAsync(firstShard, count, default).AsTask();
}
