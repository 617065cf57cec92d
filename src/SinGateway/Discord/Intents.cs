namespace SinGateway.Discord;

/// <summary>
/// Gateway intents: which events Discord sends. https://discord.com/developers/docs/events/gateway#gateway-intents
/// A set of them is a bit set; bits without a name here are passed on, because Discord is the judge of them (close code 4013).
/// </summary>
internal static class Intents
{
    public const long Guilds = 1 << 0;
    public const long GuildMembers = 1 << 1;
    public const long GuildModeration = 1 << 2;
    public const long GuildExpressions = 1 << 3;
    public const long GuildIntegrations = 1 << 4;
    public const long GuildWebhooks = 1 << 5;
    public const long GuildInvites = 1 << 6;
    public const long GuildVoiceStates = 1 << 7;
    public const long GuildPresences = 1 << 8;
    public const long GuildMessages = 1 << 9;
    public const long GuildMessageReactions = 1 << 10;
    public const long GuildMessageTyping = 1 << 11;
    public const long DirectMessages = 1 << 12;
    public const long DirectMessageReactions = 1 << 13;
    public const long DirectMessageTyping = 1 << 14;
    public const long MessageContent = 1 << 15;
    public const long GuildScheduledEvents = 1 << 16;
    public const long AutoModerationConfiguration = 1 << 20;
    public const long AutoModerationExecution = 1 << 21;
    public const long GuildMessagePolls = 1 << 24;
    public const long DirectMessagePolls = 1 << 25;

    /// <summary>The intents that must be switched on in the Developer Portal, else Discord closes with 4014.</summary>
    public const long Privileged = GuildMembers | GuildPresences | MessageContent;

    /// <summary>The intents that bring no event of a guild: those of direct messages, and the one that only adds fields.</summary>
    public const long BesidesGuilds = DirectMessages | DirectMessageReactions | DirectMessageTyping | DirectMessagePolls | MessageContent;

    /// <summary>Discord's names and their bits, in the order of the bits.</summary>
    public static readonly IReadOnlyList<(string Name, long Bit)> Known =
    [
        ("GUILDS", Guilds),
        ("GUILD_MEMBERS", GuildMembers),
        ("GUILD_MODERATION", GuildModeration),
        ("GUILD_EXPRESSIONS", GuildExpressions),
        ("GUILD_INTEGRATIONS", GuildIntegrations),
        ("GUILD_WEBHOOKS", GuildWebhooks),
        ("GUILD_INVITES", GuildInvites),
        ("GUILD_VOICE_STATES", GuildVoiceStates),
        ("GUILD_PRESENCES", GuildPresences),
        ("GUILD_MESSAGES", GuildMessages),
        ("GUILD_MESSAGE_REACTIONS", GuildMessageReactions),
        ("GUILD_MESSAGE_TYPING", GuildMessageTyping),
        ("DIRECT_MESSAGES", DirectMessages),
        ("DIRECT_MESSAGE_REACTIONS", DirectMessageReactions),
        ("DIRECT_MESSAGE_TYPING", DirectMessageTyping),
        ("MESSAGE_CONTENT", MessageContent),
        ("GUILD_SCHEDULED_EVENTS", GuildScheduledEvents),
        ("AUTO_MODERATION_CONFIGURATION", AutoModerationConfiguration),
        ("AUTO_MODERATION_EXECUTION", AutoModerationExecution),
        ("GUILD_MESSAGE_POLLS", GuildMessagePolls),
        ("DIRECT_MESSAGE_POLLS", DirectMessagePolls),
    ];

    /// <summary>The names of a set, in the order of the bits; bits without a name are left out.</summary>
    public static IEnumerable<string> Names(long intents) =>
        Known.Where(intent => (intents & intent.Bit) != 0).Select(intent => intent.Name);
}
