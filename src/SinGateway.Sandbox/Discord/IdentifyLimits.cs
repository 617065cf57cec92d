namespace SinGateway.Sandbox.Discord;

internal enum IdentifyVerdict
{
    Allowed,

    /// <summary>A second IDENTIFY of the bucket within 5 s.</summary>
    TooSoon,

    /// <summary>Beyond session_start_limit: Discord would end all sessions and reset the bot's token.</summary>
    OverBudget,
}

/// <summary>
/// The two limits on IDENTIFY (https://docs.discord.com/developers/events/gateway#rate-limiting): one in 5 s for each bucket
/// <c>shard_id % max_concurrency</c>, and session_start_limit a day. A rejected IDENTIFY costs budget too: field reports say so.
/// </summary>
internal sealed class IdentifyLimits(SandboxOptions options)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, long> _lastOfBucket = [];
    private readonly long _started = Environment.TickCount64;

    public int Remaining { get; private set; } = options.SessionLimitRemaining;

    /// <summary>ms until the day that began with the sandbox is over.</summary>
    public long ResetAfter => Math.Max(0, _started + 86_400_000 - Environment.TickCount64);

    public IdentifyVerdict Take(int shardId, out long sinceLast)
    {
        lock (_gate)
        {
            sinceLast = 0;
            if (Remaining == 0)
            {
                return IdentifyVerdict.OverBudget;
            }
            Remaining--;
            long now = Environment.TickCount64;
            int bucket = shardId % options.MaxConcurrency;
            if (_lastOfBucket.TryGetValue(bucket, out long last) && now - last < options.IdentifyInterval)
            {
                sinceLast = now - last;
                return IdentifyVerdict.TooSoon;
            }
            _lastOfBucket[bucket] = now;
            return IdentifyVerdict.Allowed;
        }
    }
}
