using System.Text;
using SinGateway.Singyeong;

namespace SinGateway.Tests.Singyeong;

/// <summary>Packets of a server that speaks msgpack or etf, as the JSON that the client reads.</summary>
public sealed class PacketReaderTests
{
    [Test]
    [Arguments("84A16481B2686561727462656174 5F696E74657276616CCDAFC8A26F7000A174C0A27473CF000001A2058F0573", """{"d":{"heartbeat_interval":45000},"op":0,"t":null,"ts":1795389588851}""")]
    [Arguments("DE0001A16F06", """{"o":6}""")]
    [Arguments("DF00000001C40161DD00000002C200", """{"a":[false,0]}""")]
    [Arguments("8105D080", """{"5":-128}""")]
    [Arguments("93CA3FC00000CB7FF0000000000000CBC000000000000000", "[1.5,null,-2.0]")]
    [Arguments("A3610022", "\"a\\u0000\\\"\"")]
    [Arguments("A2FF61", "\"\uFFFDa\"")]
    [Arguments("DC0002D9016ADA00016B", """["j","k"]""")]
    [Arguments("94D1FF7FD2FFFF7FFFD3FFFFFFFF7FFFFFFFE0", "[-129,-32769,-2147483649,-32]")]
    public async Task Msgpack_is_read(string packet, string expected) => await Assert.That(Read(SingyeongEncoding.Msgpack, packet)).IsEqualTo(expected);

    [Test]
    [Arguments("", "nothing")]
    [Arguments("C1", "a byte that is never used")]
    [Arguments("C7010500", "an extension")]
    [Arguments("8180C0", "a map as a key")]
    [Arguments("81C0C0", "null as a key")]
    [Arguments("C0C0", "two values")]
    [Arguments("DDFFFFFFFF", "a list without its elements")]
    [Arguments("DFFFFFFFFFA161", "a map without its values")]
    [Arguments("DBFFFFFFFF61", "a text without its end")]
    [Arguments("CF00", "a number without its end")]
    public async Task Msgpack_that_is_none_is_refused(string packet, string what) =>
        await Assert.That(Read(SingyeongEncoding.Msgpack, packet)).IsNull().Because(what);

    [Test]
    [Arguments("8374000000047701647400000001771268656172746265 61745F696E74657276616C620000AFC877026F70610077017477036E696C770274736E060073058F05A201", """{"d":{"heartbeat_interval":45000},"op":0,"t":null,"ts":1795389588851}""")]
    [Arguments("8374000000026400 036E696C730474727565640001E97600056661 6C7365", """{"nil":true,"é":false}""")]
    [Arguments("836C00000002770453454E4461016A", """["SEND",1]""")]
    [Arguments("836B00030102FF", "[1,2,255]")]
    [Arguments("83680261016A", "[1,[]]")]
    [Arguments("836900000000", "[]")]
    [Arguments("8363312E3530303030303030303030303030303030303030652B30310000000000", "15.0")]
    [Arguments("83467FF8000000000000", "null")]
    [Arguments("8362FFFFFFFF", "-1")]
    [Arguments("836E0001", "0")]
    [Arguments("836E0901000000000000000001", "-18446744073709551616")]
    [Arguments("837400000001610562FFFFFFFF", """{"5":-1}""")]
    public async Task Etf_is_read(string packet, string expected) => await Assert.That(Read(SingyeongEncoding.Etf, packet)).IsEqualTo(expected);

    [Test]
    [Arguments("", "nothing")]
    [Arguments("83", "no term")]
    [Arguments("6101", "no version")]
    [Arguments("8350000000FF789C", "a compressed term")]
    [Arguments("83675200000000000000000000", "a process")]
    [Arguments("836C0000000161016101", "an improper list")]
    [Arguments("8374000000016A6101", "a list as a key")]
    [Arguments("8361016101", "two terms")]
    [Arguments("836CFFFFFFFF", "a list without its elements")]
    [Arguments("8374FFFFFFFF", "a map without its pairs")]
    [Arguments("836DFFFFFFFF61", "a binary without its end")]
    [Arguments("836F000001000001", "a large big integer")]
    [Arguments("83630000000000000000000000000000000000000000000000000000000000", "a float without digits")]
    public async Task Etf_that_is_none_is_refused(string packet, string what) => await Assert.That(Read(SingyeongEncoding.Etf, packet)).IsNull().Because(what);

    [Test]
    [Arguments(SingyeongEncoding.Msgpack, (byte)0x91)]
    [Arguments(SingyeongEncoding.Etf, (byte)104)]
    internal async Task A_packet_that_is_nested_without_end_is_refused(SingyeongEncoding encoding, byte open)
    {
        byte[] nested = [.. encoding == SingyeongEncoding.Etf ? (byte[])[131] : [], .. Enumerable.Repeat(open, 100_000).SelectMany(tag => tag == 104 ? (byte[])[tag, 1] : [tag])];

        await Assert.That(Transcoding.Decode(encoding, nested)).IsNull();
    }

    [Test]
    [Arguments(SingyeongEncoding.Msgpack, 1)]
    [Arguments(SingyeongEncoding.Etf, 2)]
    internal async Task Noise_never_throws_and_never_grows_without_bound(SingyeongEncoding encoding, int seed)
    {
        Random random = new(seed);
        RandomJson json = new(random);
        int refused = 0;
        for (int round = 0; round < 20_000; round++)
        {
            byte[] packet = Transcoding.Encode(encoding, json.Next());
            for (int i = random.Next(1, 4); i > 0; i--)
            {
                packet[random.Next(packet.Length)] = (byte)random.Next(256);
            }

            packet = packet[..(random.Next(4) == 0 ? random.Next(packet.Length) : packet.Length)];
            string? read = Transcoding.Decode(encoding, packet);
            refused += read is null ? 1 : 0;
            if (read is not null)
            {
                // A byte becomes at most six; what a reader accepts is JSON.
                if (Encoding.UTF8.GetByteCount(read) > 6 * packet.Length + 32)
                {
                    throw new InvalidOperationException($"{packet.Length} bytes became {read.Length}");
                }

                using var parsed = System.Text.Json.JsonDocument.Parse(read, new System.Text.Json.JsonDocumentOptions { MaxDepth = 600 });
            }

            byte[] noise = new byte[random.Next(60)];
            random.NextBytes(noise);
            Transcoding.Decode(encoding, [.. encoding == SingyeongEncoding.Etf ? (byte[])[131] : [], .. noise]);
        }

        await Assert.That(refused).IsBetween(1_000, 19_999);
    }

    private static string? Read(SingyeongEncoding encoding, string packet) => Transcoding.Decode(encoding, Convert.FromHexString(packet.Replace(" ", "")));
}
