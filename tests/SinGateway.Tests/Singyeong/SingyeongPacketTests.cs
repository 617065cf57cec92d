using System.Text;
using SinGateway.Singyeong;

namespace SinGateway.Tests.Singyeong;

/// <summary>The frames are those of the real server.</summary>
public sealed class SingyeongPacketTests
{
    private const string NoRoute =
        """{"d":{"error":"no_route","extra_info":{"d":{"nonce":"3:ba7816bf:42:0","payload":{"nonce":"another","d":{"nonce":"x"}},"target":{"application":"nobody","droppable":false,"key":null,"ops":[],"optional":false,"restricted":false,"selector":null}},"op":4,"t":"SEND","ts":null}},"op":3,"t":null,"ts":1795410003043}""";

    [Test]
    [Arguments("""{"d":{"heartbeat_interval":45000},"op":0,"t":null,"ts":1795410003043}""", "Hello 45000")]
    [Arguments("""{"d":{"client_id":"worker-1","restricted":false},"op":2,"t":null,"ts":1}""", "Ready False")]
    [Arguments("""{"d":{"client_id":"worker-1","restricted":true},"op":2,"t":null,"ts":1}""", "Ready True")]
    [Arguments("""{"d":{"client_id":"worker-1"},"op":6,"t":null,"ts":1}""", "HeartbeatAck")]
    [Arguments("""{"d":{"nonce":"n1","payload":{"op":8},"target":null},"op":4,"t":"SEND","ts":1}""", "Dispatch")]
    [Arguments(NoRoute, "Invalid no_route 3:ba7816bf:42:0")]
    [Arguments("""{"d":{"error":"invalid dispatch type SEND (are you restricted?)","extra_info":null},"op":3,"t":null,"ts":1}""", "Invalid invalid dispatch type SEND (are you restricted?) ")]
    [Arguments("""{"d":{"error":"ID: already registered for app APP","extra_info":null},"op":8,"t":null,"ts":1}""", "Error ID: already registered for app APP")]
    [Arguments("""{"d":{},"op":7,"t":null,"ts":1}""", "Goodbye")]
    [Arguments("""{"op":7}""", "Goodbye")]
    [Arguments(""" { "t" : "x", "ts" : 1 , "op" : 0 , "d" : { "x" : [{"heartbeat_interval":1}] , "heartbeat_interval" : 7 } } """, "Hello 7")]
    [Arguments("""{"op":0,"d":{"heartbeat_interval":"soon"}}""", "Hello ")]
    [Arguments("""{"op":0,"d":null}""", "Hello ")]
    [Arguments("""{"op":2,"d":{"restricted":"true"}}""", "Ready False")]
    [Arguments("""{"op":8,"d":{"error":5}}""", "Error ")]
    [Arguments("""{"op":3,"d":{"error":"no_route","extra_info":{"d":{"nonce":7}}}}""", "Invalid no_route ")]
    [Arguments("""{"op":3,"d":{"error":"no_route","extra_info":[1]}}""", "Invalid no_route ")]
    [Arguments("""{"op":8,"d":{"error":"\ud800"}}""", "Error ")]
    [Arguments("""{"op":99}""", "99")]
    public async Task A_packet_is_read(string json, string expected) => await Assert.That(Read(Encoding.UTF8.GetBytes(json))).IsEqualTo(expected);

    [Test]
    [Arguments("")]
    [Arguments("[]")]
    [Arguments("7")]
    [Arguments("{}")]
    [Arguments("""{"d":{}}""")]
    [Arguments("""{"op":"7"}""")]
    [Arguments("""{"op":-1}""")]
    [Arguments("""{"op":1.5}""")]
    [Arguments("""{"op":7""")]
    [Arguments("""{"op":7,"d":{""")]
    public async Task What_is_no_packet_is_refused(string json) => await Assert.That(Read(Encoding.UTF8.GetBytes(json))).IsEqualTo("refused");

    [Test]
    [Arguments(1)]
    [Arguments(2)]
    public async Task Noise_never_throws(int seed)
    {
        Random random = new(seed);
        byte[] alphabet = [.. "{}[]\",:\\ue15d"u8, 0xFF, 0xC3, 0x28];
        int refused = 0;
        for (int round = 0; round < 30_000; round++)
        {
            byte[] input = Encoding.UTF8.GetBytes(random.Next(2) == 0 ? NoRoute : """{"d":{"error":"a\u00e9\ud83d\ude00","restricted":true,"heartbeat_interval":1},"op":OP}""".Replace("OP", random.Next(10).ToString()));
            for (int i = random.Next(1, 4); i > 0; i--)
            {
                input[random.Next(input.Length)] = alphabet[random.Next(alphabet.Length)];
            }

            refused += Read(input[..(random.Next(4) == 0 ? random.Next(input.Length) : input.Length)]) == "refused" ? 1 : 0;
        }

        await Assert.That(refused).IsBetween(1_000, 29_000);
    }

