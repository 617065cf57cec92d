using SinGateway.Discord;

namespace SinGateway.Tests.Configuration;

public sealed class EventCatalogueTests
{
    [Test]
    public async Task It_holds_the_79_documented_events() => await Assert.That(EventCatalogue.Names.Count).IsEqualTo(79);

    [Test]
    [Arguments("READY", "")]
    [Arguments("INTERACTION_CREATE", "")]
    [Arguments("NOT_DOCUMENTED", "")]
    [Arguments("GUILD_CREATE", "GUILDS")]
    [Arguments("GUILD_MEMBER_ADD", "GUILD_MEMBERS")]
    [Arguments("THREAD_MEMBERS_UPDATE", "GUILDS GUILD_MEMBERS")]
    [Arguments("MESSAGE_CREATE", "GUILD_MESSAGES DIRECT_MESSAGES")]
    [Arguments("MESSAGE_DELETE_BULK", "GUILD_MESSAGES")]
    [Arguments("MESSAGE_REACTION_REMOVE_EMOJI", "GUILD_MESSAGE_REACTIONS DIRECT_MESSAGE_REACTIONS")]
    [Arguments("GUILD_AUDIT_LOG_ENTRY_CREATE", "GUILD_MODERATION")]
    [Arguments("MESSAGE_POLL_VOTE_ADD", "GUILD_MESSAGE_POLLS DIRECT_MESSAGE_POLLS")]
    public async Task An_event_has_the_intents_that_enable_it(string name, string intents) =>
        await Assert.That(string.Join(' ', Intents.Names(EventCatalogue.EnablingIntents(name)))).IsEqualTo(intents);

    [Test]
    public async Task Every_event_has_the_intents_of_the_documentation_and_its_absence_is_warned_of()
    {
        // https://docs.discord.com/developers/events/gateway#list-of-intents
        const string Documented = """
            GUILDS GUILD_CREATE GUILD_UPDATE GUILD_DELETE GUILD_ROLE_CREATE GUILD_ROLE_UPDATE GUILD_ROLE_DELETE
            GUILDS CHANNEL_CREATE CHANNEL_UPDATE CHANNEL_DELETE CHANNEL_PINS_UPDATE THREAD_CREATE THREAD_UPDATE THREAD_DELETE
            GUILDS THREAD_LIST_SYNC THREAD_MEMBER_UPDATE THREAD_MEMBERS_UPDATE STAGE_INSTANCE_CREATE STAGE_INSTANCE_UPDATE
            GUILDS STAGE_INSTANCE_DELETE VOICE_CHANNEL_STATUS_UPDATE VOICE_CHANNEL_START_TIME_UPDATE
            GUILD_MEMBERS GUILD_MEMBER_ADD GUILD_MEMBER_UPDATE GUILD_MEMBER_REMOVE THREAD_MEMBERS_UPDATE
            GUILD_MODERATION GUILD_AUDIT_LOG_ENTRY_CREATE GUILD_BAN_ADD GUILD_BAN_REMOVE
            GUILD_EXPRESSIONS GUILD_EMOJIS_UPDATE GUILD_STICKERS_UPDATE GUILD_SOUNDBOARD_SOUND_CREATE GUILD_SOUNDBOARD_SOUND_UPDATE
            GUILD_EXPRESSIONS GUILD_SOUNDBOARD_SOUND_DELETE GUILD_SOUNDBOARD_SOUNDS_UPDATE
            GUILD_INTEGRATIONS GUILD_INTEGRATIONS_UPDATE INTEGRATION_CREATE INTEGRATION_UPDATE INTEGRATION_DELETE
            GUILD_WEBHOOKS WEBHOOKS_UPDATE
            GUILD_INVITES INVITE_CREATE INVITE_DELETE
            GUILD_VOICE_STATES VOICE_STATE_UPDATE VOICE_CHANNEL_EFFECT_SEND
            GUILD_PRESENCES PRESENCE_UPDATE
            GUILD_MESSAGES MESSAGE_CREATE MESSAGE_UPDATE MESSAGE_DELETE MESSAGE_DELETE_BULK
            GUILD_MESSAGE_REACTIONS MESSAGE_REACTION_ADD MESSAGE_REACTION_REMOVE MESSAGE_REACTION_REMOVE_ALL MESSAGE_REACTION_REMOVE_EMOJI
            GUILD_MESSAGE_TYPING TYPING_START
            DIRECT_MESSAGES MESSAGE_CREATE MESSAGE_UPDATE MESSAGE_DELETE CHANNEL_PINS_UPDATE
            DIRECT_MESSAGE_REACTIONS MESSAGE_REACTION_ADD MESSAGE_REACTION_REMOVE MESSAGE_REACTION_REMOVE_ALL MESSAGE_REACTION_REMOVE_EMOJI
            DIRECT_MESSAGE_TYPING TYPING_START
            GUILD_SCHEDULED_EVENTS GUILD_SCHEDULED_EVENT_CREATE GUILD_SCHEDULED_EVENT_UPDATE GUILD_SCHEDULED_EVENT_DELETE
            GUILD_SCHEDULED_EVENTS GUILD_SCHEDULED_EVENT_USER_ADD GUILD_SCHEDULED_EVENT_USER_REMOVE
            AUTO_MODERATION_CONFIGURATION AUTO_MODERATION_RULE_CREATE AUTO_MODERATION_RULE_UPDATE AUTO_MODERATION_RULE_DELETE
            AUTO_MODERATION_EXECUTION AUTO_MODERATION_ACTION_EXECUTION
            GUILD_MESSAGE_POLLS MESSAGE_POLL_VOTE_ADD MESSAGE_POLL_VOTE_REMOVE
            DIRECT_MESSAGE_POLLS MESSAGE_POLL_VOTE_ADD MESSAGE_POLL_VOTE_REMOVE
            """;
        ILookup<string, string> intentsOf = Documented.Split('\n')
            .Select(line => line.Trim().Split(' '))
            .SelectMany(words => words.Skip(1).Select(name => (Name: name, Intent: words[0])))
            .ToLookup(pair => pair.Name, pair => pair.Intent);
        foreach (string name in EventCatalogue.Names)
        {
            string intents = string.Join(" or ", intentsOf[name]);

            await Assert.That(string.Join(" or ", Intents.Names(EventCatalogue.EnablingIntents(name)))).IsEqualTo(intents).Because(name);
            await Assert.That(WarningOf(name, "[]")).IsEqualTo(
                intents.Length == 0 ? "" : $"config.yaml:6:12: forwarding.events[0]: Discord does not send {name} without the intent {intents}");
            foreach (string intent in intentsOf[name])
            {
                await Assert.That(WarningOf(name, $"[{intent}]")).DoesNotContain("Discord does not send");
            }
        }
    }

    private static string WarningOf(string name, string intents) =>
        Sample.WarningsOf(Sample.With(6, $"  events: [{name}]\nintents: {intents}")).Split(". Add ")[0];

    [Test]
    public async Task The_known_intents_are_all_that_Discord_documents()
    {
        long all = Intents.Known.Aggregate(0L, (set, intent) => set | intent.Bit);

        await Assert.That(all).IsEqualTo(53608447);
        await Assert.That(all & ~Intents.Privileged).IsEqualTo(53575421);
    }
}
