using System.Runtime.InteropServices;

namespace SinGateway.Discord;

/// <summary>
/// Discord's buckets of IDENTIFYs, <c>shard id mod max_concurrency</c>
/// (https://docs.discord.com/developers/events/gateway#rate-limiting): when each is free again, and which shard holds its permit. Another
/// max_concurrency makes other buckets: then the newest IDENTIFY counts for all of them, and permits are void. Pure: times are arguments,
/// in ms of one monotonic clock.
/// </summary>
internal sealed class IdentifyBuckets
{
    /// <summary>Discord's five seconds and room for what the network adds to one IDENTIFY and not to the next, in ms.</summary>
    public const int Pace = 5_000 + 300;

    private const long Free = long.MinValue;

    // A bucket's number is at most its shard's, so these grow with the shards, whatever max_concurrency is.
    private readonly List<IdentifyPermit> _permits = [];
    private readonly List<long> _freeAt = [];
    private long _allFreeAt = Free;

    /// <summary>0 until it is known.</summary>
    public int Count { get; private set; }

    public int Of(int shardId) => shardId % Count;

    /// <summary>Discord's max_concurrency. True when the buckets are other ones than before.</summary>
    public bool Resize(int count)
    {
        if (count == Count)
        {
            return false;
        }

        foreach (long freeAt in _freeAt)
        {
            _allFreeAt = Math.Max(_allFreeAt, freeAt);
        }

        _permits.Clear();
        _freeAt.Clear();
        Count = count;
        return true;
    }

    /// <summary>From when on an IDENTIFY may be sent in the bucket, whoever holds its permit.</summary>
    public long FreeAt(int bucket) => Math.Max(_allFreeAt, bucket < _freeAt.Count ? _freeAt[bucket] : Free);

    /// <summary>An IDENTIFY of this time was or will be sent in the bucket.</summary>
    public void Occupy(int bucket, long at)
    {
        Grow(bucket);
        _freeAt[bucket] = Math.Max(_freeAt[bucket], at + Pace);
    }

    /// <summary>An IDENTIFY of this time was sent in a bucket that is not known.</summary>
    public void OccupyAll(long at) => _allFreeAt = Math.Max(_allFreeAt, at + Pace);

    /// <summary>The bucket's permit, to be changed in place until the next call.</summary>
    public ref IdentifyPermit Permit(int bucket)
    {
        Grow(bucket);
        return ref CollectionsMarshal.AsSpan(_permits)[bucket];
    }

    /// <summary>Those of all buckets that a shard was ever in.</summary>
    public Span<IdentifyPermit> Permits => CollectionsMarshal.AsSpan(_permits);

    /// <summary>The last IDENTIFY of the buckets from 0 on, and the last of any bucket; <see cref="long.MinValue"/> without one.</summary>
    public (long[] Buckets, long Any) LastIdentifies() =>
        ([.. _freeAt.Select(freeAt => freeAt == Free ? Free : freeAt - Pace)], _allFreeAt == Free ? Free : _allFreeAt - Pace);

    private void Grow(int bucket)
    {
        while (_permits.Count <= bucket)
        {
            _permits.Add(default);
            _freeAt.Add(Free);
        }
    }
}
