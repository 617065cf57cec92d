using System.Text;

namespace SinGateway.Sandbox.Discord;

/// <summary>
/// Writes one message as Discord would, field for field, with random people, words, embeds, attachments and mentions. The characters
/// U+0001 to U+0006 stand for the fields that <see cref="MessageTemplates"/> fills in. The nonce and the number come first in <c>d</c>,
/// so that the ledger finds them without reading on.
/// </summary>
internal sealed class MessageText(Random random, int targetBytes)
{
    private static readonly string[] Words =
    [
        "alright", "anyone", "around", "because", "better", "build", "channel", "check", "could", "deploy", "does", "event", "every",
        "first", "friend", "gateway", "going", "great", "guild", "happens", "hello", "kind", "later", "maybe", "message", "moment", "never",
        "night", "nothing", "okay", "people", "please", "queue", "raid", "really", "restart", "right", "server", "shard", "should",
        "someone", "something", "still", "stream", "thanks", "think", "today", "tomorrow", "tonight", "update", "wait", "what", "when",
        "where", "worker", "would", "yesterday", "신경", "안녕하세요", "müde", "größer", "déjà", "привет", "こんにちは", "🎉", "😂", "\\\"quoted\\\"",
        "C:\\\\temp", "a\\/b", "line\\nbreak", "\\u00e9t\\u00e9", "<@198622483471925248>", "https://example.com/a?b=1&c=2",
    ];

    private readonly StringBuilder _text = new();

    public string Write(int variant)
    {
        _text.Append("{\"t\":\"MESSAGE_CREATE\",\"s\":\u0001,\"op\":0,\"d\":{\"type\":0,\"nonce\":\"\u0003:\u0002\",\"content\":\"#\u0002 ");
        int contentAt = _text.Length;
        _text.Append("\",\"tts\":false,\"timestamp\":\"2026-11-").Append((variant % 28 + 1).ToString("00")).Append('T')
            .Append(random.Next(24).ToString("00")).Append(':').Append(random.Next(60).ToString("00"))
            .Append(":07.").Append(random.Next(100000, 999999)).Append("+00:00\",\"pinned\":false,\"mentions\":[");
        if (variant % 8 == 3)
        {
            Author();
        }
        _text.Append("],\"mention_roles\":[],\"mention_everyone\":false,\"member\":{\"roles\":[");
        int roles = targetBytes < 900 ? 0 : random.Next(4);
        for (int i = 0; i < roles; i++)
        {
            _text.Append(i == 0 ? "\"" : ",\"").Append(Snowflake()).Append('"');
        }
        _text.Append("],\"premium_since\":null,\"pending\":false,\"nick\":null,\"mute\":false,\"joined_at\":\"2023-0").Append(random.Next(1, 10))
            .Append("-14T18:02:11.").Append(random.Next(100000, 999999))
            .Append("+00:00\",\"flags\":0,\"deaf\":false,\"communication_disabled_until\":null,\"banner\":null,\"avatar\":null},")
            .Append("\"id\":\"\u0004\",\"flags\":0,\"embeds\":[");
        if (variant % 4 == 1 && targetBytes >= 1000)
        {
            _text.Append("{\"type\":\"rich\",\"title\":\"").Append(Text(20)).Append("\",\"description\":\"").Append(Text(80))
                .Append("\",\"color\":").Append(random.Next(1 << 24)).Append(",\"content_scan_version\":0}");
        }
        _text.Append("],\"edited_timestamp\":null,\"components\":[],\"channel_type\":0,\"channel_id\":\"\u0006\",\"author\":");
        Author();
        _text.Append(",\"attachments\":[");
        if (variant % 16 == 6 && targetBytes >= 1000)
        {
            _text.Append("{\"width\":1920,\"url\":\"https://cdn.discordapp.com/attachments/").Append(Snowflake())
                .Append("/image.png\",\"size\":").Append(random.Next(100000)).Append(",\"id\":\"").Append(Snowflake())
                .Append("\",\"height\":1080,\"filename\":\"image.png\",\"content_type\":\"image/png\"}");
        }
        _text.Append("],\"guild_id\":\"\u0005\"}}");
        int missing = targetBytes - Encoding.UTF8.GetByteCount(_text.ToString());
        _text.Insert(contentAt, Text(Math.Max(missing, 8)));
        return _text.ToString();
    }

    private void Author()
    {
        string name = Words[random.Next(50)] + random.Next(10000);
        _text.Append("{\"username\":\"").Append(name).Append("\",\"public_flags\":0,\"primary_guild\":null,\"id\":\"").Append(Snowflake())
            .Append("\",\"global_name\":\"").Append(name).Append("\",\"discriminator\":\"0\",\"collectibles\":null,\"clan\":null,")
            .Append("\"avatar_decoration_data\":null,\"avatar\":\"").Append(random.NextInt64().ToString("x16")).Append(random.NextInt64().ToString("x16"))
            .Append("\"}");
    }

    private string Snowflake() => random.NextInt64(200_000_000_000_000_000, 1_200_000_000_000_000_000).ToString();

    // Words until the UTF-8 length is reached, never cutting one.
    private string Text(int bytes)
    {
        StringBuilder text = new();
        int length = 0;
        while (length < bytes)
        {
            string word = Words[random.Next(Words.Length)];
            text.Append(word).Append(' ');
            length += Encoding.UTF8.GetByteCount(word) + 1;
        }
        return text.ToString().TrimEnd();
    }
}
