namespace SinGateway.Discord;

/// <summary>
/// What an operator must change when Discord closes for good
/// (https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes).
/// </summary>
internal static class FatalClose
{
    /// <summary>One line with cause and fix. The counts are those of this run and of GET /gateway/bot.</summary>
    public static string Explain(int closeCode, int shardCount, int recommendedShards) => closeCode switch
    {
        4004 => "Discord refuses the token (4004): set token to the bot's current one from the Developer Portal",
        4010 => $"Discord refuses the shard count {shardCount} (4010): it recommends {recommendedShards}, and large bots must use a multiple of their number",
        4011 => $"Discord asks for more shards than {shardCount} (4011): it recommends {recommendedShards}; raise discord.shardCount or the clustering counts",
        4012 => "Discord no longer knows gateway version 10 (4012): a newer singateway is needed",
        4013 => "Discord calls the intents invalid (4013): intents holds a bit that does not exist",
        4014 => "Discord does not allow this bot a privileged intent of intents (4014): enable it in the Developer Portal (Bot, Privileged Gateway Intents) or remove it",
        _ => $"Discord closed with {closeCode}",
    };
}
