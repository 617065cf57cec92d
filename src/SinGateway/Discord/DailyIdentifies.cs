namespace SinGateway.Discord;

/// <summary>
/// The IDENTIFYs of the last 24 hours (G16): each shard may have its first one of the day; those beyond, of sessions that died, are counted
/// for the whole bot, so that a fault which kills sessions cannot use up what the shards need. Discord's own limit is
/// https://docs.discord.com/developers/events/gateway#session-start-limit-object; this one is ours. Any 24 hours hold at most one first of
/// each shard and as many extras as are allowed. Pure: times are arguments, in ms of one monotonic clock.
/// </summary>
internal sealed class DailyIdentifies
{
    /// <summary>
    /// 24 hours, and a minute for what lies between counting an IDENTIFY and its arrival, and between Discord's clock and ours; in ms.
    /// </summary>
    public const long Day = (24 * 60 * 60 + 60) * 1_000L;

    private const long Never = long.MinValue;

    // Ascending.
    private readonly List<long> _extras = [];
    private long[] _firsts = [];

    /// <summary>Extras of the last day.</summary>
    public int Extras(long now)
    {
        int expired = 0;
        while (expired < _extras.Count && _extras[expired] + Day <= now)
        {
            expired++;
        }

        _extras.RemoveRange(0, expired);
        return _extras.Count;
    }

    /// <summary>From when on the shard's next IDENTIFY is its first of the day; in the past when it would be now.</summary>
    public long FirstAgainAt(int shardId) => shardId < _firsts.Length && _firsts[shardId] != Never ? _firsts[shardId] + Day : Never;

    public bool IsExtra(int shardId, long now) => FirstAgainAt(shardId) > now;

    /// <summary>
    /// When so many old extras are a day old that fewer than <paramref name="allowed"/> are left; <see cref="long.MaxValue"/> when there
    /// are fewer now, or none is allowed.
    /// </summary>
    public long FewerAt(int allowed) => allowed > 0 && _extras.Count >= allowed ? _extras[_extras.Count - allowed] + Day : long.MaxValue;

    /// <summary>Counts an IDENTIFY. The result undoes it.</summary>
    public Counted Add(int shardId, long now)
    {
        if (IsExtra(shardId, now))
        {
            _extras.Add(now);
            return new Counted(shardId, now, IsExtra: true, Never);
        }

        Reserve(shardId);
        var counted = new Counted(shardId, now, IsExtra: false, _firsts[shardId]);
        _firsts[shardId] = now;
        return counted;
    }

    /// <summary>The IDENTIFY was not sent.</summary>
    public void Undo(in Counted counted)
    {
        if (!counted.IsExtra)
        {
            _firsts[counted.ShardId] = counted.FirstBefore;
        }
        else if (_extras.BinarySearch(counted.At) is >= 0 and int index)
        {
            _extras.RemoveAt(index);
        }
    }

    /// <summary>Takes over what an earlier process counted: a shard's first.</summary>
    public void RestoreFirst(int shardId, long at)
    {
        Reserve(shardId);
        _firsts[shardId] = Math.Max(_firsts[shardId], at);
    }

    /// <summary>Takes over what an earlier process counted: extras, in any order.</summary>
    public void RestoreExtras(IEnumerable<long> at)
    {
        _extras.AddRange(at);
        _extras.Sort();
    }

    /// <summary>The shards with a first within the day, and when it was.</summary>
    public IEnumerable<(int ShardId, long At)> Firsts(long now)
    {
        for (int shardId = 0; shardId < _firsts.Length; shardId++)
        {
            if (IsExtra(shardId, now))
            {
                yield return (shardId, _firsts[shardId]);
            }
        }
    }

    /// <summary>The times of the extras, oldest first.</summary>
    public long[] ExtraTimes() => [.. _extras];

    private void Reserve(int shardId)
    {
        int known = _firsts.Length;
        if (shardId >= known)
        {
            Array.Resize(ref _firsts, Math.Max(shardId + 1, known * 2));
            Array.Fill(_firsts, Never, known, _firsts.Length - known);
        }
    }

    /// <summary>An IDENTIFY as it was counted.</summary>
    internal readonly record struct Counted(int ShardId, long At, bool IsExtra, long FirstBefore);
}
