using SinGateway.Sessions;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests.Sessions;

public sealed class FileIdentifyLedgerTests : IDisposable
{
    private const string Bot = "123456789012345678";

    private readonly TemporaryDirectory _directory = new();
    private readonly RecordingLogger _logger = new();

    private string StateFile => _directory.File("singateway.state");

    public void Dispose() => _directory.Dispose();

    [Test]
    public async Task A_saved_record_is_loaded_by_the_next_process()
    {
        await using (FileSessionStore store = Open())
        {
            Save(store, Record(1_800_000_000_000));
        }

        await using FileSessionStore next = Open();
        IdentifyRecord loaded = Load(next);
        await Assert.That(loaded.IsLost).IsFalse();
        await Assert.That(loaded.MaxConcurrency).IsEqualTo(16);
        await Assert.That(string.Join(' ', loaded.Buckets)).IsEqualTo("1800000000000 0");
        await Assert.That(loaded.AnyBucket).IsEqualTo(7);
        await Assert.That(string.Join(' ', loaded.Shards)).IsEqualTo("0 5");
        await Assert.That(string.Join(' ', loaded.Firsts)).IsEqualTo("1 2");
        await Assert.That(string.Join(' ', loaded.Extras)).IsEqualTo("3 4 5");
    }

    [Test]
    public async Task Sessions_and_record_do_not_overwrite_each_other()
    {
        await using (FileSessionStore store = Open())
        {
            Task sessions = Task.Run(async () =>
            {
                for (int seq = 1; seq <= 50; seq++)
                {
                    await store.SaveAsync(new SessionRecord[] { new() { ShardId = seq % 4, SessionId = "s", Seq = seq } }, default);
                }
            });
            Task identifies = Task.Run(() =>
            {
                for (int at = 1; at <= 50; at++)
                {
                    Save(store, Record(at));
                }
            });
            await Task.WhenAll(sessions, identifies);
        }

        await using FileSessionStore next = Open();
        await Assert.That(Load(next).Buckets[0]).IsEqualTo(50);
        await Assert.That((await next.LoadAsync(0, 4, default)).Select(session => session.Seq)).IsEquivalentTo([48L, 49, 50, 47]);
        await Assert.That(_logger.Entries).IsEmpty();
    }

    [Test]
    public async Task A_file_of_a_version_without_the_record_is_read()
    {
        await File.WriteAllTextAsync(
            StateFile, """{"format":"singateway-state","version":1,"bot":"123456789012345678","sessions":[{"shard_id":1,"session_id":"s","seq":7}]}""");
        await using FileSessionStore store = Open();
        await Assert.That(Load(store).IsLost).IsFalse();
        await Assert.That((await store.LoadAsync(0, 16, default)).Single().Seq).IsEqualTo(7);
        await Assert.That(_logger.Entries).IsEmpty();
    }

    [Test]
    [Arguments("""{"max_concurrency":"x"}""")]
    [Arguments("""{"max_concurrency":1,"buckets":[1,2]}""")]
    [Arguments("""{"max_concurrency":1,"buckets":null}""")]
    [Arguments("""{"shards":[1],"firsts":[]}""")]
    [Arguments("""{"shards":[-1],"firsts":[1]}""")]
    [Arguments("""[[1],{"a":2}]""")]
    [Arguments("7")]
    public async Task A_broken_record_is_lost_and_said_and_the_sessions_beside_it_are_used(string record)
    {
        await File.WriteAllTextAsync(
            StateFile,
            $$"""{"format":"singateway-state","version":1,"bot":"{{Bot}}","identifies":{{record}},"sessions":[{"shard_id":1,"session_id":"s","seq":7}]}""");
        await using FileSessionStore store = Open();
        await Assert.That(Load(store).IsLost).IsTrue();
        await Assert.That((await store.LoadAsync(0, 16, default)).Single().Seq).IsEqualTo(7);
        await Assert.That(_logger.Entries.Single()).StartsWith("Warning").And.Contains("the day's limit counts from now on");
    }

    [Test]
    public async Task The_record_of_a_torn_file_is_lost()
    {
        await File.WriteAllTextAsync(StateFile, """{"format":"singateway-state","version":1,"identifies":{"max""");
        await using FileSessionStore store = Open();
        await Assert.That(Load(store).IsLost).IsTrue();
    }

    [Test]
    public async Task A_file_that_cannot_be_written_is_named()
    {
        await using FileSessionStore store = Open();
        Directory.CreateDirectory(StateFile + ".tmp");
        await Assert.That(() => Save(store, Record(1))).Throws<IOException>().WithMessageContaining($"state file {StateFile} cannot be written (");
    }

    [Test]
    public async Task A_closed_file_is_not_written()
    {
        FileSessionStore store = Open();
        await store.DisposeAsync();
        await Assert.That(() => Save(store, Record(1))).Throws<IOException>();
        await Assert.That(File.Exists(StateFile)).IsFalse();
    }

    private static IdentifyRecord Record(long at) => new()
    {
        MaxConcurrency = 16,
        Buckets = [at, 0],
        AnyBucket = 7,
        Shards = [0, 5],
        Firsts = [1, 2],
        Extras = [3, 4, 5],
    };

    private static IdentifyRecord Load(IIdentifyLedger ledger) => ledger.Load();

    private static void Save(IIdentifyLedger ledger, IdentifyRecord record) => ledger.Save(record);

    private FileSessionStore Open() => FileSessionStore.Open(StateFile, Bot, _logger);
}
