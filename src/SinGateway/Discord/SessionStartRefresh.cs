namespace SinGateway.Discord;

/// <summary>
/// When GET /gateway/bot is to be asked again: its numbers change from call to call
/// (https://docs.discord.com/developers/events/gateway#get-gateway-bot), but matter only while shards wait to identify, and at the reset.
/// Pure: times are arguments, in ms of one monotonic clock.
/// </summary>
internal struct SessionStartRefresh
{
    /// <summary>While shards wait for their bucket.</summary>
    public const long WhileWaiting = 60_000;

    /// <summary>While only the reset, or another day, lets shards go on: a wait of hours.</summary>
    public const long WhileStuck = 600_000;

    /// <summary>At the reset, which may come again at once: Discord may announce one that is due now.</summary>
    private const long AtReset = 10_000;

    private long? _asked;
    private long? _answered;

    public void Answered(long now) => _answered = now;

    public void Asked(long now) => _asked = now;

    /// <summary>
    /// When it is time; <see cref="long.MaxValue"/> for never. <paramref name="resetAt"/> is null while no answer has come.
    /// </summary>
    public readonly long DueAt(bool anyoneWaits, IdentifyObstacle obstacle, long? resetAt)
    {
        long due = long.MaxValue;
        if (anyoneWaits)
        {
            long last = Math.Max(_asked ?? long.MinValue, _answered ?? long.MinValue);
            due = last == long.MinValue ? last : last + (obstacle is IdentifyObstacle.Reserve or IdentifyObstacle.Extras ? WhileStuck : WhileWaiting);
        }

        if (resetAt is { } reset && _answered < reset)
        {
            due = Math.Min(due, Math.Max(reset, _asked is { } asked ? asked + AtReset : reset));
        }

        return due;
    }
}
