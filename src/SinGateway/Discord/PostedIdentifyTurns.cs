using Microsoft.Extensions.Logging;
using SinGateway.Loop;

namespace SinGateway.Discord;

/// <summary>
/// Lets the shards of a loop identify by a queue on another loop: posts each wish there and each answer back. An answer to a wish that its
/// shard has given up meanwhile is dropped here, and the queue hears of that too. Belongs to the loop's thread.
/// </summary>
/// <param name="loop">Of the shards.</param>
/// <param name="home">Of the queue.</param>
/// <param name="queue">Touched on its own loop only.</param>
/// <param name="logger">Told of an answer that came too late.</param>
internal sealed partial class PostedIdentifyTurns(EventLoop loop, EventLoop home, IIdentifyTurns queue, ILogger logger) : IIdentifyTurns
{
    /// <summary>
    /// How old (ms) the queue's leave to send may be, since its bucket's pace runs from then on. What that is longer than Discord's five
    /// seconds has room for this and for the network; and for this and the age of an answer of Redis (<c>PermitTimes</c>), each at its most.
    /// </summary>
    public const long Patience = 100;

    /// <summary>What each shard waits for: the newest wish counts.</summary>
    private readonly Dictionary<int, object> _wishes = [];

    public void Request(int shardId, Action granted)
    {
        object wish = Wish(shardId);
        home.Post(() => queue.Request(shardId, () => loop.Post(() =>
        {
            if (TryTake(shardId, wish))
            {
                granted();
            }
        })));
    }

    public void Return(int shardId)
    {
        loop.AssertOnThread();
        _wishes.Remove(shardId);
        home.Post(() => queue.Return(shardId));
    }

    public void Spend(int shardId, Action<bool> answered)
    {
        object wish = Wish(shardId);
        home.Post(() => queue.Spend(shardId, mayBeSent =>
        {
            long answeredAt = home.ReadTimestamp();
            loop.Post(() =>
            {
                if (TryTake(shardId, wish))
                {
                    answered(mayBeSent && IsInTime(shardId, answeredAt));
                }
            });
        }));
    }

    private object Wish(int shardId)
    {
        loop.AssertOnThread();
        return _wishes[shardId] = new object();
    }

    private bool TryTake(int shardId, object wish) =>
        _wishes.TryGetValue(shardId, out object? newest) && ReferenceEquals(newest, wish) && _wishes.Remove(shardId);

    private bool IsInTime(int shardId, long answeredAt)
    {
        long late = loop.Microseconds(answeredAt, loop.ReadTimestamp()) / 1_000;
        if (late > Patience)
        {
            LogLate(shardId, late);
        }

        return late <= Patience;
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Shard {Shard}: its loop was busy for {Milliseconds} ms, which is too long to keep Discord's pace: an IDENTIFY was not sent and is tried again")]
    private partial void LogLate(int shard, long milliseconds);
}
