using System.Text;
using SinGateway.Discord;

namespace SinGateway.Tests.Discord;

public sealed class GatewayCommandTests
{
    [Test]
    public async Task A_command_is_wrapped_with_its_opcode()
    {
        GatewayCommand? command = Create(GatewayOpcode.RequestChannelInfo, """{"guild_id":"1","fields":["status"]}""");

        await Assert.That(Encoding.UTF8.GetString(command!.Payload.Span)).IsEqualTo("""{"op":43,"d":{"guild_id":"1","fields":["status"]}}""");
    }

    [Test]
    [Arguments(3, true)]
    [Arguments(4, true)]
    [Arguments(8, true)]
    [Arguments(31, true)]
    [Arguments(43, true)]
    [Arguments(0, false)]
    [Arguments(1, false)]
    [Arguments(2, false)]
    [Arguments(6, false)]
    [Arguments(36, false)]
    public async Task Workers_may_send_what_changes_no_session(int op, bool allowed) =>
        await Assert.That(Create((GatewayOpcode)op, "{}") is not null).IsEqualTo(allowed);

    [Test]
    [Arguments("")]
    [Arguments("null")]
    [Arguments("[]")]
    [Arguments("\"x\"")]
    [Arguments("{")]
    [Arguments("{} {}")]
    [Arguments("""{"guild_id":""")]
    [Arguments("""{"a":1}}""")]
    public async Task What_is_not_one_JSON_object_is_refused(string data) =>
        await Assert.That(Create(GatewayOpcode.VoiceStateUpdate, data)).IsNull();

    [Test]
    [Arguments("""{"guild_id":"81384788765712384","query":"","limit":0}""", 81384788765712384UL, true)]
    [Arguments("""{"query":"","guild_id":81384788765712384}""", 81384788765712384UL, true)]
    [Arguments("""{"guild_id":"1","query":"a"}""", 1UL, false)]
    [Arguments("""{"guild_id":"1","user_ids":["2"]}""", 1UL, false)]
    [Arguments("""{"nested":{"guild_id":"1","query":""}}""", 0UL, false)]
    [Arguments("""{"guild_id":null,"query":null}""", 0UL, false)]
    [Arguments("""{"guild_id":{"query":""}}""", 0UL, false)]
    public async Task A_request_for_members_tells_its_guild_and_whether_it_asks_for_all(string data, ulong guildId, bool all)
    {
        GatewayCommand command = Create(GatewayOpcode.RequestGuildMembers, data)!;

        await Assert.That(command.GuildId).IsEqualTo(guildId);
        await Assert.That(command.AsksForAllMembers).IsEqualTo(all);
    }

    [Test]
    public async Task An_empty_query_means_something_to_opcode_8_only() =>
        await Assert.That(Create(GatewayOpcode.VoiceStateUpdate, """{"guild_id":"1","query":""}""")!.AsksForAllMembers).IsFalse();

    private static GatewayCommand? Create(GatewayOpcode op, string data) => GatewayCommand.TryCreate(op, Encoding.UTF8.GetBytes(data), _ => { });
}
