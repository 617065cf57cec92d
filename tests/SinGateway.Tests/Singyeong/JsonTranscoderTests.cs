using System.Text;
using SinGateway.Singyeong;

namespace SinGateway.Tests.Singyeong;

/// <summary>JSON in the other encodings of 신경, byte for byte, as their specifications have it.</summary>
public sealed class JsonTranscoderTests
{
    [Test]
    [Arguments("null", "C0", "8377036E696C")]
    [Arguments("true", "C3", "83770474727565")]
    [Arguments(" false\n", "C2", "83770566616C7365")]
    [Arguments("0", "00", "836100")]
    [Arguments("-0", "00", "836100")]
    [Arguments("127", "7F", "83617F")]
    [Arguments("128", "CC80", "836180")]
    [Arguments("256", "CD0100", "836200000100")]
    [Arguments("65536", "CE00010000", "836200010000")]
    [Arguments("2147483648", "CE80000000", "836E040000000080")]
    [Arguments("4294967296", "CF0000000100000000", "836E05000000000001")]
    [Arguments("18446744073709551615", "CFFFFFFFFFFFFFFFFF", "836E0800FFFFFFFFFFFFFFFF")]
    [Arguments("-1", "FF", "8362FFFFFFFF")]
    [Arguments("-33", "D0DF", "8362FFFFFFDF")]
    [Arguments("-129", "D1FF7F", "8362FFFFFF7F")]
    [Arguments("-32769", "D2FFFF7FFF", "8362FFFF7FFF")]
    [Arguments("-2147483648", "D280000000", "836280000000")]
    [Arguments("-2147483649", "D3FFFFFFFF7FFFFFFF", "836E040101000080")]
    [Arguments("-9223372036854775808", "D38000000000000000", "836E08010000000000000080")]
    [Arguments("1.5", "CB3FF8000000000000", "83463FF8000000000000")]
    [Arguments("-0.0", "CB8000000000000000", "83468000000000000000")]
    [Arguments("1e2", "CB4059000000000000", "83464059000000000000")]
    [Arguments("\"\"", "A0", "836D00000000")]
    [Arguments("\"é\\n\"", "A3C3A90A", "836D00000003C3A90A")]
    [Arguments("[]", "90", "836A")]
    [Arguments("[1,[2]]", "92019102", "836C0000000261016C0000000161026A6A")]
    [Arguments("{}", "80", "837400000000")]
    [Arguments("{\"a\":{\"b\":[]}}", "81A16181A16290", "8374000000016D000000016174000000016D00000001626A")]
    public async Task A_value_is_written_as_specified(string json, string msgpack, string etf)
    {
        await Assert.That(Convert.ToHexString(Transcoding.Encode(SingyeongEncoding.Msgpack, json))).IsEqualTo(msgpack);
        await Assert.That(Convert.ToHexString(Transcoding.Encode(SingyeongEncoding.Etf, json))).IsEqualTo(etf);
    }

    [Test]
    [Arguments("18446744073709551616", "18446744073709552000.0", "18446744073709551616")]
    [Arguments("-9223372036854775809", "-9223372036854776000.0", "-9223372036854775809")]
    [Arguments("-18446744073709551616", "-18446744073709552000.0", "-18446744073709551616")]
    [Arguments("123456789012345678901234567890", "1.2345678901234568E+29", "123456789012345678901234567890")]
    [Arguments("1e400", "1.7976931348623157E+308", "1.7976931348623157E+308")]
    [Arguments("-1e400", "-1.7976931348623157E+308", "-1.7976931348623157E+308")]
    public async Task A_number_that_does_not_fit_is_the_nearest_that_does(string json, string msgpack, string etf)
    {
        await Assert.That(double.Parse(Transcoding.Decode(SingyeongEncoding.Msgpack, Transcoding.Encode(SingyeongEncoding.Msgpack, json))!))
            .IsEqualTo(double.Parse(msgpack));
        await Assert.That(Transcoding.Decode(SingyeongEncoding.Etf, Transcoding.Encode(SingyeongEncoding.Etf, json))).IsEqualTo(etf);
    }