    [Test]
    public async Task A_no_route_is_read_however_deep_the_event_lies_that_it_gives_back()
    {
        string deep = new string('[', 2_000) + new string(']', 2_000);
        string json = """{"d":{"error":"no_route","extra_info":{"d":{"payload":DEEP,"nonce":"3:ba7816bf:42:0"}}},"op":3,"t":"SEND","ts":1}"""
            .Replace("DEEP", deep, StringComparison.Ordinal);

        await Assert.That(Read(Encoding.UTF8.GetBytes(json))).IsEqualTo("Invalid no_route 3:ba7816bf:42:0");
    }

    [Test]
    [Arguments("""{"op":3,"d":{"\ud800":1,"error":"no_route","extra_info":{"\udc00x":1,"d":{"\ud8000":2,"nonce":"3:ba7816bf:42:0"}}}}""", "Invalid no_route 3:ba7816bf:42:0")]
    [Arguments("""{"op":0,"d":{"\ud800\ud800\ud800":1,"heartbeat_interval":5}}""", "Hello 5")]
    public async Task A_key_that_is_no_text_is_none_that_is_looked_for(string json, string expected) =>
        await Assert.That(Read(Encoding.UTF8.GetBytes(json))).IsEqualTo(expected);

    [Test]
    public async Task An_ack_is_read_without_allocation()
    {
        byte[] ack = """{"d":{"client_id":"worker-1"},"op":6,"t":null,"ts":1795410003043}"""u8.ToArray();
        long allocated = 0;
        for (int turn = 0; turn < 100; turn++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            SingyeongPacket.TryRead(ack, out _);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        await Assert.That(allocated).IsEqualTo(0);
    }

    [Test]
    public async Task The_packets_of_a_client_are_those_of_the_protocol()
    {
        await Assert.That(Encoding.UTF8.GetString(SingyeongMessages.Heartbeat("gateway-0"))).IsEqualTo("""{"op":5,"d":{"client_id":"gateway-0"}}""");
        await Assert.That(Encoding.UTF8.GetString(SingyeongMessages.Identify("gateway-0", "app", "secret", 1, new[] { 4, 5 }, 8))).IsEqualTo(
            """{"op":1,"d":{"client_id":"gateway-0","application_id":"app","auth":"secret","receive_client_updates":true,"metadata":{"cluster":{"type":"integer","value":1},"shard_count":{"type":"integer","value":8},"shards":{"type":"list","value":[4,5]}}}}""");
        await Assert.That(Encoding.UTF8.GetString(SingyeongMessages.Identify("gateway-0", "app", null, 0, new[] { 0 }, 1))).DoesNotContain("auth");
    }

    [Test]
    public async Task Identify_names_the_namespace_and_the_metadata_of_the_configuration()
    {
        MetadataEntry[] metadata = [new("role", "string", "\"gate\""), new("load", "float", "1.0")];

        await Assert.That(Encoding.UTF8.GetString(SingyeongMessages.Identify("g", "app", null, 0, new[] { 0 }, 1, "bots", metadata))).IsEqualTo(
            """{"op":1,"d":{"client_id":"g","application_id":"app","receive_client_updates":true,"namespace":"bots","metadata":{"cluster":{"type":"integer","value":0},"shard_count":{"type":"integer","value":1},"shards":{"type":"list","value":[0]},"role":{"type":"string","value":"gate"},"load":{"type":"float","value":1.0}}}}""");
    }

    /// <summary>Everything that the client would look at in the packet.</summary>
    private static string Read(byte[] message)
    {
        if (!SingyeongPacket.TryRead(message, out SingyeongPacket packet))
        {
            return "refused";
        }

        return packet.Op switch
        {
            SingyeongOpcode.Hello => $"Hello {packet.Integer("heartbeat_interval"u8)}",
            SingyeongOpcode.Ready => $"Ready {packet.Flag("restricted"u8)}",
            SingyeongOpcode.Invalid => $"Invalid {packet.Text("error"u8)} {packet.UnroutedNonce()}",
            SingyeongOpcode.Error => $"Error {packet.Text("error"u8)}",
            _ => packet.Op.ToString(),
        };
    }
}
