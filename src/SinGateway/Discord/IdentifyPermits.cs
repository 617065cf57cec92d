using System.Diagnostics;
using SinGateway.Sessions;

namespace SinGateway.Discord;

/// <summary>
/// Who may IDENTIFY when (G15, G16): waiting shards, the buckets' permits, the window's budget and the day's count, as one pure machine:
/// times are arguments, in ms of one monotonic clock; no timers, no I/O. A shard asks, is granted its bucket's permit before it
/// opens a socket, spends it directly before op 2, and may send once that is confirmed. Those who identified least recently go first, then
/// the lower shard ids: so a start goes in Discord's order, and shards whose sessions die again and again do not keep the others waiting.
/// </summary>
internal sealed class IdentifyPermits
{
    /// <summary>Of the window's session starts, the part that may go to sessions which died (G16): a quarter.</summary>
    public const int ExtraShare = 4;

    private const long Never = long.MinValue;

    private readonly IdentifyBuckets _buckets = new();
    private readonly DailyIdentifies _daily = new();
    private readonly SortedSet<(long LastAt, int ShardId)> _waiting = [];
    private long[] _lastAt = [];

    public SessionStartBudget Budget { get; } = new();

    public int Waiting => _waiting.Count;

    public int MaxConcurrency => _buckets.Count;

    /// <summary>IDENTIFYs beyond each shard's first that a day may have.</summary>
    public int AllowedExtras => Budget.Total / ExtraShare;

    /// <summary>When the oldest extra no longer counts, so that one more is allowed.</summary>
    public long NextExtraAt => _daily.FewerAt(AllowedExtras);

    /// <summary>Takes Discord's limits.</summary>
    public void Update(SessionStartLimit limit, long now)
    {
        Budget.Update(limit, now);
        _buckets.Resize(limit.MaxConcurrency);
    }

    /// <summary>The shard wants to identify. Asking again gives up what it holds.</summary>
    public void Request(int shardId)
    {
        Return(shardId);
        _waiting.Add((LastAt(shardId), shardId));
    }

    /// <summary>The shard does not want to any more, or its connection failed. What it has spent stays spent.</summary>
    public void Return(int shardId)
    {
        _waiting.Remove((LastAt(shardId), shardId));
        if (HasPermit(shardId))
        {
            _buckets.Permit(_buckets.Of(shardId)) = default;
        }
    }

    /// <summary>
    /// Grants what can be granted now: appends the shards to <paramref name="granted"/>, in the order in which they may begin.
    /// </summary>
    public IdentifyPass Grant(long now, List<int> granted)
    {
        Budget.Renew(now);
        (int held, int heldExtras, long next) = ReleaseExpired(now);
        if (!Budget.IsKnown)
        {
            return new(long.MaxValue, _waiting.Count > 0 ? IdentifyObstacle.Unknown : IdentifyObstacle.None);
        }

        var obstacle = IdentifyObstacle.None;
        int extras = _daily.Extras(now);
        int already = granted.Count;
        foreach ((_, int shardId) in _waiting)
        {
            if (!Budget.CanSpend(held))
            {
                next = Math.Min(next, Budget.ChangesAt(now));
                obstacle = Budget.IsAtReserve ? IdentifyObstacle.Reserve : obstacle;
                break;
            }

            int bucket = _buckets.Of(shardId);
            ref IdentifyPermit permit = ref _buckets.Permit(bucket);
            if (permit.IsHeld)
            {
                continue;
            }

            if (_buckets.FreeAt(bucket) > now)
            {
                next = Math.Min(next, _buckets.FreeAt(bucket));
                continue;
            }

            bool isExtra = _daily.IsExtra(shardId, now);
            if (isExtra && extras + heldExtras >= AllowedExtras)
            {
                next = Math.Min(next, Math.Min(_daily.FirstAgainAt(shardId), NextExtraAt));
                obstacle = extras >= AllowedExtras ? IdentifyObstacle.Extras : obstacle;
                continue;
            }

            permit = new IdentifyPermit { IsHeld = true, ShardId = shardId, IsExtra = isExtra, ExpiresAt = now + IdentifyPermit.Lifetime };
            next = Math.Min(next, permit.ExpiresAt);
            held++;
            heldExtras += isExtra ? 1 : 0;
            granted.Add(shardId);
        }

        for (int i = already; i < granted.Count; i++)
        {
            _waiting.Remove((LastAt(granted[i]), granted[i]));
        }

        return new(_waiting.Count > 0 ? next : long.MaxValue, obstacle);
    }

