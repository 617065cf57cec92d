using System.Runtime.InteropServices;
using SinGateway.Sessions;

namespace SinGateway.Discord;

/// <summary>
/// The shards of this process that wait for permits which all processes share: which of them is first in each bucket, and when its bucket
/// is worth another question, so that a thousand waiting shards ask a few times a second together. As in <see cref="IdentifyPermits"/>, those
/// who identified least recently go first, then the lower shard ids. Pure: times are arguments, in ms of one monotonic clock, but for
/// <c>lastAt</c>, which is the shared clock's.
/// </summary>
/// <param name="newOwner">Makes a permit's owner: random and never the same.</param>
/// <param name="pace">From one IDENTIFY of a bucket to the next, in ms.</param>
internal sealed class IdentifyWaiters(Func<string> newOwner, long pace)
{
    /// <summary>Between two questions about buckets of which nobody knows when they are free, in ms.</summary>
    public const long WhileTaken = 250;

    /// <summary>Longest pause (ms) while shards wait for their bucket's pace: others must not think that this process is gone.</summary>
    public const long WhilePaced = 2_000;

    /// <summary>While only the reserve is left, or a shard has had too many, in ms: a wait of hours.</summary>
    public const long WhileStuck = 10_000;

    /// <summary>Claims in one question, so that it holds Redis up for a few milliseconds at most.</summary>
    private const int MostClaims = 256;

    private readonly SortedSet<(long LastAt, int ShardId)> _order = [];
    private readonly Dictionary<int, Waiter> _waiting = [];
    private readonly Dictionary<int, Bucket> _buckets = [];
    private readonly Dictionary<int, long> _lastAt = [];
    private readonly Dictionary<int, int> _counts = [];

    /// <summary>0 until it is known. Another one makes other buckets: claims are new ones then.</summary>
    public int MaxConcurrency { get; private set; }

    public int Count => _waiting.Count;

    public void Resize(int maxConcurrency)
    {
        if (maxConcurrency != MaxConcurrency)
        {
            MaxConcurrency = maxConcurrency;
            _buckets.Clear();
            foreach (Waiter waiter in _waiting.Values)
            {
                waiter.Owner = newOwner();
            }
        }
    }

    /// <summary>The shard has to wait.</summary>
    public void Add(int shardId)
    {
        Remove(shardId);
        _waiting.Add(shardId, new Waiter(newOwner()));
        _order.Add((_lastAt.GetValueOrDefault(shardId), shardId));
        if (MaxConcurrency > 0)
        {
            // It may come before whoever was first.
            BucketOf(shardId).DueAt = long.MinValue;
        }
    }

    /// <summary>The shard waits no more.</summary>
    public void Remove(int shardId)
    {
        _waiting.Remove(shardId);
        _order.Remove((_lastAt.GetValueOrDefault(shardId), shardId));
    }

    /// <summary>When the shard identified last, for its place when it waits again or still does.</summary>
    public void NoteLast(int shardId, long at)
    {
        if (_order.Remove((_lastAt.GetValueOrDefault(shardId), shardId)))
        {
            _order.Add((at, shardId));
        }

        _lastAt[shardId] = at;
    }

    /// <summary>Nothing is believed any more of how buckets stand.</summary>
    public void Forget() => _buckets.Clear();

    /// <summary>What is to be asked now: of each bucket that is due its first shard. They are due again when <see cref="Answer"/> says so.</summary>
    public PermitClaim[] Due(long now)
    {
        _counts.Clear();
        List<int> first = [];
        foreach ((_, int shardId) in _order)
        {
            if (_waiting[shardId].BlockedUntil > now)
            {
                continue;
            }

            int bucket = shardId % MaxConcurrency;
            ref int count = ref CollectionsMarshal.GetValueRefOrAddDefault(_counts, bucket, out _);
            if (++count == 1 && first.Count < MostClaims && BucketOf(shardId).DueAt <= now)
            {
                first.Add(shardId);
            }
        }

        return [.. first.Select(shardId => new PermitClaim(MaxConcurrency, shardId, _waiting[shardId].Owner, _counts[shardId % MaxConcurrency]))];
    }

    /// <summary>When <see cref="Due"/> has something to ask; <see cref="long.MaxValue"/> when nobody waits.</summary>
    public long DueAt()
    {
        long due = long.MaxValue;
        foreach ((int shardId, Waiter waiter) in _waiting)
        {
            due = Math.Min(due, Math.Max(waiter.BlockedUntil, BucketOf(shardId).DueAt));
        }

        return due;
    }

    /// <summary>
    /// Takes the answer to a claim. True when the shard has the permit and waits no more; a permit that nobody waits for is the caller's to
    /// return.
    /// </summary>
    public bool Answer(in PermitClaim claim, in ClaimAnswer answer, long now)
    {
        Bucket bucket = BucketOf(claim.ShardId);
        bool waits = _waiting.TryGetValue(claim.ShardId, out Waiter? waiter) && waiter.Owner == claim.Owner;
        bucket.LastFreeAt = now + answer.Wait + Math.Max(answer.Waiting - 1, 0) * pace;
        switch (answer.Result)
        {
            case ClaimResult.Granted:
                // Now it is ours, until it is spent or returned.
                bucket.DueAt = now + WhileTaken;
                bucket.LastFreeAt += pace;
                if (waits)
                {
                    Remove(claim.ShardId);
                }

                return waits;
            case ClaimResult.Paced:
                bucket.DueAt = now + Math.Min(answer.Wait, WhilePaced);
                break;
            case ClaimResult.Extra when waits:
                // The next one of the bucket may go.
                waiter!.BlockedUntil = now + Math.Clamp(answer.Wait, WhileTaken, WhileStuck);
                break;
            case ClaimResult.Reserve:
                bucket.DueAt = now + Math.Clamp(answer.Wait, WhileTaken, WhileStuck);
                break;
            default:
                bucket.DueAt = now + WhileTaken;
                break;
        }

        return false;
    }

    /// <summary>Whether a shard waits that has had too many today.</summary>
    public bool IsAnyBlocked(long now)
    {
        foreach (Waiter waiter in _waiting.Values)
        {
            if (waiter.BlockedUntil > now)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>In how many ms the last who waits is granted by the paces of the buckets, as far as they have been asked about.</summary>
    public long EstimatedWait(long now)
    {
        long wait = 0;
        foreach (int shardId in _waiting.Keys)
        {
            // Not a difference of times before it is one: a bucket that nobody has asked about has none.
            wait = MaxConcurrency > 0 ? Math.Max(wait, Math.Max(BucketOf(shardId).LastFreeAt, now) - now) : 0;
        }

        return wait;
    }

    private Bucket BucketOf(int shardId)
    {
        ref Bucket? bucket = ref CollectionsMarshal.GetValueRefOrAddDefault(_buckets, shardId % MaxConcurrency, out _);
        return bucket ??= new Bucket();
    }

    private sealed class Waiter(string owner)
    {
        public string Owner { get; set; } = owner;

        /// <summary>Before that, it would be refused as the second of its day.</summary>
        public long BlockedUntil { get; set; } = long.MinValue;
    }

    private sealed class Bucket
    {
        public long DueAt { get; set; } = long.MinValue;

        /// <summary>When the last who waits there, of any process, would be granted.</summary>
        public long LastFreeAt { get; set; } = long.MinValue;
    }
}
