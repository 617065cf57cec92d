using System.Text;
using System.Text.Json;
using SinGateway.Configuration;
using SinGateway.Discord;

namespace SinGateway.Tests.Configuration;

/// <summary><c>discord.presence</c>: what IDENTIFY carries of it, and what is wrong with it in one line each.</summary>
public sealed class PresenceTests
{
    private const string TypeHint = "Write playing, streaming, listening, watching, custom or competing, or their numbers 0 to 5.";
    private const string StreamHint = "Write one that starts with https://twitch.tv/ or https://youtube.com/.";

    [Test]
    [Arguments("{}", """{"since":null,"activities":[],"status":"online","afk":false}""")]
    [Arguments("{status: invisible, afk: yes, since: 1700000000000}", """{"since":1700000000000,"activities":[],"status":"invisible","afk":true}""")]
    [Arguments("{activities: [{type: 0, name: a}, {type: listening, name: \"신경 \\\"b\\\" 🚀\", state: c}]}",
        """{"since":null,"activities":[{"name":"a","type":0},{"name":"신경 \"b\" \uD83D\uDE80","type":2,"state":"c"}],"status":"online","afk":false}""")]
    [Arguments("{activities: [{type: Custom, state: busy}]}", """{"since":null,"activities":[{"name":"Custom Status","type":4,"state":"busy"}],"status":"online","afk":false}""")]
    [Arguments("{activities: [{type: 1, name: a, url: \"https://twitch.tv/b\"}]}", """{"since":null,"activities":[{"name":"a","type":1,"url":"https://twitch.tv/b"}],"status":"online","afk":false}""")]
    [Arguments("{activities: [{type: streaming, name: a, url: \"https://www.youtube.com/watch?v=b\"}]}", """{"since":null,"activities":[{"name":"a","type":1,"url":"https://www.youtube.com/watch?v=b"}],"status":"online","afk":false}""")]
    [Arguments("{status: \"${NONE:-idle}\", activities: [{type: competing, name: \"${TOKEN}\"}]}", """{"since":null,"activities":[{"name":"s3cret","type":5}],"status":"idle","afk":false}""")]
    public async Task It_is_rendered_compactly_with_its_defaults(string presence, string expected)
    {
        ConfigurationResult result = Sample.Load(Sample.With(7, $"discord: {{presence: {presence}}}"));

        await Assert.That(string.Join('\n', result.Errors)).IsEmpty();
        await Assert.That(Encoding.UTF8.GetString(result.Configuration!.Presence.Span)).IsEqualTo(expected);
    }

    [Test]
    [Arguments("5", "21: discord.presence: a single value stands where keys belong. Put these keys below it, each in its own line: status, afk, since, activities.")]
    [Arguments("{statsu: online}", "22: discord.presence.statsu: there is no such key. Did you mean status?")]
    [Arguments("{status: Online}", "30: discord.presence.status: there is no status \"Online\". Did you mean online?")]
    [Arguments("{status: busy}", "30: discord.presence.status: there is no status \"busy\". Write online, dnd, idle, invisible or offline.")]
    [Arguments("{afk: perhaps}", "27: discord.presence.afk: \"perhaps\" is neither true nor false. Write one of the two.")]
    [Arguments("{since: -1}", "29: discord.presence.since: \"-1\" is not an integer from 0 to 9007199254740991. Write milliseconds since 1970, or null.")]
    [Arguments("{activities: none}", "34: discord.presence.activities: a single value stands where a list of activities belongs. Write a list, such as [{type: watching, name: the bus}].")]
    [Arguments("{activities: [chess]}", "35: discord.presence.activities[0]: a single value stands where an activity belongs. Write a list, such as [{type: watching, name: the bus}].")]
    [Arguments("{activities: [{type: 0, nam: a, name: b}]}", "45: discord.presence.activities[0].nam: there is no such key. Did you mean name?")]
    [Arguments("{activities: [{name: a}]}", "35: discord.presence.activities[0].type: the key is required. " + TypeHint)]
    [Arguments("{activities: [{type: 6, name: a}]}", "42: discord.presence.activities[0].type: there is no type of activity \"6\". " + TypeHint)]
    [Arguments("{activities: [{type: wathcing, name: a}]}", "42: discord.presence.activities[0].type: there is no type of activity \"wathcing\". Did you mean watching?")]
    [Arguments("{activities: [{type: 3}]}", "35: discord.presence.activities[0].name: an activity needs a name. Write what is played, watched or listened to.")]
    [Arguments("{activities: [{type: 4, name: a}]}", "35: discord.presence.activities[0].state: a custom status shows its state, and there is none. Write the text of the status as state.")]
    [Arguments("{activities: [{type: 1, name: a}]}", "35: discord.presence.activities[0].url: streaming needs the stream's url. " + StreamHint)]
    [Arguments("{activities: [{type: 1, name: a, url: \"http://twitch.tv/b\"}]}", "59: discord.presence.activities[0].url: Discord knows no streams at this url. " + StreamHint)]
    [Arguments("{activities: [{type: 1, name: a, url: \"https://twitch.tv.example/b\"}]}", "59: discord.presence.activities[0].url: Discord knows no streams at this url. " + StreamHint)]
    public async Task A_mistake_has_one_line(string presence, string expected) =>
        await Assert.That(Sample.ErrorsOf(Sample.With(7, $"discord: {{presence: {presence}}}"))).IsEqualTo("config.yaml:7:" + expected);

    [Test]
    public async Task IDENTIFY_carries_it()
    {
        GatewayConfiguration configuration = Sample.Load(Sample.With(7, "discord: {presence: {status: dnd}}")).Configuration!;

        byte[] identify = GatewayPayloads.Identify("abc", 513, 0, 1, 50, configuration.Presence);
        using JsonDocument json = JsonDocument.Parse(identify);

        await Assert.That(json.RootElement.GetProperty("d").GetProperty("presence").GetRawText()).IsEqualTo("""{"since":null,"activities":[],"status":"dnd","afk":false}""");
        await Assert.That(json.RootElement.GetProperty("d").GetProperty("large_threshold").GetInt32()).IsEqualTo(50);
        await Assert.That(json.RootElement.GetProperty("d").GetProperty("intents").GetInt32()).IsEqualTo(513);
    }

    [Test]
    public async Task An_IDENTIFY_above_4096_bytes_is_an_error_and_one_of_4096_is_not()
    {
        int rest = GatewayPayloads.Identify("abc", 513, 99_999, 100_000, 250, PresenceOf(Named(1))).Length - 1;

        await Assert.That(Sample.ErrorsOf(Named(4_096 - rest))).IsEmpty();
        await Assert.That(Sample.ErrorsOf(Named(4_097 - rest))).IsEqualTo(
            $"config.yaml:7:21: discord.presence: IDENTIFY would be 4097 bytes long, and Discord takes 4096. Its {PresenceOf(Named(1)).Length + 4_096 - rest} bytes are most of it: shorten its texts.");
    }

    [Test]
    public async Task A_token_that_makes_IDENTIFY_too_long_is_an_error_of_the_token() =>
        await Assert.That(Sample.ErrorsOf(Sample.With(1, $"token: {new string('a', 4_000)}"))).Contains("config.yaml:1:8: token: IDENTIFY would be 41");

    private static string Named(int length) => Sample.With(7, $"discord: {{presence: {{activities: [{{type: 0, name: {new string('n', length)}}}]}}}}");

    private static ReadOnlyMemory<byte> PresenceOf(string text) => Sample.Load(text).Configuration!.Presence;
}
