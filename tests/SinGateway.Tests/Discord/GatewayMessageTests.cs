using System.Text;
using System.Text.Json;
using SinGateway.Discord;

namespace SinGateway.Tests.Discord;

public sealed class GatewayMessageTests
{
    /// <summary>As Discord sent it: <see cref="ZlibInflaterTests.CapturedHello"/>.</summary>
    private const string Hello =
        """{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":41250,"_trace":["[\"gateway-prd-main-858d\",{\"micros\":0.0}]"]}}""";

    [Test]
    public async Task A_captured_HELLO_is_read()
    {
        await Assert.That(Read(Hello)).IsEqualTo("10 -1 []");
        await Assert.That(HeartbeatInterval(Hello)).IsEqualTo(41_250);
    }

    [Test]
    [Arguments("""{"t":"READY","s":1,"op":0,"d":{}}""", "0 1 [READY]")]
    [Arguments("""{"op":7}""", "7 -1 []")]
    [Arguments("""{"op":7,"d":null}""", "7 -1 []")]
    [Arguments("""{"op":0,"s":0,"t":"X","d":1}""", "0 0 [X]")]
    [Arguments("""{"d":{"op":9,"s":5,"t":"NO"},"t":"YES","op":0,"s":3}""", "0 3 [YES]")]
    [Arguments("""{"d":[[{"a":"}]\"{["}],"\\"],"s":12,"op":0,"t":"X"}""", "0 12 [X]")]
    [Arguments("""{"d":"\\\\\"}","s":12,"op":0,"t":"X"}""", "0 12 [X]")]
    [Arguments(" {\n \"op\" :\t0 , \"s\": 9 ,\r\n\"t\" : \"A_B\" , \"d\" : { } } ", "0 9 [A_B]")]
    [Arguments("""{"op":0,"s":9223372036854775807,"t":"X"}""", "0 9223372036854775807 [X]")]
    [Arguments("""{"op":0,"s":null,"t":null,"d":null}""", "0 -1 []")]
    [Arguments("""{"op":0,"s":"7","t":5}""", "0 -1 []")]
    [Arguments("""{"opp":3,"o":4,"":5,"op":1}""", "1 -1 []")]
    [Arguments("""{"t":"","op":0,"s":1}""", "0 1 []")]
    [Arguments("{}", "-1 -1 []")]
    [Arguments("""{"t":"A\"B","s":1,"op":0,"d":{}}""", "0 1 [A\\\"B]")]
    [Arguments("""{"t":"X","s":999999999999999999,"op":0,"d":{}}""", "0 999999999999999999 [X]")]
    [Arguments("""{"t":"X","s":1000000000000000000,"op":0,"d":{}}""", "0 1000000000000000000 [X]")]
    [Arguments("""{"t":"X","s":99999999999999999999,"op":0,"d":{}}""", "0 -1 [X]")]
    [Arguments("""{"t":"X","s":-1,"op":0,"d":{}}""", "0 -1 [X]")]
    [Arguments("""{"t":"X","s":,"op":0,"d":{}}""", "refused")]
    [Arguments("""{"t":"X","s":1,"op":0,"dd":{}}""", "0 1 [X]")]
    [Arguments("""{"t":"X","s":1,"op":0,"d":""", "0 1 [X]")]
    [Arguments("""{"t":"X","s":1,"op":0,"d": 5}""", "0 1 [X]")]
    public async Task Keys_are_read_in_any_order_or_missing(string message, string expected) => await Assert.That(Read(message)).IsEqualTo(expected);