    [Test]
    public async Task Etf_has_exact_integers_up_to_2040_bits_and_then_the_largest_float()
    {
        string largest = ((System.Numerics.BigInteger.One << 2040) - 1).ToString();
        string beyond = (System.Numerics.BigInteger.One << 2040).ToString();

        await Assert.That(Transcoding.Decode(SingyeongEncoding.Etf, Transcoding.Encode(SingyeongEncoding.Etf, "-" + largest))).IsEqualTo("-" + largest);
        await Assert.That(Transcoding.Decode(SingyeongEncoding.Etf, Transcoding.Encode(SingyeongEncoding.Etf, beyond))).IsEqualTo("1.7976931348623157E+308");
        await Assert.That(Transcoding.Decode(SingyeongEncoding.Etf, Transcoding.Encode(SingyeongEncoding.Etf, new string('9', 100_000)))).IsEqualTo("1.7976931348623157E+308");
        await Assert.That(Transcoding.Decode(SingyeongEncoding.Msgpack, Transcoding.Encode(SingyeongEncoding.Msgpack, new string('9', 100_000)))).IsEqualTo("1.7976931348623157E+308");
    }

    [Test]
    [Arguments("""{"a":1,"b":2,"a":3}""", """{"a":1,"b":2}""")]
    [Arguments("""{"a":1,"\u0061":{"a":[1,{"a":2}]},"c":{"a":1,"a":{}}}""", """{"a":1,"c":{"a":1}}""")]
    [Arguments("""[{"a":1,"a":[]},{"a":[2],"a":3}]""", """[{"a":1},{"a":[2]}]""")]
    public async Task Of_equal_keys_the_first_counts(string json, string expected)
    {
        await Assert.That(Transcoding.Decode(SingyeongEncoding.Msgpack, Transcoding.Encode(SingyeongEncoding.Msgpack, json))).IsEqualTo(expected);
        await Assert.That(Transcoding.Decode(SingyeongEncoding.Etf, Transcoding.Encode(SingyeongEncoding.Etf, json))).IsEqualTo(expected);
    }

    [Test]
    public async Task Objects_with_very_many_keys_lose_none()
    {
        string members = string.Join(',', Enumerable.Range(0, 70_000).Select(i => $"\"{i}\":{i}"));
        string json = $"{{{members},\"69999\":1,\"x\":{{{members}}},\"0\":2}}";
        string expected = $"{{{members},\"x\":{{{members}}}}}";

        await Assert.That(Transcoding.Decode(SingyeongEncoding.Msgpack, Transcoding.Encode(SingyeongEncoding.Msgpack, json)) == expected).IsTrue();
        await Assert.That(Transcoding.Decode(SingyeongEncoding.Etf, Transcoding.Encode(SingyeongEncoding.Etf, json)) == expected).IsTrue();
    }

    [Test]
    [Arguments("\\ud800", "\uFFFD")]
    [Arguments("\\udc00\\ud800", "\uFFFD\uFFFD")]
    [Arguments("\\ud83d\\ude00\\ud83d", "😀\uFFFD")]
    [Arguments("\\ud800\\u0041", "\uFFFDA")]
    public async Task Half_a_surrogate_pair_is_replaced(string text, string expected)
    {
        await Assert.That(Transcoding.Decode(SingyeongEncoding.Msgpack, Transcoding.Encode(SingyeongEncoding.Msgpack, $"\"{text}\""))).IsEqualTo($"\"{expected}\"");
        await Assert.That(Transcoding.Decode(SingyeongEncoding.Etf, Transcoding.Encode(SingyeongEncoding.Etf, $"\"{text}\""))).IsEqualTo($"\"{expected}\"");
    }

    [Test]
    [Arguments(SingyeongEncoding.Msgpack)]
    [Arguments(SingyeongEncoding.Etf)]
    internal async Task Invalid_bytes_are_replaced_within_the_promised_room(SingyeongEncoding encoding)
    {
        for (int length = 0; length < 300; length++)
        {
            byte[] json = [(byte)'"', .. Enumerable.Repeat((byte)0xFF, length), (byte)'"'];
            Transcoding.Encode(encoding, json, out byte[] packet);
            await Assert.That(Transcoding.Decode(encoding, packet)).IsEqualTo($"\"{new string('\uFFFD', length)}\"");
        }
    }

    [Test]
    [Arguments(SingyeongEncoding.Msgpack)]
    [Arguments(SingyeongEncoding.Etf)]
    internal async Task What_is_opened_and_never_closed_is_refused_within_the_promised_room(SingyeongEncoding encoding)
    {
        for (int depth = 1; depth <= JsonTranscoder.MaximumDepth; depth++)
        {
            byte[] json = [.. Enumerable.Repeat((byte)'[', depth), (byte)'"', .. Enumerable.Repeat((byte)0xFF, 1_000), (byte)'"'];
            await Assert.That(Transcoding.Encode(encoding, json, out _)).IsEqualTo(TranscodeOutcome.Malformed);
        }
    }

