namespace SinGateway.Discord;

/// <summary>
/// Notices when Discord ends the sessions of several shards with 4003: not an accident of one connection, but a token that was reset or an
/// intent that was switched off, for which all sessions of the bot are dropped
/// (https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes). Belongs to the loop's thread.
/// </summary>
internal sealed class RevokedSessions
{
    /// <summary>Closes of several shards within this time (ms) have one cause.</summary>
    public const long Together = 30_000;

    /// <summary>What was said once need not be said again for so long (ms).</summary>
    public const long Silence = 600_000;

    private int _lastShard = -1;
    private long _lastAt;
    private long? _saidAt;

    /// <summary>A shard's session was ended with 4003. True when that is to be said of the whole bot.</summary>
    public bool Add(int shardId, long now)
    {
        bool together = _lastShard >= 0 && _lastShard != shardId && now - _lastAt <= Together;
        (_lastShard, _lastAt) = (shardId, now);
        if (!together || now - _saidAt < Silence)
        {
            return false;
        }

        _saidAt = now;
        return true;
    }
}
