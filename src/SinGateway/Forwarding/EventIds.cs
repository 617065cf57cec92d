namespace SinGateway.Forwarding;

/// <summary>
/// The guild, the channel and the user of one event, as far as they were wanted and are there. Ids are snowflakes, unsigned 64-bit numbers
/// (https://docs.discord.com/developers/reference#snowflakes).
/// </summary>
internal readonly record struct EventIds(ulong? Guild, ulong? Channel, ulong? User)
{
    /// <summary>The time of a snowflake begins here; Discord spreads guilds over shards by it, and so do we over slots.</summary>
    private const int SnowflakeTimeShift = 22;

    /// <summary>Which of so many slots the event belongs to; 0 without a guild.</summary>
    public int GuildSlot(int slots) => (int)((Guild.GetValueOrDefault() >> SnowflakeTimeShift) % (ulong)slots);
}
