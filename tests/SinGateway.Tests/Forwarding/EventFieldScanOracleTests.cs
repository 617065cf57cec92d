using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using SinGateway.Forwarding;

namespace SinGateway.Tests.Forwarding;

/// <summary>The scan against System.Text.Json, and against bytes that nobody sends.</summary>
public sealed class EventFieldScanOracleTests
{
    private static readonly EventFields[] Wanted =
    [
        EventFields.Guild, EventFields.Channel, EventFields.User, EventFields.Guild | EventFields.User,
        EventFields.Guild | EventFields.Channel | EventFields.User,
    ];

    private static readonly EventFields[] Subjects = [EventFields.None, EventFields.IsGuild, EventFields.IsChannel];

    private static readonly string[] Keys = ["guild_id", "channel_id", "user_id", "id", "user", "author", "member", "d", "members", "", "é", "guild-id", "GUILD_ID"];

    private static readonly string[] Texts = ["", "1", "{", "}]", "\"", "\\", "\\\"", "한국어", "a\nb", "123456789012345678", "00", "1e5", "\\\\\\", "],\"guild_id\":\"9\",["];

    private static readonly string[] Scalars = ["null", "true", "false", "0", "-1", "1.5", "1e3", "197038439483310086", "18446744073709551616", "[]", "{}"];

