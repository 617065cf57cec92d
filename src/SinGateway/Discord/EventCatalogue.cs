using System.Collections.Frozen;

namespace SinGateway.Discord;

/// <summary>
/// The 79 dispatch events that Discord documents and the intents that enable them.
/// https://discord.com/developers/docs/events/gateway-events#receive-events
/// For checks and hints only: Discord sends undocumented names too, so nothing is routed by this list.
/// </summary>
internal static class EventCatalogue
{
    /// <summary>No intent is needed.</summary>
    private const long Always = 0;

    private static readonly FrozenDictionary<string, long> Events = new Dictionary<string, long>
    {
        ["READY"] = Always,
        ["RESUMED"] = Always,
        ["RATE_LIMITED"] = Always,
        ["APPLICATION_COMMAND_PERMISSIONS_UPDATE"] = Always,
        ["AUTO_MODERATION_RULE_CREATE"] = Intents.AutoModerationConfiguration,
        ["AUTO_MODERATION_RULE_UPDATE"] = Intents.AutoModerationConfiguration,
        ["AUTO_MODERATION_RULE_DELETE"] = Intents.AutoModerationConfiguration,
        ["AUTO_MODERATION_ACTION_EXECUTION"] = Intents.AutoModerationExecution,
        ["CHANNEL_CREATE"] = Intents.Guilds,
        ["CHANNEL_UPDATE"] = Intents.Guilds,
        ["CHANNEL_DELETE"] = Intents.Guilds,
        ["CHANNEL_INFO"] = Always,
        ["CHANNEL_PINS_UPDATE"] = Intents.Guilds | Intents.DirectMessages,
        ["VOICE_CHANNEL_STATUS_UPDATE"] = Intents.Guilds,
        ["VOICE_CHANNEL_START_TIME_UPDATE"] = Intents.Guilds,
        ["THREAD_CREATE"] = Intents.Guilds,
        ["THREAD_UPDATE"] = Intents.Guilds,
        ["THREAD_DELETE"] = Intents.Guilds,
        ["THREAD_LIST_SYNC"] = Intents.Guilds,
        ["THREAD_MEMBER_UPDATE"] = Intents.Guilds,
        ["THREAD_MEMBERS_UPDATE"] = Intents.Guilds | Intents.GuildMembers,
        ["ENTITLEMENT_CREATE"] = Always,
        ["ENTITLEMENT_UPDATE"] = Always,
        ["ENTITLEMENT_DELETE"] = Always,
        ["GUILD_CREATE"] = Intents.Guilds,
        ["GUILD_UPDATE"] = Intents.Guilds,
        ["GUILD_DELETE"] = Intents.Guilds,
        ["GUILD_AUDIT_LOG_ENTRY_CREATE"] = Intents.GuildModeration,
        ["GUILD_BAN_ADD"] = Intents.GuildModeration,
        ["GUILD_BAN_REMOVE"] = Intents.GuildModeration,
        ["GUILD_EMOJIS_UPDATE"] = Intents.GuildExpressions,
        ["GUILD_STICKERS_UPDATE"] = Intents.GuildExpressions,
        ["GUILD_INTEGRATIONS_UPDATE"] = Intents.GuildIntegrations,
        ["GUILD_MEMBER_ADD"] = Intents.GuildMembers,
        ["GUILD_MEMBER_REMOVE"] = Intents.GuildMembers,
        ["GUILD_MEMBER_UPDATE"] = Intents.GuildMembers,
        ["GUILD_MEMBERS_CHUNK"] = Always,
        ["GUILD_ROLE_CREATE"] = Intents.Guilds,
        ["GUILD_ROLE_UPDATE"] = Intents.Guilds,
        ["GUILD_ROLE_DELETE"] = Intents.Guilds,
        ["GUILD_SCHEDULED_EVENT_CREATE"] = Intents.GuildScheduledEvents,
        ["GUILD_SCHEDULED_EVENT_UPDATE"] = Intents.GuildScheduledEvents,
        ["GUILD_SCHEDULED_EVENT_DELETE"] = Intents.GuildScheduledEvents,
        ["GUILD_SCHEDULED_EVENT_USER_ADD"] = Intents.GuildScheduledEvents,
        ["GUILD_SCHEDULED_EVENT_USER_REMOVE"] = Intents.GuildScheduledEvents,
        ["GUILD_SOUNDBOARD_SOUND_CREATE"] = Intents.GuildExpressions,
        ["GUILD_SOUNDBOARD_SOUND_UPDATE"] = Intents.GuildExpressions,
        ["GUILD_SOUNDBOARD_SOUND_DELETE"] = Intents.GuildExpressions,
        ["GUILD_SOUNDBOARD_SOUNDS_UPDATE"] = Intents.GuildExpressions,
        ["SOUNDBOARD_SOUNDS"] = Always,
        ["INTEGRATION_CREATE"] = Intents.GuildIntegrations,
        ["INTEGRATION_UPDATE"] = Intents.GuildIntegrations,
        ["INTEGRATION_DELETE"] = Intents.GuildIntegrations,
        ["INTERACTION_CREATE"] = Always,
        ["INVITE_CREATE"] = Intents.GuildInvites,
        ["INVITE_DELETE"] = Intents.GuildInvites,
        ["MESSAGE_CREATE"] = Intents.GuildMessages | Intents.DirectMessages,
        ["MESSAGE_UPDATE"] = Intents.GuildMessages | Intents.DirectMessages,
        ["MESSAGE_DELETE"] = Intents.GuildMessages | Intents.DirectMessages,
        ["MESSAGE_DELETE_BULK"] = Intents.GuildMessages,
        ["MESSAGE_REACTION_ADD"] = Intents.GuildMessageReactions | Intents.DirectMessageReactions,
        ["MESSAGE_REACTION_REMOVE"] = Intents.GuildMessageReactions | Intents.DirectMessageReactions,
        ["MESSAGE_REACTION_REMOVE_ALL"] = Intents.GuildMessageReactions | Intents.DirectMessageReactions,
        ["MESSAGE_REACTION_REMOVE_EMOJI"] = Intents.GuildMessageReactions | Intents.DirectMessageReactions,
        ["MESSAGE_POLL_VOTE_ADD"] = Intents.GuildMessagePolls | Intents.DirectMessagePolls,
        ["MESSAGE_POLL_VOTE_REMOVE"] = Intents.GuildMessagePolls | Intents.DirectMessagePolls,
        ["PRESENCE_UPDATE"] = Intents.GuildPresences,
        ["STAGE_INSTANCE_CREATE"] = Intents.Guilds,
        ["STAGE_INSTANCE_UPDATE"] = Intents.Guilds,
        ["STAGE_INSTANCE_DELETE"] = Intents.Guilds,
        ["SUBSCRIPTION_CREATE"] = Always,
        ["SUBSCRIPTION_UPDATE"] = Always,
        ["SUBSCRIPTION_DELETE"] = Always,
        ["TYPING_START"] = Intents.GuildMessageTyping | Intents.DirectMessageTyping,
        ["USER_UPDATE"] = Always,
        ["VOICE_CHANNEL_EFFECT_SEND"] = Intents.GuildVoiceStates,
        ["VOICE_STATE_UPDATE"] = Intents.GuildVoiceStates,
        ["VOICE_SERVER_UPDATE"] = Always,
        ["WEBHOOKS_UPDATE"] = Intents.GuildWebhooks,
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, int> Places = Events.Keys.Select((name, place) => (name, place)).ToFrozenDictionary(pair => pair.name, pair => pair.place);

    /// <summary>Every documented name.</summary>
    public static IReadOnlyList<string> Names => Events.Keys;

    /// <summary>Places of a table by event: one for each documented name, and a last one for all others.</summary>
    public static int Indexes => Events.Count + 1;

    /// <summary>The place of an event in such a table.</summary>
    public static int IndexOf(string name) => Places.GetValueOrDefault(name, Events.Count);

    /// <summary>Whose place it is; "other" for that of all others.</summary>
    public static string NameAt(int index) => index < Events.Count ? Events.Keys[index] : "other";

    public static bool Knows(string name) => Events.ContainsKey(name);

    /// <summary>The intents of which any one enables the event; 0 when it needs none, or is not documented.</summary>
    public static long EnablingIntents(string name) => Events.GetValueOrDefault(name);
}