    [Test]
    [Arguments("")]
    [Arguments("null")]
    [Arguments("[]")]
    [Arguments("{")]
    [Arguments("{\"op\"}")]
    [Arguments("{\"op\":}")]
    [Arguments("{\"op\":1")]
    [Arguments("{\"op\":1,}")]
    [Arguments("{\"op\":1 \"s\":2}")]
    [Arguments("{\"op\":\"x\"}")]
    [Arguments("{\"op\":1.5}")]
    [Arguments("{\"d\":[1,2")]
    [Arguments("{\"d\":\"never ends")]
    [Arguments("{\"d\":\"ends in an escape\\")]
    public async Task What_is_no_envelope_is_refused(string message) => await Assert.That(Read(message)).IsEqualTo("refused");

    [Test]
    public async Task Reading_stops_at_d_when_everything_else_is_known() =>
        await Assert.That(Read("""{"t":"X","s":1,"op":0,"d":{"this is cut of""")).IsEqualTo("0 1 [X]");

    [Test]
    public async Task Data_begins_at_the_value_of_d()
    {
        GatewayMessage.TryRead("""{"d": {"a":1} ,"op":0}"""u8, out GatewayMessage message);
        string data = Encoding.UTF8.GetString(message.DataAndRest);
        GatewayMessage.TryRead("""{"op":7}"""u8, out message);
        bool isEmpty = message.DataAndRest.IsEmpty;

        await Assert.That(data).StartsWith("""{"a":1}""");
        await Assert.That(isEmpty).IsTrue();
    }

