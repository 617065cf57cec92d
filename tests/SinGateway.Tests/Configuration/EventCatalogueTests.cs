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
    public async Task The_known_intents_are_all_that_Discord_documents()
    {
        long all = Intents.Known.Aggregate(0L, (set, intent) => set | intent.Bit);

        await Assert.That(all).IsEqualTo(53608447);
        await Assert.That(all & ~Intents.Privileged).IsEqualTo(53575421);
    }
}
