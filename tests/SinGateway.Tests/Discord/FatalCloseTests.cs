using SinGateway.Discord;

namespace SinGateway.Tests.Discord;

/// <summary>The last line of a process that Discord has refused: cause and fix.</summary>
public sealed class FatalCloseTests
{
    private const string Portal = "in the Developer Portal (your application, Bot, Privileged Gateway Intents)";
    private const string Counts = "set discord.shardCount (auto takes what is recommended), or the clustering counts";

    [Test]
    [Arguments(4004, 513L, "Discord refuses the token (4004): set token to the bot's current one, from the Developer Portal (your application, Bot, Token)")]
    [Arguments(4010, 513L, "Discord refuses the shard count 4 (4010): it recommends 16, and large bots must use a multiple of their number; " + Counts)]
    [Arguments(4011, 513L, "Discord asks for more shards than 4 (4011): it recommends 16; " + Counts)]
    [Arguments(4012, 513L, "Discord no longer knows gateway version 10 (4012): a newer singateway is needed")]
    [Arguments(4013, 131_585L, "Discord calls the intents 131585 invalid (4013): it documents no bit 17 (131072); remove it from intents")]
    [Arguments(4013, 4_831_838_721L, "Discord calls the intents 4831838721 invalid (4013): it documents no bit 29 (536870912), bit 32 (4294967296); remove them from intents")]
    [Arguments(4013, 513L, "Discord calls the intents 513 invalid (4013): remove the one that it no longer documents from intents (GUILDS, GUILD_MESSAGES)")]
    [Arguments(4014, 32_769L, "Discord does not allow this bot the privileged intent MESSAGE_CONTENT (4014): enable it " + Portal + ", or remove it from intents")]
    [Arguments(4014, 33_283L, "Discord does not allow this bot a privileged intent, one or more of GUILD_MEMBERS, MESSAGE_CONTENT (4014): enable them " + Portal + ", or remove them from intents")]
    [Arguments(4014, 513L, "Discord does not allow this bot one of its intents (4014): remove it from intents (GUILDS, GUILD_MESSAGES)")]
    public async Task A_fatal_close_names_cause_and_fix(int closeCode, long intents, string expected) =>
        await Assert.That(FatalClose.Explain(closeCode, shardCount: 4, recommendedShards: 16, intents)).IsEqualTo(expected);

    [Test]
    public async Task Every_fatal_close_has_a_line_of_its_own()
    {
        int[] fatal = [.. Enumerable.Range(1_000, 4_000).Where(ShardLife.IsFatal)];
        string[] lines = [.. fatal.Select(code => FatalClose.Explain(code, 1, 1, 513))];

        await Assert.That(fatal).IsEquivalentTo([4004, 4010, 4011, 4012, 4013, 4014]);
        await Assert.That(lines.Distinct().Count()).IsEqualTo(fatal.Length);
        await Assert.That(lines.Any(line => line.StartsWith("Discord closed with", StringComparison.Ordinal) || line.Contains('\n', StringComparison.Ordinal))).IsFalse();
    }

    [Test]
    public async Task HTTP_401_names_the_token_as_4004_does() => await Assert.That(FatalClose.Unauthorized).IsEqualTo(
        "Discord refuses the token (HTTP 401): set token to the bot's current one, from the Developer Portal (your application, Bot, Token)");
}
