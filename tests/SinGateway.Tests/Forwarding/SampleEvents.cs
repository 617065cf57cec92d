using System.Globalization;
using System.Text;
using System.Text.Json;

namespace SinGateway.Tests.Forwarding;

/// <summary>Events of the shape and the size of Discord's own, with random ids, text and order of keys.</summary>
internal static class SampleEvents
{
    /// <summary>A MESSAGE_CREATE of about 1.4 KB.</summary>
    public static string Message(Random random) => Write("MESSAGE_CREATE", Shuffle(random, new()
    {
        ["type"] = "0",
        ["tts"] = "false",
        ["timestamp"] = "\"2026-11-24T15:43:00.123000+00:00\"",
        ["referenced_message"] = "null",
        ["pinned"] = "false",
        ["nonce"] = Id(random),
        ["mentions"] = $"[{User(random)}]",
        ["mention_roles"] = "[]",
        ["member"] = $$"""{"roles":[{{Id(random)}},{{Id(random)}}],"premium_since":null,"nick":{{Text(random, 12)}},"mute":false,"joined_at":"2020-01-01T00:00:00.000000+00:00","flags":0,"deaf":false,"avatar":null}""",
        ["id"] = Id(random),
        ["flags"] = "0",
        ["embeds"] = $$"""[{"type":"rich","title":{{Text(random, 30)}},"footer":{"text":{{Text(random, 20)}}},"fields":[{"name":"guild_id","value":"5"}]}]""",
        ["content"] = Text(random, 150),
        ["channel_id"] = Id(random),
        ["author"] = User(random),
        ["attachments"] = "[]",
        ["guild_id"] = Id(random),
    }));

    /// <summary>A GUILD_CREATE; of 256 KB with about 600 members.</summary>
    public static string Guild(Random random, int members)
    {
        IEnumerable<string> Many(int count, Func<string> write) => Enumerable.Range(0, count).Select(_ => write());

        return Write("GUILD_CREATE", Shuffle(random, new()
        {
            ["members"] = $"[{string.Join(',', Many(members, () => $$"""{"user":{{User(random)}},"roles":[{{Id(random)}}],"nick":{{Text(random, 10)}},"joined_at":"2020-01-01T00:00:00.000000+00:00","mute":false,"deaf":false,"flags":0}"""))}]",
            ["channels"] = $"[{string.Join(',', Many(members / 4, () => $$"""{"id":{{Id(random)}},"type":0,"name":{{Text(random, 12)}},"topic":{{Text(random, 60)}},"permission_overwrites":[{"id":{{Id(random)}},"type":0,"allow":"0","deny":"1024"}],"position":3}"""))}]",
            ["roles"] = $"[{string.Join(',', Many(20, () => $$"""{"id":{{Id(random)}},"name":{{Text(random, 8)}},"permissions":"104324673","color":0}"""))}]",
            ["presences"] = "[]",
            ["name"] = Text(random, 20),
            ["owner_id"] = Id(random),
            ["id"] = Id(random),
            ["large"] = "false",
        }));
    }

    private static string Write(string name, IEnumerable<KeyValuePair<string, string>> data) =>
        "{\"t\":\"" + name + "\",\"s\":42,\"op\":0,\"d\":{" + string.Join(',', data.Select(member => $"\"{member.Key}\":{member.Value}")) + "}}";

    private static KeyValuePair<string, string>[] Shuffle(Random random, Dictionary<string, string> members)
    {
        KeyValuePair<string, string>[] shuffled = [.. members];
        random.Shuffle(shuffled);
        return shuffled;
    }

    private static string Id(Random random) =>
        string.Create(CultureInfo.InvariantCulture, $"\"{random.NextInt64(100_000_000_000_000_000, long.MaxValue)}\"");

    private static string User(Random random) =>
        $$"""{"username":{{Text(random, 10)}},"public_flags":0,"id":{{Id(random)}},"global_name":{{Text(random, 10)}},"discriminator":"0","clan":null,"avatar":"0123456789abcdef0123456789abcdef"}""";

    /// <summary>Quoted; with escapes, braces and letters of several bytes, as people write them.</summary>
    private static string Text(Random random, int length)
    {
        string[] parts = ["hello ", "{}", "\n", "\"quoted\" ", "C:\\", "안녕 ", "😀", "]] ", "guild_id", "```json\n{\"id\":\"1\"}```"];
        StringBuilder text = new();
        while (text.Length < length)
        {
            text.Append(parts[random.Next(random.Next(3) == 0 ? parts.Length : 1)]);
        }

        return JsonSerializer.Serialize(text.ToString());
    }
}
