using Microsoft.Extensions.Logging.Abstractions;
using SinGateway.Generations;
using SinGateway.Sessions;
using SinGateway.Tests.Fixtures;
using StackExchange.Redis;

namespace SinGateway.Tests.Generations;

/// <summary>The steps of a change from 4 shards in one process to 8 in two, against a real redis-server.</summary>
public sealed class RedisGenerationsTests
{
    private static readonly GenerationChoice Four = new(4, "", IsMuted: false);
    private static readonly GenerationChoice Eight = new(8, "gen:8:", IsMuted: true);

    private RedisServer _server = null!;
    private RedisConnection _connection = null!;
    private RedisGenerations _generations = null!;

    private IDatabase Database => _connection.Database;

    [Before(Test)]
    public async Task ConnectAsync()
    {
        _server = await RedisServer.StartAsync();
        _connection = await RedisConnection.OpenAsync(_server.Dsn, NullLogger.Instance);
        _generations = new RedisGenerations(_connection, "p:");
    }

    [After(Test)]
    public async Task DisconnectAsync()
    {
        await _connection.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Test]
    public async Task The_first_start_writes_both_counts()
    {
        await Assert.That(await _generations.LookAsync(default)).IsEqualTo(new GenerationView(null, null));
        await ReportAsync(await HoldAsync(Four, 0), GenerationState.Forwards);
        await Assert.That(await _generations.LookAsync(default)).IsEqualTo(new GenerationView(4, 4));
    }

    [Test]
    public async Task Sessions_of_before_there_were_generations_say_their_count()
    {
        await Database.StringSetAsync("p:shard:0:shard_count", 4);
        await Assert.That(await _generations.LookAsync(default)).IsEqualTo(new GenerationView(4, 4));
    }

    [Test]
    public async Task The_last_one_to_be_ready_changes_over_and_each_forwards_once_it_says_so()
    {
        GenerationReport old = await HoldAsync(Four, 0), zero = await HoldAsync(Eight, 0), one = await HoldAsync(Eight, 1);
        await ReportAsync(old, GenerationState.Forwards);
        await Assert.That(await ReportAsync(zero, GenerationState.Ready)).IsEqualTo(new GenerationSight(4, 0, "8:1"));
        await ReportAsync(one, GenerationState.Waits);
        await Assert.That((await ReportAsync(zero, GenerationState.Ready)).Active).IsEqualTo(4);
        await Assert.That(await ReportAsync(one, GenerationState.Ready)).IsEqualTo(new GenerationSight(8, 2, ""));

        await Assert.That((await ReportAsync(old, GenerationState.Forwards)).Unmuting).IsEqualTo(2);
        await ReportAsync(one, GenerationState.Forwards);
        await Assert.That((await ReportAsync(old, GenerationState.Forwards)).Unmuting).IsEqualTo(1);
        await Assert.That(await ReportAsync(zero, GenerationState.Forwards)).IsEqualTo(new GenerationSight(8, 0, ""));
        await Assert.That(await _generations.LookAsync(default)).IsEqualTo(new GenerationView(8, 4));
    }

    [Test]
    public async Task One_that_is_ready_no_more_is_waited_for()
    {
        GenerationReport old = await HoldAsync(Four, 0), zero = await HoldAsync(Eight, 0), one = await HoldAsync(Eight, 1);
        await ReportAsync(old, GenerationState.Forwards);
        await ReportAsync(zero, GenerationState.Ready);
        await ReportAsync(zero, GenerationState.Waits);
        await Assert.That(await ReportAsync(one, GenerationState.Ready)).IsEqualTo(new GenerationSight(4, 0, "8:0"));
    }

    [Test]
    public async Task A_report_of_one_whose_lease_is_gone_or_anothers_does_not_count()
    {
        GenerationReport old = await HoldAsync(Four, 0), zero = await HoldAsync(Eight, 0), one = await HoldAsync(Eight, 1);
        await ReportAsync(old, GenerationState.Forwards);
        await ReportAsync(zero, GenerationState.Ready);
        await Database.KeyDeleteAsync("p:gen:8:cluster:0:holder");
        await Assert.That((await ReportAsync(one, GenerationState.Ready)).Absent).IsEqualTo("8:0");
        await Database.StringSetAsync("p:gen:8:cluster:0:holder", "2:other:1:h");
        await Assert.That((await ReportAsync(one, GenerationState.Ready)).Absent).IsEqualTo("8:0");
        await Assert.That(async () => await ReportAsync(zero, GenerationState.Ready)).Throws<LeaseLostException>();
    }