    /// <summary>
    /// Directly before op 2: counts it. False when that must not be sent: the permit has expired or was void, or limits have changed since
    /// it was granted; it is then gone. Until <see cref="Confirm"/> nobody else gets the bucket.
    /// </summary>
    public bool TrySpend(int shardId, long now)
    {
        Budget.Renew(now);
        ReleaseExpired(now);
        if (!HasPermit(shardId))
        {
            return false;
        }

        int bucket = _buckets.Of(shardId);
        ref IdentifyPermit permit = ref _buckets.Permit(bucket);
        if (permit.IsSpent
            || _buckets.FreeAt(bucket) > now
            || !Budget.CanSpend(held: 0)
            || (_daily.IsExtra(shardId, now) && _daily.Extras(now) >= AllowedExtras))
        {
            permit = default;
            return false;
        }

        Budget.Spend(now);
        permit.IsSpent = true;
        permit.Counted = _daily.Add(shardId, now);
        _buckets.Occupy(bucket, now);
        NoteLast(shardId, now);
        return true;
    }

    /// <summary>
    /// The IDENTIFY is counted durably: true when op 2 is to be written now, from when on the bucket's pace counts. False when the
    /// permit is no longer the shard's, or counting took so long that what was written down is not near the truth.
    /// </summary>
    public bool Confirm(int shardId, long now)
    {
        if (!HasPermit(shardId))
        {
            return false;
        }

        int bucket = _buckets.Of(shardId);
        ref IdentifyPermit permit = ref _buckets.Permit(bucket);
        bool mayBeSent = permit.IsSpent && now - permit.Counted.At <= IdentifyPermit.MaximumCounting;
        permit = default;
        if (mayBeSent)
        {
            _buckets.Occupy(bucket, now);
        }

        return mayBeSent;
    }

    /// <summary>The IDENTIFY could not be counted durably and is not sent: it costs nothing.</summary>
    public void Cancel(int shardId, long now)
    {
        if (HasPermit(shardId))
        {
            ref IdentifyPermit permit = ref _buckets.Permit(_buckets.Of(shardId));
            if (permit.IsSpent)
            {
                _daily.Undo(permit.Counted);
                Budget.Refund(now);
            }

            permit = default;
        }
    }

    /// <summary>In how many ms the last of those who wait would be granted, if all goes well; 0 when nobody waits.</summary>
    public long EstimatedWait(long now)
    {
        if (_waiting.Count == 0 || !Budget.IsKnown)
        {
            return 0;
        }

        int[] queued = new int[_buckets.Permits.Length];
        long wait = 0, lastFirst = Never;
        int waitingExtras = 0;
        foreach ((_, int shardId) in _waiting)
        {
            int bucket = _buckets.Of(shardId);
            if (bucket >= queued.Length)
            {
                Array.Resize(ref queued, bucket + 1);
            }

            long begins = bucket < _buckets.Permits.Length && _buckets.Permits[bucket].IsHeld ? IdentifyBuckets.Pace : Math.Max(_buckets.FreeAt(bucket), now) - now;
            wait = Math.Max(wait, begins + (long)queued[bucket]++ * IdentifyBuckets.Pace);
            if (_daily.IsExtra(shardId, now))
            {
                waitingExtras++;
                lastFirst = Math.Max(lastFirst, _daily.FirstAgainAt(shardId));
            }
        }

        int missing = _waiting.Count - (Budget.Remaining - Budget.Reserve);
        if (missing > 0)
        {
            wait = Math.Max(wait, Budget.ChangesAt(now) - now + (missing - 1L) / _buckets.Count * IdentifyBuckets.Pace);
        }

        int extras = _daily.Extras(now);
        int tooMany = waitingExtras + extras - AllowedExtras;
        if (waitingExtras > 0 && tooMany > 0)
        {
            wait = Math.Max(wait, Math.Min(_daily.FewerAt(extras - tooMany + 1), lastFirst) - now);
        }

        return wait;
    }

