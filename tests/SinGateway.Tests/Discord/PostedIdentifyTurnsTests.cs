using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;
using SinGateway.Discord;
using SinGateway.Tests.Fixtures;
using SinGateway.Tests.Loop;

namespace SinGateway.Tests.Discord;

/// <summary>Shards on one loop, the queue on another: what crosses, and what is too late when it arrives.</summary>
internal sealed class PostedIdentifyTurnsTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly RunningLoop _loop;
    private readonly RunningLoop _home;
    private readonly RecordingLogger _logger = new();
    private readonly Queue _queue = new();
    private readonly PostedIdentifyTurns _turns;
    private readonly List<string> _heard = [];

    public PostedIdentifyTurnsTests()
    {
        _loop = new RunningLoop(_time);
        _home = new RunningLoop(_time);
        _turns = new PostedIdentifyTurns(_loop.Loop, _home.Loop, _queue, _logger);
    }

    [Test]
    public async Task A_wish_is_heard_on_the_loop_of_the_queue_and_granted_on_that_of_the_shard()
    {
        int home = await _home.RunAsync(() => Environment.CurrentManagedThreadId);
        int own = await _loop.RunAsync(() => Environment.CurrentManagedThreadId);
        int grantedOn = 0;
        await _loop.RunAsync(() => _turns.Request(3, () => grantedOn = Environment.CurrentManagedThreadId));
        await _home.RunAsync(() => _queue.Granted(3));
        await _loop.TurnAsync();

        await Assert.That(_queue.Asked.Single()).IsEqualTo("request 3");
        await Assert.That(_queue.Threads.Single()).IsEqualTo(home);
        await Assert.That(grantedOn).IsEqualTo(own);
    }

    [Test]
    public async Task A_permit_that_is_granted_while_its_shard_gives_up_is_returned_and_not_told()
    {
        await RequestAsync(3);
        await _loop.RunAsync(() =>
        {
            // The queue grants while this loop is busy, which then gives up: the grant waits behind.
            _home.RunAsync(() => _queue.Granted(3)).Wait(RunningLoop.Patience);
            _turns.Return(3);
        });
        await TurnAsync();

        await Assert.That(_heard).IsEmpty();
        await Assert.That(string.Join(", ", _queue.Asked)).IsEqualTo("request 3, return 3");
    }

    [Test]
    public async Task An_answer_to_an_earlier_wish_is_none_to_a_later_one()
    {
        await RequestAsync(3);
        await _loop.RunAsync(() =>
        {
            _home.RunAsync(() => _queue.Granted(3)).Wait(RunningLoop.Patience);
            _turns.Return(3);
            _turns.Request(3, () => _heard.Add("granted later"));
        });
        await TurnAsync();
        await Assert.That(_heard).IsEmpty();

        await _home.RunAsync(() => _queue.Granted(3));
        await _loop.TurnAsync();
        await Assert.That(string.Join(", ", _heard)).IsEqualTo("granted later");
        await Assert.That(string.Join(", ", _queue.Asked)).IsEqualTo("request 3, return 3, request 3");
    }

    [Test]
    [Arguments(true)]
    [Arguments(false)]
    public async Task The_answer_to_a_permit_that_is_spent_comes_through(bool mayBeSent)
    {
        await SpendAsync(3);
        await _home.RunAsync(() => _queue.Answered(3, mayBeSent));
        await _loop.TurnAsync();

        await Assert.That(_heard.Single()).IsEqualTo($"may be sent: {mayBeSent}");
        await Assert.That(_logger.Entries).IsEmpty();
    }

    [Test]
    [Arguments(PostedIdentifyTurns.Patience, true)]
    [Arguments(PostedIdentifyTurns.Patience + 1, false)]
    public async Task An_answer_that_waited_too_long_for_its_loop_is_a_refusal(long waited, bool mayBeSent)
    {
        await SpendAsync(3);
        await _loop.RunAsync(() =>
        {
            // The loop is busy from before the answer until so many ms after it.
            _home.RunAsync(() => _queue.Answered(3, true)).Wait(RunningLoop.Patience);
            _time.Advance(TimeSpan.FromMilliseconds(waited));
        });
        await _loop.TurnAsync();

        await Assert.That(_heard.Single()).IsEqualTo($"may be sent: {mayBeSent}");
        await Assert.That(_logger.Entries.Count).IsEqualTo(mayBeSent ? 0 : 1);
    }

    [Test]
    public async Task Shards_of_two_loops_keep_one_pace()
    {
        IdentifyQueue queue = await _home.RunAsync(() => new IdentifyQueue(_home.Loop, new MemoryLedger(), _logger));
        PostedIdentifyTurns far = new(_loop.Loop, _home.Loop, queue, _logger);
        ConcurrentQueue<(int Shard, long At, bool MayBeSent)> sent = [];
        int spending = 0;
        await _home.RunAsync(() => queue.Update(new SessionStartLimit(1_000, 1_000, 86_400_000, 1)));
        foreach (int shard in (int[])[0, 2])
        {
            await _home.RunAsync(() => queue.Request(shard, () => Spend(queue, shard)));
        }

        foreach (int shard in (int[])[1, 3])
        {
            await _loop.RunAsync(() => far.Request(shard, () => Spend(far, shard)));
        }

        using CancellationTokenSource patience = new(RunningLoop.Patience);
        while (sent.Count < 4)
        {
            patience.Token.ThrowIfCancellationRequested();
            if (Volatile.Read(ref spending) == 0)
            {
                // Not while the ledger is written, which takes time of its own: half a minute would pass in a fraction of a second.
                _time.Advance(TimeSpan.FromMilliseconds(10));
            }

            await _home.TurnAsync();
            await TurnAsync();
        }

        await Assert.That(sent.Select(each => (each.Shard, each.MayBeSent))).IsEquivalentTo(
            [(0, true), (1, true), (2, true), (3, true)], TUnit.Assertions.Enums.CollectionOrdering.Matching);
        await Assert.That(sent.Zip(sent.Skip(1), (one, next) => next.At - one.At).Min()).IsGreaterThanOrEqualTo(5_000);

        void Spend(IIdentifyTurns turns, int shard)
        {
            Interlocked.Increment(ref spending);
            turns.Spend(shard, mayBeSent =>
            {
                sent.Enqueue((shard, _time.GetUtcNow().ToUnixTimeMilliseconds(), mayBeSent));
                Interlocked.Decrement(ref spending);
            });
        }
    }

    public void Dispose()
    {
        _loop.Dispose();
        _home.Dispose();
    }

    private async Task RequestAsync(int shard)
    {
        await _loop.RunAsync(() => _turns.Request(shard, () => _heard.Add("granted")));
        await _home.TurnAsync();
    }

    private async Task SpendAsync(int shard)
    {
        await _loop.RunAsync(() => _turns.Spend(shard, mayBeSent => _heard.Add($"may be sent: {mayBeSent}")));
        await _home.TurnAsync();
    }

    private async Task TurnAsync()
    {
        await _loop.TurnAsync();
        await _home.TurnAsync();
    }

    /// <summary>Writes down what it is asked, and answers when the test says so.</summary>
    private sealed class Queue : IIdentifyTurns
    {
        private readonly Dictionary<int, Action> _granted = [];
        private readonly Dictionary<int, Action<bool>> _answered = [];

        public List<string> Asked { get; } = [];

        public List<int> Threads { get; } = [];

        public void Request(int shardId, Action granted)
        {
            Note($"request {shardId}");
            _granted[shardId] = granted;
        }

        public void Return(int shardId) => Note($"return {shardId}");

        public void Spend(int shardId, Action<bool> answered)
        {
            Note($"spend {shardId}");
            _answered[shardId] = answered;
        }

        public void Granted(int shardId) => _granted[shardId]();

        public void Answered(int shardId, bool mayBeSent) => _answered[shardId](mayBeSent);

        private void Note(string asked)
        {
            Asked.Add(asked);
            Threads.Add(Environment.CurrentManagedThreadId);
        }
    }
}
