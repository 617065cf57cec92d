using System.Text;
using System.Text.Json;
using SinGateway.Discord;

namespace SinGateway.Tests.Discord;

/// <summary>What Discord's documentation asks of each command.</summary>
public sealed class CommandRulesTests
{
    private const string Guild = "\"guild_id\":\"81384788765712384\"";
    private const string NoMembers = "user_ids is neither an id nor a list of 1 to 100 ids";
    private const string NoLimit = "limit is no integer from 0 to 100";
    private const string NoNonce = "nonce is no text of at most 32 bytes";

    [Test]
    [Arguments(3, """{"since":null,"activities":[],"status":"online","afk":false}""")]
    [Arguments(3, """{"since":0.0,"activities":[{"name":"a","type":0},{"name":"b","type":4,"state":"c","url":null}],"status":"dnd"}""")]
    [Arguments(3, """{"since":1795410003043,"activities":[],"status":"invisible","unknown":[1]}""")]
    [Arguments(3, """{"activities":[],"status":"id\u006ce"}""")]
    [Arguments(4, "{" + Guild + ""","channel_id":null,"self_mute":false,"self_deaf":true}""")]
    [Arguments(4, "{" + Guild + ""","channel_id":"157733188964188161"}""")]
    [Arguments(4, """{"guild_id":81384788765712384,"channel_id":157733188964188161}""")]
    [Arguments(8, "{" + Guild + ""","query":"","limit":0}""")]
    [Arguments(8, "{" + Guild + ""","query":"","limit":1000}""")]
    [Arguments(8, "{" + Guild + ""","query":"a","limit":100,"presences":true,"nonce":"12345678901234567890123456789012"}""")]
    [Arguments(8, "{" + Guild + ""","user_ids":"1"}""")]
    [Arguments(8, "{" + Guild + ""","user_ids":["1",2,"18446744073709551615"],"limit":0}""")]
    [Arguments(31, """{"guild_ids":["1"]}""")]
    [Arguments(31, """{"guild_ids":["1",2]}""")]
    [Arguments(43, "{" + Guild + ""","fields":["status","voice_start_time"]}""")]
    public async Task What_the_documentation_allows_passes(int op, string data) => await Assert.That(Check(op, data)).IsNull();

    [Test]
    [Arguments("{}", "status is none of online, dnd, idle, invisible, offline")]
    [Arguments("""{"status":"away","activities":[]}""", "status is none of online, dnd, idle, invisible, offline")]
    [Arguments("""{"status":"Online","activities":[]}""", "status is none of online, dnd, idle, invisible, offline")]
    [Arguments("""{"status":["online"],"activities":[]}""", "status is none of online, dnd, idle, invisible, offline")]
    [Arguments("""{"status":"online"}""", "activities is no list")]
    [Arguments("""{"status":"online","activities":null}""", "activities is no list")]
    [Arguments("""{"status":"online","activities":{}}""", "activities is no list")]
    [Arguments("""{"status":"online","activities":["a"]}""", "an activity has no name")]
    [Arguments("""{"status":"online","activities":[{"type":0}]}""", "an activity has no name")]
    [Arguments("""{"status":"online","activities":[{"name":"","type":0}]}""", "an activity has no name")]
    [Arguments("""{"status":"online","activities":[{"name":5,"type":0}]}""", "an activity has no name")]
    [Arguments("""{"status":"online","activities":[{"name":"a"}]}""", "the type of an activity is no integer from 0 to 5")]
    [Arguments("""{"status":"online","activities":[{"name":"a","type":6}]}""", "the type of an activity is no integer from 0 to 5")]
    [Arguments("""{"status":"online","activities":[{"name":"a","type":"0"}]}""", "the type of an activity is no integer from 0 to 5")]
    [Arguments("""{"status":"online","activities":[{"name":"a","type":0},{"name":"a","type":-1}]}""", "the type of an activity is no integer from 0 to 5")]
    [Arguments("""{"status":"online","activities":[{"name":"a","type":1,"url":1}]}""", "url of an activity is no text")]
    [Arguments("""{"status":"online","activities":[{"name":"a","type":4,"state":[]}]}""", "state of an activity is no text")]
    [Arguments("""{"status":"online","activities":[],"afk":null}""", "afk is neither true nor false")]
    [Arguments("""{"status":"online","activities":[],"since":"now"}""", "since is neither null nor milliseconds since 1970")]
    [Arguments("""{"status":"online","activities":[],"since":-1}""", "since is neither null nor milliseconds since 1970")]
    [Arguments("""{"status":"online","activities":[],"since":1e400}""", "since is neither null nor milliseconds since 1970")]
    public async Task A_presence_is_refused(string data, string reason) => await Assert.That(Check(3, data)).IsEqualTo(reason);

