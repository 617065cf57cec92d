using Microsoft.Extensions.Logging;
using SinGateway.Loop;

namespace SinGateway.Discord;

/// <summary>
/// Lets shards identify at the pace that Discord sets (https://docs.discord.com/developers/events/gateway#rate-limiting): one IDENTIFY in
/// five seconds for each bucket, which is <c>shard id mod max_concurrency</c>, in the order of shard ids. A permit is given before the
/// socket is opened, so the time counts from its use. A reserve of the day's session starts is never spent: exceeding them makes Discord
/// reset the token. Belongs to the loop's thread.
/// </summary>
internal sealed partial class IdentifyQueue
{
    /// <summary>Discord's five seconds and room for what the network adds to one IDENTIFY and not to the next, in ms.</summary>
    public const int Pace = 5_000 + 300;

    private const int MinimumReserve = 10;
    private const int ReserveShare = 20;

    private readonly EventLoop _loop;
    private readonly ILogger _logger;
    private readonly Bucket[] _buckets;
    private readonly LoopTimer _timer;
    private readonly int _total;
    private long _resetAt;
    private bool _saidReserve;

    /// <param name="loop">The loop.</param>
    /// <param name="maxConcurrency">Buckets, from session_start_limit.</param>
    /// <param name="total">Session starts of a day.</param>
    /// <param name="remaining">Session starts left.</param>
    /// <param name="resetAfter">When they are reset, in ms from now.</param>
    /// <param name="logger">For the one line that says that the reserve is reached.</param>
    public IdentifyQueue(EventLoop loop, int maxConcurrency, int total, int remaining, long resetAfter, ILogger logger)
    {
        _loop = loop;
        _logger = logger;
        _buckets = new Bucket[Math.Max(maxConcurrency, 1)];
        for (int i = 0; i < _buckets.Length; i++)
        {
            _buckets[i] = new Bucket();
        }

        _total = total;
        Remaining = remaining;
        _resetAt = loop.Now + resetAfter;
        _timer = new LoopTimer(loop, GrantDue);
    }

    /// <summary>Session starts that are left, as far as this process knows.</summary>
    public int Remaining { get; private set; }

    /// <summary>Shards that wait for a permit.</summary>
    public int Waiting
    {
        get
        {
            int waiting = 0;
            foreach (Bucket bucket in _buckets)
            {
                waiting += bucket.Waiting.Count;
            }

            return waiting;
        }
    }

    private int Reserve => Math.Max(MinimumReserve, _total / ReserveShare);

    /// <summary>Queues a shard; <paramref name="granted"/> is called when it may open its socket and identify.</summary>
    public void Request(int shardId, Action granted)
    {
        BucketOf(shardId).Waiting[shardId] = granted;
        _timer.Start(0);
    }

    /// <summary>The shard needs no permit any more, or its connection failed before op 2 was sent.</summary>
    public void Return(int shardId)
    {
        Bucket bucket = BucketOf(shardId);
        bucket.Waiting.Remove(shardId);
        if (bucket.Holder == shardId)
        {
            bucket.Holder = -1;
            _timer.Start(0);
        }
    }

    /// <summary>Op 2 is being sent: the permit is used, and the bucket's five seconds begin.</summary>
    public void Spend(int shardId)
    {
        Bucket bucket = BucketOf(shardId);
        bucket.Holder = -1;
        bucket.FreeAt = _loop.Now + Pace;
        RenewBudget();
        Remaining--;
        GrantDue();
    }

    private Bucket BucketOf(int shardId) => _buckets[shardId % _buckets.Length];

    private void GrantDue()
    {
        RenewBudget();
        int held = 0;
        foreach (Bucket bucket in _buckets)
        {
            held += bucket.Holder >= 0 ? 1 : 0;
        }

        long next = long.MaxValue;
        foreach (Bucket bucket in _buckets)
        {
            if (bucket.Waiting.Count == 0 || bucket.Holder >= 0)
            {
                continue;
            }

            // Permits that are held will be spent.
            if (Remaining - held <= Reserve)
            {
                next = Math.Min(next, _resetAt);
                SayReserve();
                continue;
            }

            if (bucket.FreeAt > _loop.Now)
            {
                next = Math.Min(next, bucket.FreeAt);
                continue;
            }

            (int shardId, Action granted) = bucket.Waiting.First();
            bucket.Waiting.Remove(shardId);
            bucket.Holder = shardId;
            held++;
            granted();
        }

        if (next != long.MaxValue)
        {
            _timer.Start(next - _loop.Now);
        }
    }

    /// <summary>
    /// Begins a new day's budget when the old one is over, also when some of it was left: what is spent from then on counts for the new
    /// day.
    /// </summary>
    private void RenewBudget()
    {
        if (_loop.Now >= _resetAt)
        {
            Remaining = _total;
            _resetAt = _loop.Now + (long)TimeSpan.FromHours(24).TotalMilliseconds;
            _saidReserve = false;
        }
    }

    private void SayReserve()
    {
        if (!_saidReserve && Remaining <= Reserve)
        {
            _saidReserve = true;
            LogReserve(Remaining, Reserve, (_resetAt - _loop.Now) / 60_000);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Only {Remaining} session starts are left today and {Reserve} are kept in reserve: no shard identifies for {Minutes} minutes. Resumes go on.")]
    private partial void LogReserve(int remaining, int reserve, long minutes);

    private sealed class Bucket
    {
        public SortedDictionary<int, Action> Waiting { get; } = [];

        /// <summary>The shard that holds the permit, or -1.</summary>
        public int Holder { get; set; } = -1;

        public long FreeAt { get; set; } = long.MinValue;
    }
}