    /// <summary>Takes over what an earlier process left; <paramref name="unixNow"/> is the wall clock at <paramref name="now"/>.</summary>
    public void Restore(IdentifyRecord record, long now, long unixNow)
    {
        if (record.IsLost)
        {
            _buckets.OccupyAll(now);
        }

        if (record.MaxConcurrency > 0)
        {
            _buckets.Resize(record.MaxConcurrency);
            for (int bucket = 0; bucket < record.Buckets.Length; bucket++)
            {
                if (TryRestoreSent(record.Buckets[bucket], now, unixNow, out long at))
                {
                    _buckets.Occupy(bucket, at);
                }
            }
        }

        if (TryRestoreSent(record.AnyBucket, now, unixNow, out long any))
        {
            _buckets.OccupyAll(any);
        }

        for (int i = 0; i < record.Shards.Length; i++)
        {
            if (TryRestoreDay(record.Firsts[i], now, unixNow, out long at))
            {
                _daily.RestoreFirst(record.Shards[i], at);
                NoteLast(record.Shards[i], Math.Max(at, LastAt(record.Shards[i])));
            }
        }

        _daily.RestoreExtras(record.Extras.Select(extra => TryRestoreDay(extra, now, unixNow, out long at) ? at : Never).Where(at => at != Never));
    }

    /// <summary>All that the next process must know.</summary>
    public IdentifyRecord Snapshot(long now, long unixNow)
    {
        long age = unixNow - now;
        long Unix(long at) => at < now - DailyIdentifies.Day ? 0 : at + age;
        (long[] buckets, long any) = _buckets.LastIdentifies();
        _daily.Extras(now);
        (int ShardId, long At)[] firsts = [.. _daily.Firsts(now)];
        return new IdentifyRecord
        {
            MaxConcurrency = _buckets.Count,
            Buckets = [.. buckets.Select(Unix)],
            AnyBucket = Unix(any),
            Shards = [.. firsts.Select(first => first.ShardId)],
            Firsts = [.. firsts.Select(first => Unix(first.At))],
            Extras = [.. _daily.ExtraTimes().Select(Unix)],
        };
    }

    /// <summary>
    /// What was written down is when the IDENTIFY was counted; it was sent when that was durable, at the latest just before we began. So
    /// one that may have been sent within the pace counts as sent now. So does one of the future: the clock was set back.
    /// </summary>
    private static bool TryRestoreSent(long unix, long now, long unixNow, out long at)
    {
        at = now;
        return unix > unixNow - IdentifyBuckets.Pace - IdentifyPermit.MaximumCounting;
    }

    private static bool TryRestoreDay(long unix, long now, long unixNow, out long at)
    {
        bool isOfTheDay = unix > unixNow - DailyIdentifies.Day;
        at = isOfTheDay ? now - Math.Max(unixNow - unix, 0) : Never;
        return isOfTheDay;
    }

    private bool HasPermit(int shardId) => _buckets.Count > 0 && _buckets.Permit(_buckets.Of(shardId)).IsOf(shardId);

    /// <summary>Takes expired permits away. Answers those that are held and not spent, how many are extras, and when the first expires.</summary>
    private (int Held, int Extras, long NextExpiry) ReleaseExpired(long now)
    {
        int held = 0, extras = 0;
        long next = long.MaxValue;
        foreach (ref IdentifyPermit permit in _buckets.Permits)
        {
            if (!permit.IsHeld || permit.IsSpent)
            {
                continue;
            }

            if (permit.ExpiresAt <= now)
            {
                permit = default;
                continue;
            }

            held++;
            extras += permit.IsExtra ? 1 : 0;
            next = Math.Min(next, permit.ExpiresAt);
        }

        return (held, extras, next);
    }

    private long LastAt(int shardId) => shardId < _lastAt.Length ? _lastAt[shardId] : Never;

    private void NoteLast(int shardId, long at)
    {
        Debug.Assert(!_waiting.Contains((LastAt(shardId), shardId)), "who waits has not just identified");
        int known = _lastAt.Length;
        if (shardId >= known)
        {
            Array.Resize(ref _lastAt, Math.Max(shardId + 1, known * 2));
            Array.Fill(_lastAt, Never, known, _lastAt.Length - known);
        }

        _lastAt[shardId] = at;
    }
}
