namespace SinGateway.Sandbox.Discord;

/// <summary>The intent bits that the sandbox acts on (https://docs.discord.com/developers/events/gateway#list-of-intents).</summary>
internal static class Intents
{
    public const long Guilds = 1 << 0;
    public const long GuildMessages = 1 << 9;

    /// <summary>Every documented bit; another one is refused with 4013.</summary>
    public const long Documented = 53608447;
}
