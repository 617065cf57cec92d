namespace SinGateway.Sandbox.Discord;

/// <summary>
/// Which guilds exist, as arithmetic instead of as a list. A guild's place is decided by <c>(id &gt;&gt; 22) % shards</c>
/// (https://docs.discord.com/developers/events/gateway#sharding), so its id is made to fall on the shard that it is for.
/// A <em>stream</em> is the guilds of one shard at the sandbox's own shard count; a session of another count sees its guilds by their ids.
/// </summary>
internal sealed class GuildCatalogue(int shards, int guildsPerShard)
{
    // About the year 2024 in a snowflake's upper 42 bits, so that ids have the 19 digits of today's guilds.
    private const long FirstMoment = 290_000_000_000;

    public int Streams { get; } = shards;

    public int GuildsPerStream { get; } = Math.Max(1, guildsPerShard);

    public long GuildId(int stream, int index)
    {
        long moment = (FirstMoment / Streams + index) * Streams + stream;
        return (moment << 22) | ((uint)(stream * 31 + index) & 0x3fffff);
    }

    /// <summary>The channel in which the messages of a guild appear.</summary>
    public long ChannelId(int stream, int index) => GuildId(stream, index) + (1L << 30);

    /// <summary>
    /// The guild in which message number <paramref name="number"/> of a stream is written: neighbours go to different ones.
    /// </summary>
    public int GuildOf(long number) => (int)(number % GuildsPerStream);

    public static bool BelongsTo(long guildId, int shardId, int shardCount) => (int)((guildId >> 22) % shardCount) == shardId;
}
