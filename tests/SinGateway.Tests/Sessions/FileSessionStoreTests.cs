using Microsoft.Extensions.Logging.Abstractions;
using SinGateway.Sessions;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests.Sessions;

public sealed class FileSessionStoreTests : IDisposable
{
    private const string Bot = "123456789012345678";

    private readonly TemporaryDirectory _directory = new();
    private readonly RecordingLogger _logger = new();

    private string StateFile => _directory.File("singateway.state");

    public void Dispose() => _directory.Dispose();

    [Test]
    public async Task A_saved_session_is_loaded_by_the_next_process()
    {
        SessionRecord saved = Record(3, seq: 42);
        await SaveAsync(saved);
        await Assert.That(await LoadAsync(0, 16)).IsEquivalentTo([saved]);
    }

    [Test]
    public async Task Records_are_merged_by_shard()
    {
        await SaveAsync(Record(2, seq: 1), Record(0, seq: 1));
        await SaveAsync(Record(2, seq: 5), Record(1, seq: 3));
        await Assert.That(await LoadAsync(0, 16)).IsEquivalentTo([Record(0, seq: 1), Record(1, seq: 3), Record(2, seq: 5)]);
    }

    [Test]
    public async Task A_record_without_a_session_removes_it()
    {
        await SaveAsync(Record(0, seq: 1), Record(1, seq: 1));
        await SaveAsync(new SessionRecord { ShardId = 0 });
        await Assert.That(await LoadAsync(0, 16)).IsEquivalentTo([Record(1, seq: 1)]);
    }

    [Test]
    public async Task Only_the_shards_asked_for_are_loaded()
    {
        await SaveAsync([.. Enumerable.Range(0, 8).Select(shard => Record(shard, seq: 1))]);
        await Assert.That((await LoadAsync(2, 3)).Select(session => session.ShardId)).IsEquivalentTo([2, 3, 4]);
    }

    [Test]
    public async Task Only_the_owner_may_read_the_file()
    {
        await SaveAsync(Record(0, seq: 1));
        await Assert.That(File.GetUnixFileMode(StateFile)).IsEqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Test]
    public async Task A_crash_between_write_and_rename_leaves_the_old_state()
    {
        await SaveAsync(Record(0, seq: 1));
        await File.WriteAllTextAsync(StateFile + ".tmp", "{\"format\":\"singateway-st");
        await Assert.That(await LoadAsync(0, 1)).IsEquivalentTo([Record(0, seq: 1)]);
        await Assert.That(File.Exists(StateFile + ".tmp")).IsFalse();
    }

    [Test]
    [Arguments("")]
    [Arguments("null")]
    [Arguments("[]")]
    [Arguments("{\"format\":\"singateway-state\",\"version\":1,\"bot\":\"123456789012345678\",\"sess")]
    [Arguments("{\"format\":\"something else\",\"version\":1,\"bot\":\"123456789012345678\",\"sessions\":[]}")]
    [Arguments("{\"format\":\"singateway-state\",\"version\":1,\"bot\":\"123456789012345678\",\"sessions\":null}")]
    [Arguments("{\"format\":\"singateway-state\",\"version\":2,\"bot\":\"123456789012345678\",\"sessions\":[]}")]
    [Arguments("{\"format\":\"singateway-state\",\"version\":1,\"bot\":\"123456789012345678\",\"sessions\":[{\"seq\":\"x\"}]}")]
    public async Task A_broken_file_is_set_aside_with_a_warning(string content)
    {
        await File.WriteAllTextAsync(StateFile, content);
        await Assert.That(await LoadAsync(0, 16)).IsEmpty();
        await Assert.That(await File.ReadAllTextAsync(StateFile + ".broken-1")).IsEqualTo(content);
        await Assert.That(_logger.Entries.Single()).StartsWith("Warning").And.Contains(StateFile + ".broken-1");
    }

    [Test]
    public async Task A_second_broken_file_does_not_replace_the_first()
    {
        foreach (string content in (string[])["one", "two"])
        {
            await File.WriteAllTextAsync(StateFile, content);
            await LoadAsync(0, 1);
        }

        await Assert.That(await File.ReadAllTextAsync(StateFile + ".broken-1")).IsEqualTo("one");
        await Assert.That(await File.ReadAllTextAsync(StateFile + ".broken-2")).IsEqualTo("two");
    }

