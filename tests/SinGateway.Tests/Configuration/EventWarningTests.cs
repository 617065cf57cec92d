namespace SinGateway.Tests.Configuration;

public sealed class EventWarningTests
{
    [Test]
    [Arguments(6, "  events: [GUILD_MEMBER_ADD]", "6:12: forwarding.events[0]: Discord does not send GUILD_MEMBER_ADD without the intent GUILD_MEMBERS. Add GUILD_MEMBERS to the list of intents, or 2 to their number.")]
    [Arguments(6, "  events: [READY, TYPING_START]", "6:19: forwarding.events[1]: Discord does not send TYPING_START without the intent GUILD_MESSAGE_TYPING or DIRECT_MESSAGE_TYPING. Add GUILD_MESSAGE_TYPING to the list of intents, or 2048 to their number.")]
    [Arguments(6, "  events: [MESAGE_CREATE]", "6:12: forwarding.events[0]: Discord documents no event \"MESAGE_CREATE\". Did you mean MESSAGE_CREATE?")]
    [Arguments(6, "  events: [GUILD_JOIN_REQUEST_UPDATE_2]", "6:12: forwarding.events[0]: Discord documents no event \"GUILD_JOIN_REQUEST_UPDATE_2\". Compare it with Discord's list of gateway events.")]
    [Arguments(6, "  events: [READY, \"*\"]", "6:11: forwarding.events: \"*\" takes all events, so the other names do nothing. Remove them, or the \"*\".")]
    [Arguments(6, "  events: [\"*\"]", "")]
    [Arguments(6, "  events: [MESSAGE_CREATE, READY, CHANNEL_PINS_UPDATE]", "")]
    [Arguments(7, "intents: 33283", "7:10: intents: privileged: GUILD_MEMBERS, MESSAGE_CONTENT. Switch them on for the bot in the Developer Portal, else Discord closes with 4014.")]
    public async Task What_Discord_will_not_send_is_a_warning(int line, string text, string expected)
    {
        string file = Sample.With(line, text);

        await Assert.That(Sample.ErrorsOf(file)).IsEmpty();
        await Assert.That(Sample.WarningsOf(file)).IsEqualTo(expected.Length == 0 ? "" : "config.yaml:" + expected);
    }
}