    [Test]
    public void A_random_event_is_read_as_a_parser_reads_it() => Prop.ForAll<int>(seed =>
    {
        Random random = new(seed);
        StringBuilder text = new();
        text.Append("{\"t\":\"X\",\"s\":1,\"op\":0,\"d\":");
        WriteObject(text, random, depth: 0);
        text.Append(random.Next(2) == 0 ? "}" : ",\"x\":1}");
        return AgreesWithParser(text.ToString());
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(5_000));

    [Test]
    public void A_realistic_event_is_read_as_a_parser_reads_it() => Prop.ForAll<int>(seed =>
    {
        Random random = new(seed);
        return AgreesWithParser(SampleEvents.Message(random)) && AgreesWithParser(SampleEvents.Guild(random, members: random.Next(60)));
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Test]
    public void An_event_that_is_cut_off_gives_what_stands_before_the_cut() => Prop.ForAll<int>(seed =>
    {
        byte[] message = Encoding.UTF8.GetBytes(SampleEvents.Message(new Random(seed)));
        EventFields fields = Wanted[^1];
        EventIds whole = EventFieldScan.Read(message, fields);
        for (int length = 0; length < message.Length; length++)
        {
            // An array of its own, so that a read beyond the cut would fail.
            EventIds ids = EventFieldScan.Read(message[..length], fields);
            if (ids.Guild is not null && ids.Guild != whole.Guild || ids.Channel is not null && ids.Channel != whole.Channel)
            {
                return false;
            }
        }

        return true;
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(20));

    [Test]
    public void Hostile_bytes_never_throw() => Prop.ForAll<int>(seed =>
    {
        Random random = new(seed);
        byte[] message = Encoding.UTF8.GetBytes(random.Next(4) == 0 ? SampleEvents.Guild(random, 5) : SampleEvents.Message(random));
        for (int round = 0; round < 20; round++)
        {
            for (int i = random.Next(1, 8); i > 0; i--)
            {
                message[random.Next(message.Length)] = random.Next(3) == 0 ? (byte)random.Next(256) : "\"\\{}[]:,u\0 "u8[random.Next(11)];
            }

            foreach (EventFields fields in Wanted)
            {
                EventFieldScan.Read(message, fields);
            }
        }

        EventFieldScan.Read(Enumerable.Repeat("{[\"\\"u8[random.Next(4)], 10_000).ToArray(), Wanted[^1]);
        return true;
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Test]
    public async Task Brackets_without_end_do_not_exhaust_the_stack()
    {
        string deep = string.Concat(Enumerable.Repeat("{\"member\":{\"user\":", 100_000));

        await Assert.That(EventFieldScan.Read(Encoding.UTF8.GetBytes("{\"d\":" + deep), Wanted[^1])).IsEqualTo(default(EventIds));
    }

    private static bool AgreesWithParser(string message)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(message);
        using JsonDocument document = JsonDocument.Parse(bytes);
        JsonElement data = First(document.RootElement, "d")!.Value;
        foreach (EventFields wanted in Wanted)
        {
            foreach (EventFields subject in Subjects)
            {
                EventFields fields = wanted | subject;
                EventIds expected = new(
                    (fields & EventFields.Guild) == 0 ? null : subject == EventFields.IsGuild ? Id(data, "id") : Id(data, "guild_id"),
                    (fields & EventFields.Channel) == 0 ? null : Id(data, "channel_id") ?? (subject == EventFields.IsChannel ? Id(data, "id") : null),
                    (fields & EventFields.User) == 0 ? null : Id(data, "user_id") ?? Id(data, "user", "id") ?? Id(data, "author", "id") ?? Id(data, "member", "user", "id"));
                EventIds read = EventFieldScan.Read(bytes, fields);
                if (read != expected)
                {
                    throw new InvalidOperationException($"{fields}: {read} instead of {expected} in {message}");
                }
            }
        }

        return true;
    }

    private static ulong? Id(JsonElement element, params string[] path)
    {
        JsonElement? value = element;
        foreach (string key in path)
        {
            value = value is { } inner ? First(inner, key) : null;
        }

        string? text = value switch
        {
            { ValueKind: JsonValueKind.String } found => found.GetString(),
            { ValueKind: JsonValueKind.Number } found => found.GetRawText(),
            _ => null,
        };
        return text is { Length: > 0 } && text.All(char.IsAsciiDigit) && (text == "0" || text[0] != '0') && ulong.TryParse(text, out ulong id) ? id : null;
    }

    /// <summary>The first of the keys, where the parser by itself would give the last.</summary>
    private static JsonElement? First(JsonElement element, string key)
    {
        if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty property in element.EnumerateObject())
            {
                if (property.Name == key)
                {
                    return property.Value;
                }
            }
        }

        return null;
    }

    private static void WriteObject(StringBuilder text, Random random, int depth)
    {
        text.Append('{');
        int count = random.Next(8);
        for (int i = 0; i < count; i++)
        {
            text.Append(i == 0 ? "" : ",").Append(Space(random)).Append(Quote(Keys[random.Next(Keys.Length)], random)).Append(Space(random)).Append(':');
            WriteValue(text, random, depth + 1);
        }

        text.Append(Space(random)).Append('}');
    }

    private static void WriteValue(StringBuilder text, Random random, int depth)
    {
        text.Append(Space(random));
        switch (random.Next(depth > 5 ? 4 : 7))
        {
            case 0:
                text.Append(Scalars[random.Next(Scalars.Length)]);
                break;
            case 1 or 2:
                text.Append(Quote(random.Next(1, int.MaxValue).ToString(System.Globalization.CultureInfo.InvariantCulture), random));
                break;
            case 3:
                text.Append(Quote(Texts[random.Next(Texts.Length)], random));
                break;
            case 4:
                text.Append('[');
                for (int i = random.Next(4); i >= 0; i--)
                {
                    WriteValue(text, random, depth + 1);
                    text.Append(i == 0 ? "" : ",");
                }

                text.Append(']');
                break;
            default:
                WriteObject(text, random, depth);
                break;
        }

        text.Append(Space(random));
    }

    private static string Space(Random random) => random.Next(8) == 0 ? " \n\t\r"[..random.Next(5)] : "";

    /// <summary>A JSON string, some of its characters escaped although they need not be.</summary>
    private static string Quote(string text, Random random)
    {
        StringBuilder quoted = new("\"");
        bool escapes = random.Next(4) == 0;
        foreach (char c in text)
        {
            quoted.Append(c is '"' or '\\' ? $"\\{c}" : c < ' ' || escapes && random.Next(2) == 0 ? $"\\u{(int)c:x4}" : c);
        }

        return quoted.Append('"').ToString();
    }
}