    [Test]
    [Arguments("")]
    [Arguments(" ")]
    [Arguments("[")]
    [Arguments("]")]
    [Arguments("{\"a\"")]
    [Arguments("{\"a\":")]
    [Arguments("{\"a\":1")]
    [Arguments("{\"a\":1,}")]
    [Arguments("{1:1}")]
    [Arguments("{\"a\" 1}")]
    [Arguments("[1,]")]
    [Arguments("[1 2]")]
    [Arguments("[1}")]
    [Arguments("[,1]")]
    [Arguments("1 2")]
    [Arguments("01")]
    [Arguments("-")]
    [Arguments("+1")]
    [Arguments("1.")]
    [Arguments(".5")]
    [Arguments("1e")]
    [Arguments("1e+")]
    [Arguments("nul")]
    [Arguments("nulll")]
    [Arguments("\"")]
    [Arguments("\"\\")]
    [Arguments("\"\\\"")]
    [Arguments("\"\\x\"")]
    [Arguments("\"\\u12\"")]
    [Arguments("\"\\u12g4\"")]
    [Arguments("\"\n\"")]
    [Arguments("\"abcdefghijklmnopqrstuvwxyz\u0001\"")]
    public async Task What_is_no_JSON_is_refused(string json)
    {
        await Assert.That(Transcoding.Encode(SingyeongEncoding.Msgpack, Encoding.UTF8.GetBytes(json), out _)).IsEqualTo(TranscodeOutcome.Malformed);
        await Assert.That(Transcoding.Encode(SingyeongEncoding.Etf, Encoding.UTF8.GetBytes(json), out _)).IsEqualTo(TranscodeOutcome.Malformed);
    }

    [Test]
    [Arguments(SingyeongEncoding.Msgpack, "[")]
    [Arguments(SingyeongEncoding.Etf, "[")]
    [Arguments(SingyeongEncoding.Msgpack, "{\"a\":")]
    [Arguments(SingyeongEncoding.Etf, "{\"a\":")]
    internal async Task Values_may_lie_512_deep(SingyeongEncoding encoding, string open)
    {
        string Nested(int depth) => string.Concat(Enumerable.Repeat(open, depth)) + "1" + new string(open == "[" ? ']' : '}', depth);

        await Assert.That(Transcoding.Decode(encoding, Transcoding.Encode(encoding, Nested(512)))).IsEqualTo(Nested(512));
        await Assert.That(Transcoding.Encode(encoding, Encoding.UTF8.GetBytes(Nested(513)), out _)).IsEqualTo(TranscodeOutcome.TooDeep);
        await Assert.That(Transcoding.Encode(encoding, Encoding.UTF8.GetBytes(new string('[', 1_000_000)), out _)).IsEqualTo(TranscodeOutcome.TooDeep);
    }

    [Test]
    [Arguments(SingyeongEncoding.Msgpack)]
    [Arguments(SingyeongEncoding.Etf)]
    internal async Task Whatever_comes_is_written_in_the_promised_room_or_refused(SingyeongEncoding encoding)
    {
        Random random = new(5);
        RandomJson json = new(random);
        byte[] alphabet = [.. "{}[]\",:\\ue15d0-."u8, 0xFF, 0xC3, 0x28, 0x01];
        int refused = 0;
        for (int round = 0; round < 20_000; round++)
        {
            byte[] input = Encoding.UTF8.GetBytes(json.Next());
            for (int i = random.Next(3); i > 0; i--)
            {
                input[random.Next(input.Length)] = alphabet[random.Next(alphabet.Length)];
            }

            // Throws when the room is left; what was written must be readable.
            if (Transcoding.Encode(encoding, input, out byte[] packet) != TranscodeOutcome.Written)
            {
                refused++;
            }
            else if (Transcoding.Decode(encoding, packet) is not { } read || !IsJson(read))
            {
                throw new InvalidOperationException($"{encoding}: {Convert.ToHexString(packet)} of {Encoding.UTF8.GetString(input)}");
            }
        }

        await Assert.That(refused).IsBetween(2_000, 18_000);
    }

    private static bool IsJson(string text)
    {
        using var json = System.Text.Json.JsonDocument.Parse(text, new System.Text.Json.JsonDocumentOptions { MaxDepth = 600 });
        return true;
    }
}
