namespace SinGateway.Discord;

/// <summary>
/// What an operator must change when Discord refuses for good, by a close code
/// (https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes) or by HTTP: one line each, with
/// cause and fix.
/// </summary>
internal static class FatalClose
{
    /// <summary>HTTP 401 of GET /gateway/bot: what 4004 is for IDENTIFY.</summary>
    public const string Unauthorized = "Discord refuses the token (HTTP 401): " + RenewToken;

    private const string RenewToken = "set token to the bot's current one, from the Developer Portal (your application, Bot, Token)";
    private const string SetCount = "set discord.shardCount (auto takes what is recommended), or the clustering counts";
    private const string Portal = "in the Developer Portal (your application, Bot, Privileged Gateway Intents)";

    /// <summary>One line with cause and fix.</summary>
    /// <param name="closeCode">One for which <see cref="ShardLife.IsFatal"/> holds.</param>
    /// <param name="shardCount">Of this run.</param>
    /// <param name="recommendedShards">What GET /gateway/bot recommends now; null when it did not answer.</param>
    /// <param name="intents">The bit set that was sent.</param>
    public static string Explain(int closeCode, int shardCount, int? recommendedShards, long intents) => closeCode switch
    {
        4004 => "Discord refuses the token (4004): " + RenewToken,
        4010 => $"Discord refuses the shard count {shardCount} (4010): {Recommends(recommendedShards)}, and large bots must use a multiple of their number; {SetCount}",
        4011 => $"Discord asks for more shards than {shardCount} (4011): {Recommends(recommendedShards)}; {SetCount}",
        4012 => "Discord no longer knows gateway version 10 (4012): a newer singateway is needed",
        4013 => ExplainInvalid(intents),
        4014 => ExplainDisallowed(intents),
        _ => $"Discord closed with {closeCode}",
    };

    /// <summary>4010 and 4011: the bot needs another number of shards.</summary>
    public static bool IsOfShardCount(int closeCode) => closeCode is 4010 or 4011;

    private static string Recommends(int? count) => count is { } known ? $"it recommends {known}" : "its REST API does not say now how many it recommends";

    private static string ExplainInvalid(long intents)
    {
        string[] undocumented = [.. Intents.Undocumented(intents)];
        return undocumented.Length > 0
            ? $"Discord calls the intents {intents} invalid (4013): it documents no {string.Join(", ", undocumented)}; remove {ItOrThem(undocumented)} from intents"
            : $"Discord calls the intents {intents} invalid (4013): remove the one that it no longer documents from intents ({string.Join(", ", Intents.Names(intents))})";
    }

    private static string ExplainDisallowed(long intents)
    {
        string[] privileged = [.. Intents.Names(intents & Intents.Privileged)];
        return privileged.Length switch
        {
            0 => $"Discord does not allow this bot one of its intents (4014): remove it from intents ({string.Join(", ", Intents.Names(intents))})",
            1 => $"Discord does not allow this bot the privileged intent {privileged[0]} (4014): enable it {Portal}, or remove it from intents",
            _ => $"Discord does not allow this bot a privileged intent, one or more of {string.Join(", ", privileged)} (4014): enable them {Portal}, or remove them from intents",
        };
    }

    private static string ItOrThem(string[] what) => what.Length == 1 ? "it" : "them";
}
