using System.Threading.Channels;
using SinGateway.Sessions;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests.Sessions;

public sealed class SessionWriterTests
{
    private readonly FakeStore _store = new();
    private readonly RecordingLogger _logger = new();
    private readonly SessionWriter _writer;

    public SessionWriterTests() => _writer = new SessionWriter(_store, 4, _logger);

    [Test]
    public async Task Submitted_records_are_saved()
    {
        Submit(seq: 7);
        FakeStore.Save save = await _store.NextAsync();
        await Assert.That(save.Records.Single().Seq).IsEqualTo(7);
    }

    [Test]
    public async Task The_buffer_is_refused_while_a_save_is_under_way()
    {
        Submit(seq: 1);
        FakeStore.Save save = await _store.NextAsync();
        await Assert.That(TryBegin()).IsFalse();
        save.Succeed();
        await EndOfSaveAsync();
        await Assert.That(TryBegin()).IsTrue();
    }

    [Test]
    public async Task After_a_failure_everything_is_written_again()
    {
        await SaveAsync(save => save.Fail());
        await Assert.That(_writer.NeedsFullWrite).IsTrue();
        await Assert.That(Everything()).IsTrue();
        await Assert.That(Everything()).IsFalse();
    }

    [Test]
    public async Task A_failing_store_is_said_once_and_its_return_once()
    {
        await SaveAsync(save => save.Fail());
        await SaveAsync(save => save.Fail());
        await SaveAsync(save => save.Succeed());
        await SaveAsync(save => save.Succeed());
        await Assert.That(_logger.Entries.Select(entry => entry.Split(' ')[0])).IsEquivalentTo(["Warning", "Information"]);
    }

    [Test]
    public async Task A_store_that_came_back_during_a_save_is_written_in_full()
    {
        await SaveAsync(save =>
        {
            _writer.RequireFullWrite();
            save.Succeed();
        });
        await Assert.That(Everything()).IsTrue();
    }

    [Test]
    public async Task Stopping_saves_the_last_state_after_the_save_under_way()
    {
        Submit(seq: 1);
        FakeStore.Save first = await _store.NextAsync();
        Task stopped = _writer.StopAsync(new SessionRecord[] { new() { Seq = 2 } }, default);
        await Assert.That(_store.Waiting).IsEqualTo(0);
        first.Succeed();
        FakeStore.Save last = await _store.NextAsync();
        await Assert.That(last.Records.Single().Seq).IsEqualTo(2);
        last.Succeed();
        await stopped;
    }

    [Test]
    public async Task A_stopped_writer_takes_nothing_more()
    {
        Task stopped = _writer.StopAsync(default, default);
        (await _store.NextAsync()).Succeed();
        await stopped;
        await Assert.That(TryBegin()).IsFalse();
    }

    [Test]
    public async Task A_store_that_hangs_does_not_keep_the_process()
    {
        using CancellationTokenSource patience = new();
        Submit(seq: 1);
        await _store.NextAsync();
        Task stopped = _writer.StopAsync(new SessionRecord[1], patience.Token);
        await patience.CancelAsync();
        await stopped;
        await Assert.That(_logger.Entries.Single()).StartsWith("Error");
    }

    [Test]
    public async Task The_loop_thread_allocates_nothing()
    {
        SessionWriter writer = new(new InstantStore(), 4, _logger);
        Offer(writer, 100);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Offer(writer, 1000);
        await Assert.That(GC.GetAllocatedBytesForCurrentThread() - before).IsLessThan(1000);
    }

    // Waits as a loop's next turn would, without a clock.
    private static void Offer(SessionWriter writer, int times)
    {
        for (int i = 0; i < times; i++)
        {
            SpinWait turns = default;
            while (!writer.TryBegin(out _, out _))
            {
                turns.SpinOnce();
            }

            writer.Submit(4);
        }
    }

    private void Submit(long seq)
    {
        _writer.TryBegin(out Span<SessionRecord> buffer, out _);
        buffer[0] = new SessionRecord { Seq = seq };
        _writer.Submit(1);
    }

    private async Task SaveAsync(Action<FakeStore.Save> end)
    {
        Submit(seq: 1);
        end(await _store.NextAsync());
        await EndOfSaveAsync();
    }

    private async Task EndOfSaveAsync()
    {
        while (!TryBeginLeavingTheFlag())
        {
            await Task.Yield();
        }
    }

    private bool TryBeginLeavingTheFlag()
    {
        bool begun = _writer.TryBegin(out _, out bool everything);
        if (everything)
        {
            _writer.RequireFullWrite();
        }

        return begun;
    }

    private bool TryBegin() => _writer.TryBegin(out _, out _);

    private bool Everything()
    {
        _writer.TryBegin(out _, out bool everything);
        return everything;
    }

    private sealed class FakeStore : ISessionStore
    {
        private readonly Channel<Save> _saves = Channel.CreateUnbounded<Save>();

        public int Waiting => _saves.Reader.Count;

        public ValueTask<Save> NextAsync() => _saves.Reader.ReadAsync();

        public ValueTask<IReadOnlyList<SessionRecord>> LoadAsync(int firstShard, int count, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask SaveAsync(ReadOnlyMemory<SessionRecord> records, CancellationToken cancellationToken)
        {
            Save save = new(records.ToArray());
            _saves.Writer.TryWrite(save);
            return new ValueTask(save.Ended);
        }

        public ValueTask DisposeAsync() => default;

        public sealed class Save(SessionRecord[] records)
        {
            private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

            public SessionRecord[] Records => records;

            public Task Ended => _ended.Task;

            public void Succeed() => _ended.SetResult();

            public void Fail() => _ended.SetException(new IOException("away"));
        }
    }

    private sealed class InstantStore : ISessionStore
    {
        public ValueTask<IReadOnlyList<SessionRecord>> LoadAsync(int firstShard, int count, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask SaveAsync(ReadOnlyMemory<SessionRecord> records, CancellationToken cancellationToken) => default;

        public ValueTask DisposeAsync() => default;
    }
}