    [Test]
    public async Task An_old_process_that_has_just_died_is_waited_for_half_a_minute()
    {
        GenerationReport zero = await HoldAsync(Eight, 0, clusters: 1);
        long now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        await Database.StringSetAsync("p:generation:active", 4);
        await Database.SortedSetAddAsync("p:generation:forwarding", "4:0", now - 20_000);
        await Assert.That(await ReportAsync(zero, GenerationState.Ready)).IsEqualTo(new GenerationSight(4, 0, "4:0"));
        await Database.SortedSetAddAsync("p:generation:forwarding", "4:0", now - 31_000);
        await Assert.That((await ReportAsync(zero, GenerationState.Ready)).Active).IsEqualTo(8);
    }

    [Test]
    public async Task Who_has_gone_for_good_is_not_waited_for()
    {
        GenerationReport old = await HoldAsync(Four, 0), zero = await HoldAsync(Eight, 0, clusters: 1);
        await ReportAsync(old, GenerationState.Forwards);
        await ReportAsync(old, GenerationState.Gone);
        await Assert.That(await Database.KeyExistsAsync("p:generation:forwarding")).IsFalse();
        await Assert.That((await ReportAsync(zero, GenerationState.Ready)).Active).IsEqualTo(8);
    }

    [Test]
    public async Task What_an_empty_Redis_has_forgotten_is_said_again_by_who_forwards()
    {
        GenerationReport one = await HoldAsync(Eight, 1);
        await Assert.That(await ReportAsync(one, GenerationState.Waits)).IsEqualTo(new GenerationSight(null, 0, ""));
        await Assert.That((await ReportAsync(one, GenerationState.Forwards)).Active).IsEqualTo(8);
        await Assert.That(await _generations.LookAsync(default)).IsEqualTo(new GenerationView(8, null));
    }

    [Test]
    public async Task One_that_begins_anew_after_the_change_is_relied_on_only_when_its_shards_were_ready()
    {
        GenerationReport old = await HoldAsync(Four, 0), zero = await HoldAsync(Eight, 0, clusters: 1);
        await ReportAsync(old, GenerationState.Forwards);
        await Assert.That(await ReportAsync(zero, GenerationState.Ready)).IsEqualTo(new GenerationSight(8, 1, ""));

        await Assert.That((await ReportAsync(zero, GenerationState.Begins)).Unmuting).IsEqualTo(1);
        await Assert.That((await ReportAsync(old, GenerationState.Forwards)).Unmuting).IsEqualTo(1);
        await Assert.That((await ReportAsync(zero, GenerationState.Forwards)).Unmuting).IsEqualTo(0);
    }

    [Test]
    public async Task Only_an_automatic_first_generation_changes_its_count_by_itself()
    {
        GenerationReport four = await HoldAsync(Four, 0);
        await ReportAsync(four, GenerationState.Forwards);
        await Assert.That((await ReportAsync(four with { Count = 16 }, GenerationState.Forwards)).Active).IsEqualTo(4);
        GenerationReport automatic = four with { Count = 16, Choice = Four with { Count = null } };
        await Assert.That((await ReportAsync(automatic, GenerationState.Forwards)).Active).IsEqualTo(16);
        await Assert.That(await _generations.LookAsync(default)).IsEqualTo(new GenerationView(16, 16));
    }

    private Task<GenerationSight> ReportAsync(GenerationReport report, GenerationState state) => _generations.ReportAsync(report, state, default);

    private async Task<GenerationReport> HoldAsync(GenerationChoice choice, int index, int? clusters = null)
    {
        RedisLeases leases = new(_connection, "p:", "1000", choice.Prefix);
        LeaseLook look = await leases.LookAsync([index], default);
        LeaseToken token = (await leases.TakeAsync(index, look.RunId, look.Leases[0], LeaseToken.NewOwner(new Random(1)), default))!;
        return new GenerationReport(choice, choice.Count!.Value, clusters ?? (choice.Count == 8 ? 2 : 1), token);
    }
}