    [Test]
    [Arguments(1)]
    [Arguments(2)]
    [Arguments(3)]
    public async Task Any_envelope_gives_what_System_Text_Json_reads(int seed)
    {
        Random random = new(seed);
        List<string> wrong = [];
        for (int round = 0; round < 3_000; round++)
        {
            string json = Envelope(random);
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement root = document.RootElement;
            long op = root.TryGetProperty("op", out JsonElement value) ? value.GetInt64() : -1;
            long seq = root.TryGetProperty("s", out value) && value.ValueKind == JsonValueKind.Number ? value.GetInt64() : -1;
            string name = root.TryGetProperty("t", out value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
            bool hasData = root.TryGetProperty("d", out value);
            if (Read(json) != $"{op} {seq} [{name}]" || (hasData && !Data(json).StartsWith(value.GetRawText(), StringComparison.Ordinal)))
            {
                wrong.Add(json);
            }
        }

        await Assert.That(wrong).IsEmpty();
    }

    [Test]
    public async Task The_usual_spelling_is_read_as_any_other_one()
    {
        const string Letters = "\"\\{}[]:, 0123456789abdost\n\u00e9";
        const string Usual = """{"t":"MESSAGE_CREATE","s":1734,"op":0,"d":{"id":"1"}}""";
        Random random = new(1);
        List<string> wrong = [];
        for (int round = 0; round < 20_000; round++)
        {
            // A byte altered, added or taken away, mostly in the envelope.
            int at = random.Next(48);
            char other = Letters[random.Next(Letters.Length)];
            string json = random.Next(3) switch { 0 => Usual.Insert(at, $"{other}"), 1 => Usual.Remove(at, 1), _ => Usual.Remove(at, 1).Insert(at, $"{other}") };
            if (Read(json) != Read($" {json}") || Data(json) != Data($" {json}"))
            {
                wrong.Add(json);
            }
        }

        await Assert.That(wrong).IsEmpty();
    }

    [Test]
    [Arguments(4)]
    [Arguments(5)]
    public async Task Noise_and_cut_messages_never_throw(int seed)
    {
        Random random = new(seed);
        byte[] alphabet = [.. "{}[]\",:\\ \"opstd01nul\n"u8, 0xFF];
        int read = 0;
        for (int round = 0; round < 30_000; round++)
        {
            byte[] input;
            if (round % 3 == 0)
            {
                input = new byte[random.Next(60)];
                for (int i = 0; i < input.Length; i++)
                {
                    input[i] = alphabet[random.Next(alphabet.Length)];
                }
            }
            else
            {
                input = Encoding.UTF8.GetBytes(Envelope(random));
                input = input[..random.Next(input.Length + 1)];
                if (input.Length > 0 && round % 3 == 1)
                {
                    input[random.Next(input.Length)] = (byte)random.Next(256);
                }
            }

            if (GatewayMessage.TryRead(input, out GatewayMessage message))
            {
                read++;
                _ = GatewayPayloads.ReadReady(message);
                _ = GatewayPayloads.ReadHeartbeatInterval(message);
                _ = GatewayPayloads.ReadResumable(message);
            }
        }

        await Assert.That(read).IsBetween(100, 29_900);
    }

    [Test]
    [Arguments("""{"op":9,"d":true}""", true)]
    [Arguments("""{"op":9,"d":false}""", false)]
    [Arguments("""{"d": true ,"op":9}""", true)]
    [Arguments("""{"op":9,"d":null}""", false)]
    [Arguments("""{"op":9}""", false)]
    public async Task Whether_a_session_may_be_resumed_is_read(string json, bool resumable)
    {
        GatewayMessage.TryRead(Encoding.UTF8.GetBytes(json), out GatewayMessage message);
        bool read = GatewayPayloads.ReadResumable(message);

        await Assert.That(read).IsEqualTo(resumable);
    }

    [Test]
    [Arguments("""{"op":10,"d":{"heartbeat_interval":45000}}""", 45_000)]
    [Arguments("""{"d":{"_trace":[],"heartbeat_interval":1},"op":10}""", 1)]
    [Arguments("""{"op":10,"d":{"heartbeat_interval":0}}""", null)]
    [Arguments("""{"op":10,"d":{"heartbeat_interval":-5}}""", null)]
    [Arguments("""{"op":10,"d":{"heartbeat_interval":"x"}}""", null)]
    [Arguments("""{"op":10,"d":{}}""", null)]
    [Arguments("""{"op":10,"d":3}""", null)]
    [Arguments("""{"op":10,"d":null}""", null)]
    [Arguments("""{"op":10}""", null)]
    public async Task The_heartbeat_interval_is_read_or_missing(string json, int? interval) =>
        await Assert.That(HeartbeatInterval(json)).IsEqualTo(interval);

    [Test]
    [Arguments("""{"t":"READY","s":1,"op":0,"d":{"v":10,"session_id":"abc","resume_gateway_url":"wss://x"}}""", "abc wss://x")]
    [Arguments("""{"d":{"user":{"session_id":"no"},"resume_gateway_url":null,"session_id":"a\u0062c","z":[{}]},"t":"READY","s":1,"op":0}""", "abc ")]
    [Arguments("""{"t":"READY","s":1,"op":0,"d":{"v":10}}""", " ")]
    [Arguments("""{"t":"READY","s":1,"op":0,"d":[]}""", "none")]
    [Arguments("""{"t":"READY","s":1,"op":0,"d":{"session_id":"\ud800"}}""", "none")]
    [Arguments("""{"t":"READY","s":1,"op":0,"d":{"session_id":"abc","v":""", "none")]
    [Arguments("""{"t":"READY","s":1,"op":0}""", "none")]
    public async Task READY_is_read(string json, string expected)
    {
        GatewayMessage.TryRead(Encoding.UTF8.GetBytes(json), out GatewayMessage message);
        ReadyPayload? ready = GatewayPayloads.ReadReady(message);

        await Assert.That(ready is null ? "none" : $"{ready.SessionId} {ready.ResumeUrl}").IsEqualTo(expected);
    }

    [Test]
    [Arguments(GatewayMessage.NoSeq, """{"op":1,"d":null}""")]
    [Arguments(0, """{"op":1,"d":0}""")]
    [Arguments(long.MaxValue, """{"op":1,"d":9223372036854775807}""")]
    public async Task A_heartbeat_carries_the_seq_or_null(long seq, string expected)
    {
        byte[] bytes = new byte[GatewayPayloads.MaximumHeartbeat];
        int length = GatewayPayloads.WriteHeartbeat(bytes, seq);

        await Assert.That(Encoding.UTF8.GetString(bytes, 0, length)).IsEqualTo(expected);
    }

    [Test]
    public async Task IDENTIFY_has_the_values_of_the_original() =>
        await Assert.That(Encoding.UTF8.GetString(GatewayPayloads.Identify("to\"ken", 513, 3, 16, GatewayPayloads.MaximumLargeThreshold, default))).IsEqualTo(
            """{"op":2,"d":{"token":"to\u0022ken","properties":{"os":"linux","browser":"singateway","device":"singateway"},"large_threshold":250,"shard":[3,16],"intents":513}}""");

    [Test]
    [Arguments(0)]
    [Arguments(1234567890123)]
    public async Task RESUME_has_token_session_and_seq(long seq) =>
        await Assert.That(Encoding.UTF8.GetString(GatewayPayloads.Resume("token", "session", seq))).IsEqualTo(
            $$$"""{"op":6,"d":{"token":"token","session_id":"session","seq":{{{seq}}}}}""");

    /// <summary>op, seq and event name, or that it was refused.</summary>
    private static string Read(string json) =>
        GatewayMessage.TryRead(Encoding.UTF8.GetBytes(json), out GatewayMessage message)
            ? $"{message.Op} {message.Seq} [{Encoding.UTF8.GetString(message.EventName)}]"
            : "refused";

    private static string Data(string json)
    {
        GatewayMessage.TryRead(Encoding.UTF8.GetBytes(json), out GatewayMessage message);
        return Encoding.UTF8.GetString(message.DataAndRest);
    }

    private static int? HeartbeatInterval(string json)
    {
        GatewayMessage.TryRead(Encoding.UTF8.GetBytes(json), out GatewayMessage message);
        return GatewayPayloads.ReadHeartbeatInterval(message);
    }

    /// <summary>A random envelope: some keys missing, others added, in random order, with random space between.</summary>
    private static string Envelope(Random random)
    {
        List<string> members = [];
        void Sometimes(string member)
        {
            if (random.Next(5) > 0)
            {
                members.Add(member);
            }
        }

        string Space() => random.Next(4) == 0 ? " \n\t\r"[random.Next(4)].ToString() : "";
        Sometimes($"\"op\":{Space()}{random.Next(0, 44)}{Space()}");
        Sometimes($"\"s\"{Space()}:{(random.Next(4) == 0 ? "null" : random.NextInt64().ToString())}{Space()}");
        Sometimes($"\"t\":{Space()}{(random.Next(4) == 0 ? "null" : "\"EVENT_" + random.Next(100) + "\"")}");
        Sometimes($"\"d\":{Space()}{Value(random, 0)}{Space()}");
        Sometimes($"\"_trace\"{Space()}:{Value(random, 2)}");
        return $"{Space()}{{{Space()}{string.Join($",{Space()}", members.OrderBy(_ => random.Next()))}{Space()}}}{Space()}";
    }

    private static string Value(Random random, int depth) => random.Next(depth > 3 ? 4 : 7) switch
    {
        0 => random.NextInt64().ToString(),
        1 => "-1.5e-7",
        2 => new[] { "true", "false", "null" }[random.Next(3)],
        3 => Text(random),
        4 => $"[{string.Join(",", Enumerable.Range(0, random.Next(4)).Select(_ => Value(random, depth + 1)))}]",
        _ => $"{{{string.Join(" , ", new[] { "op", "s", "t", "d", "}", "x" }.Take(random.Next(5)).Select(key => $"\"{key}\":{Value(random, depth + 1)}"))}}}",
    };

    private static string Text(Random random) => $"\"{string.Concat(Enumerable.Range(0, random.Next(6)).Select(_ =>
        new[] { "\\\"", "\\\\", "{", "}", "[", "]", ",", ":", "\\u005c", "a", "신", "\\n" }[random.Next(12)]))}\"";
}
