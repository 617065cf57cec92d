using System.Globalization;
using System.Text;

namespace SinGateway.Tests.Discord;

/// <summary>Messages in the order of a connection's life, with the shapes and sizes that a decoder could stumble over.</summary>
internal static class MessageCorpus
{
    /// <summary>Sizes about which the scratch buffer is full, grows, or is given back: powers of two from its first size.</summary>
    private static readonly int[] BufferSizes = [64 * 1024, 128 * 1024, 256 * 1024, 1024 * 1024];

    private static readonly string Hello =
        """{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":41250,"_trace":["[\"gateway-prd-main-858d\",{\"micros\":0.0}]"]}}""";

    private static readonly string Ready =
        """{"t":"READY","s":1,"op":0,"d":{"v":10,"user":{"id":"1","username":"신경 🚀 Ünïcödé \u00e9\ud83d\ude80"},"session_id":"abc","guilds":[]}}""";

    private static readonly string Escapes =
        """{"t":"MESSAGE_CREATE","s":3,"op":0,"d":{"content":"\"\\\/\b\f\n\r\t\u0000\u001f\u2028 }]{[ \\\" \ud800"}}""";

    /// <summary>Made anew from the same seed at each call.</summary>
    public static IEnumerable<byte[]> Messages()
    {
        Random random = new(7);
        yield return Encoding.UTF8.GetBytes(Hello);
        yield return Encoding.UTF8.GetBytes(Ready);
        yield return Encoding.UTF8.GetBytes(Guild(random, members: 9_000));
        yield return "{}"u8.ToArray();
        yield return Encoding.UTF8.GetBytes(Escapes);
        for (int seq = 4; seq < 500; seq++)
        {
            yield return Small(random, seq);
        }

        foreach (int size in BufferSizes)
        {
            for (int more = -1; more <= 1; more++)
            {
                yield return OfSize(random, size + more);
            }
        }

        yield return "{}"u8.ToArray();
    }

    /// <summary>An event as most are: about 300 bytes, of which some do not compress.</summary>
    public static byte[] Small(Random random, int seq) => Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"t":"MESSAGE_CREATE","s":{{seq}},"op":0,"d":{"id":"{{random.NextInt64()}}","channel_id":"{{random.NextInt64()}}","content":"{{Convert.ToBase64String(Noise(random, random.Next(1, 200)))}}","tts":false,"mentions":[]} }"""));

    /// <summary>A message of exactly so many bytes, of which about half compress.</summary>
    public static byte[] OfSize(Random random, int size)
    {
        byte[] message = new byte[size];
        message.AsSpan().Fill((byte)' ');
        "{\"op\":0,\"t\":\""u8.CopyTo(message);
        for (int i = 13; i < size - 2; i++)
        {
            message[i] = (byte)(random.Next(2) == 0 ? 'a' : random.Next('0', 'z'));
        }

        "\"}"u8.CopyTo(message.AsSpan(size - 2));
        return message;
    }

    private static string Guild(Random random, int members)
    {
        StringBuilder text = new("""{"t":"GUILD_CREATE","s":2,"op":0,"d":{"id":"1","members":[""");
        for (int i = 0; i < members; i++)
        {
            text.Append(i == 0 ? "" : ",")
                .Append(CultureInfo.InvariantCulture, $$"""{"user":{"id":"{{random.NextInt64()}}","username":"사용자{{i}}","avatar":"{{Convert.ToHexString(Noise(random, 16))}}" },"roles":[],"deaf":false}""");
        }

        return text.Append("]}}").ToString();
    }

    private static byte[] Noise(Random random, int length)
    {
        byte[] noise = new byte[length];
        random.NextBytes(noise);
        return noise;
    }
}