    [Test]
    public async Task The_sessions_of_another_bot_are_not_used()
    {
        await SaveAsync(Record(0, seq: 1));
        await using FileSessionStore other = FileSessionStore.Open(StateFile, "999", _logger);
        await Assert.That(await other.LoadAsync(0, 16, default)).IsEmpty();
        await Assert.That(_logger.Entries.Single()).Contains($"it is of bot {Bot}, not of 999");
    }

    [Test]
    public async Task A_key_of_a_later_version_is_skipped()
    {
        await File.WriteAllTextAsync(
            StateFile,
            """{"format":"singateway-state","version":1,"bot":"123456789012345678","leases":{"0":[1,2]},"sessions":[{"shard_id":1,"session_id":"s","seq":7}]}""");
        await Assert.That((await LoadAsync(0, 16)).Single().Seq).IsEqualTo(7);
    }

    [Test]
    public async Task A_second_process_is_refused()
    {
        await using FileSessionStore first = Open();
        await Assert.That(Open).Throws<StateFileInUseException>().WithMessageContaining(StateFile);
    }

    [Test]
    public async Task The_lock_goes_with_its_holder()
    {
        await Open().DisposeAsync();
        await using FileSessionStore second = Open();
        await Assert.That(second).IsNotNull();
    }

    [Test]
    [Arguments("/sys/singateway.state")]
    [Arguments("/does/not/exist/singateway.state")]
    public async Task A_directory_that_cannot_be_written_is_an_error_at_start(string path) =>
        await Assert.That(() => FileSessionStore.Open(path, Bot, _logger)).Throws<IOException>().WithMessageContaining($"state file {path} cannot be used (");

    [Test]
    public async Task A_directory_in_the_place_of_the_file_is_an_error_at_start()
    {
        string path = Path.GetDirectoryName(StateFile)!;

        await Assert.That(() => FileSessionStore.Open(path, Bot, _logger)).Throws<IOException>()
            .WithMessage($"state file {path} is a directory; set stateFile to a file, such as {path}/singateway.state");
        await Assert.That(File.Exists(path + ".lock")).IsFalse();
    }

    [Test]
    public async Task No_session_id_is_logged()
    {
        await SaveAsync(Record(0, seq: 1));
        await (FileSessionStore.Open(StateFile, "999", _logger)).DisposeAsync();
        await Assert.That(string.Concat(_logger.Entries)).DoesNotContain(Record(0, seq: 1).SessionId!);
    }

    [Test]
    [NotInParallel]
    public async Task A_save_of_16_shards_allocates_less_than_4_KiB()
    {
        SessionRecord[] records = [.. Enumerable.Range(0, 16).Select(shard => Record(shard, seq: 1))];
        await using FileSessionStore store = FileSessionStore.Open(StateFile, Bot, NullLogger.Instance);
        for (int i = 0; i < 3; i++)
        {
            store.SaveAsync(records, default).GetAwaiter().GetResult();
        }

        // Saves run to the end on this thread, so its counter sees all of them.
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10; i++)
        {
            store.SaveAsync(records, default).GetAwaiter().GetResult();
        }

        await Assert.That((GC.GetAllocatedBytesForCurrentThread() - before) / 10).IsLessThan(4096);
    }

    private static SessionRecord Record(int shard, long seq) => new()
    {
        ShardId = shard,
        ShardCount = 16,
        SessionId = $"0123456789abcdef{shard}",
        ResumeUrl = "wss://gateway-us-east1-b.discord.gg",
        Seq = seq,
        LastHeartbeat = 1_800_000_000_000,
        LastHeartbeatAck = 1_800_000_000_050,
        Latency = 50,
    };

    private FileSessionStore Open() => FileSessionStore.Open(StateFile, Bot, _logger);

    private async Task SaveAsync(params SessionRecord[] records)
    {
        await using FileSessionStore store = Open();
        await store.SaveAsync(records, default);
    }

    private async Task<IReadOnlyList<SessionRecord>> LoadAsync(int firstShard, int count)
    {
        await using FileSessionStore store = Open();
        return await store.LoadAsync(firstShard, count, default);
    }
}
