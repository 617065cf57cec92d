using System.Diagnostics;
using SinGateway.Discord;

namespace SinGateway.Tests.Discord;

/// <summary>What Discord sees of IDENTIFYs: when each came, in its bucket, and how many are left. Any thread.</summary>
internal sealed class ModelDiscord(int total, int maxConcurrency, long leastGap)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, long> _lastOfBucket = [];
    private readonly HashSet<int> _identified = [];
    private readonly List<string> _violations = [];

    public int Total { get; } = total;

    public int Remaining { get; private set; } = total;

    public int Identifies { get; private set; }

    /// <summary>Beyond each shard's first.</summary>
    public int Extras { get; private set; }

    /// <summary>Between two of a bucket, in ms.</summary>
    public long LeastGap { get; private set; } = long.MaxValue;

    public string Violations => string.Join("; ", _violations);

    public SessionStartLimit Limit
    {
        get
        {
            lock (_gate)
            {
                return new(Total, Remaining, 86_400_000, maxConcurrency);
            }
        }
    }

    public void Identify(int shardId)
    {
        lock (_gate)
        {
            long now = Stopwatch.GetTimestamp();
            int bucket = shardId % maxConcurrency;
            if (_lastOfBucket.TryGetValue(bucket, out long last))
            {
                long gap = (long)Stopwatch.GetElapsedTime(last, now).TotalMilliseconds;
                LeastGap = Math.Min(LeastGap, gap);
                if (gap < leastGap)
                {
                    _violations.Add($"shard {shardId}: {gap} ms after the last one of its bucket");
                }
            }

            _lastOfBucket[bucket] = now;
            Identifies++;
            Extras += _identified.Add(shardId) ? 0 : 1;
            if (--Remaining < 0)
            {
                _violations.Add($"shard {shardId}: beyond the budget");
            }
        }
    }
}