    [Test]
    [Arguments(4, """{"channel_id":null}""")]
    [Arguments(4, """{"guild_id":null,"channel_id":null}""")]
    [Arguments(4, """{"guild_id":"","channel_id":null}""")]
    [Arguments(4, """{"guild_id":"0","channel_id":null}""")]
    [Arguments(4, """{"guild_id":"-1","channel_id":null}""")]
    [Arguments(4, """{"guild_id":" 1","channel_id":null}""")]
    [Arguments(4, """{"guild_id":"18446744073709551616","channel_id":null}""")]
    [Arguments(4, """{"guild_id":1.5,"channel_id":null}""")]
    [Arguments(8, """{"guild_id":["1"],"query":"","limit":0}""")]
    [Arguments(43, """{"guild_id":"guild","fields":["status"]}""")]
    public async Task A_guild_that_is_no_id_is_refused(int op, string data) => await Assert.That(Check(op, data)).IsEqualTo("guild_id is no id");

    [Test]
    [Arguments(4, "", "channel_id is neither null nor an id")]
    [Arguments(4, ""","channel_id":"general" """, "channel_id is neither null nor an id")]
    [Arguments(4, ""","channel_id":false""", "channel_id is neither null nor an id")]
    [Arguments(4, ""","channel_id":null,"self_mute":0""", "self_mute is neither true nor false")]
    [Arguments(4, ""","channel_id":"1","self_mute":true,"self_deaf":null""", "self_deaf is neither true nor false")]
    [Arguments(8, "", "there is not one of query and user_ids")]
    [Arguments(8, ""","query":"","limit":0,"user_ids":["1"]""", "there is not one of query and user_ids")]
    [Arguments(8, ""","query":null,"limit":0""", "query is no text")]
    [Arguments(8, ""","query":"" """, NoLimit)]
    [Arguments(8, ""","query":"","limit":-1""", NoLimit)]
    [Arguments(8, ""","query":"","limit":"0" """, NoLimit)]
    [Arguments(8, ""","query":"","limit":1.5""", NoLimit)]
    [Arguments(8, ""","query":"a","limit":101""", NoLimit)]
    [Arguments(8, ""","user_ids":["1"],"limit":null""", NoLimit)]
    [Arguments(8, ""","user_ids":[]""", NoMembers)]
    [Arguments(8, ""","user_ids":null""", NoMembers)]
    [Arguments(8, ""","user_ids":["1","someone"]""", NoMembers)]
    [Arguments(8, ""","user_ids":["1"],"presences":"yes" """, "presences is neither true nor false")]
    [Arguments(8, ""","user_ids":["1"],"nonce":7""", NoNonce)]
    [Arguments(8, ""","user_ids":["1"],"nonce":"123456789012345678901234567890123" """, NoNonce)]
    [Arguments(8, ""","user_ids":["1"],"nonce":"신경신경신경신경신경신" """, NoNonce)]
    [Arguments(43, "", "fields is no list of names")]
    [Arguments(43, ""","fields":[]""", "fields is no list of names")]
    [Arguments(43, ""","fields":[1]""", "fields is no list of names")]
    [Arguments(43, ""","fields":"status" """, "fields is no list of names")]
    public async Task What_Discord_would_close_for_is_refused(int op, string more, string reason) =>
        await Assert.That(Check(op, $"{{{Guild}{more}}}")).IsEqualTo(reason);

    [Test]
    [Arguments("{}")]
    [Arguments("""{"guild_ids":[]}""")]
    [Arguments("""{"guild_ids":"1"}""")]
    [Arguments("""{"guild_ids":["1",null]}""")]
    public async Task Soundboard_sounds_need_guilds(string data) => await Assert.That(Check(31, data)).IsEqualTo("guild_ids is no list of ids");

    [Test]
    [Arguments(100, true)]
    [Arguments(101, false)]
    public async Task At_most_a_hundred_members_are_asked_for_by_id(int count, bool passes)
    {
        string ids = string.Join(',', Enumerable.Range(1, count).Select(id => $"\"{id}\""));

        await Assert.That(Check(8, $"{{{Guild},\"user_ids\":[{ids}]}}")).IsEqualTo(passes ? null : NoMembers);
    }

    [Test]
    [Arguments(3, """{ "status":"online","activities":[]}""", """{"since":null,"afk":false, "status":"online","activities":[]}""")]
    [Arguments(3, """{"status":"online","afk":true,"activities":[],"since":1}""", """{"status":"online","afk":true,"activities":[],"since":1}""")]
    [Arguments(4, """{"guild_id":"1","channel_id":null,"self_deaf":true}""", """{"self_mute":false,"guild_id":"1","channel_id":null,"self_deaf":true}""")]
    [Arguments(8, """{"guild_id":"1","user_ids":"2"}""", """{"guild_id":"1","user_ids":"2"}""")]
    public async Task Fields_that_have_an_obvious_value_are_added(int op, string data, string expected)
    {
        using JsonDocument document = JsonDocument.Parse(data);

        await Assert.That(Encoding.UTF8.GetString(CommandRules.Complete((GatewayOpcode)op, document.RootElement))).IsEqualTo(expected);
    }

    private static string? Check(int op, string data)
    {
        using JsonDocument document = JsonDocument.Parse(data);
        return CommandRules.Check((GatewayOpcode)op, document.RootElement);
    }
}
