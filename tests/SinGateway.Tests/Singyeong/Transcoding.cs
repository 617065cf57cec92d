using System.Text;
using SinGateway.Singyeong;

namespace SinGateway.Tests.Singyeong;

/// <summary>Both directions of an encoding, for tests: what leaves the room that was promised fails.</summary>
internal static class Transcoding
{
    /// <summary>A message of Discord, field for field, of about 1.4 KB.</summary>
    public const string Message = """
        {"t":"MESSAGE_CREATE","s":42,"op":0,"d":{"type":0,"nonce":"3:42","content":"#42 hello 신경, größer \"quoted\" line\nbreak \u00e9t\u00e9 🎉 please check the gateway around tonight because the deploy of yesterday does something","tts":false,"timestamp":"2026-11-04T03:22:07.123456+00:00","pinned":false,"mentions":[{"username":"friend7","public_flags":0,"primary_guild":null,"id":"1098622483471925248","global_name":"friend7","discriminator":"0","collectibles":null,"clan":null,"avatar_decoration_data":null,"avatar":"a3f1b2c4d5e6f708192a3b4c5d6e7f80"}],"mention_roles":[],"mention_everyone":false,"member":{"roles":["198622483471925248","298622483471925248"],"premium_since":null,"pending":false,"nick":null,"mute":false,"joined_at":"2023-04-14T18:02:11.123456+00:00","flags":0,"deaf":false,"communication_disabled_until":null,"banner":null,"avatar":null},"id":"1258291200000000042","flags":0,"embeds":[{"type":"rich","title":"update","description":"every worker would restart later","color":11184810,"content_scan_version":0}],"edited_timestamp":null,"components":[],"channel_type":0,"channel_id":"1200000000000000001","author":{"username":"anyone99","public_flags":0,"primary_guild":null,"id":"398622483471925248","global_name":"anyone99","discriminator":"0","collectibles":null,"clan":null,"avatar_decoration_data":null,"avatar":"00112233445566778899aabbccddeeff"},"attachments":[],"guild_id":"1200000000000000000"}}
        """;

    public static byte[] Encode(SingyeongEncoding encoding, string json) =>
        Encode(encoding, Encoding.UTF8.GetBytes(json), out byte[] packet) is TranscodeOutcome.Written
            ? packet
            : throw new InvalidOperationException($"refused: {json}");

    public static TranscodeOutcome Encode(SingyeongEncoding encoding, ReadOnlySpan<byte> json, out byte[] packet) =>
        encoding == SingyeongEncoding.Msgpack ? Encode<MsgpackWriter>(json, out packet) : Encode<EtfWriter>(json, out packet);

    /// <summary>The JSON of a packet, or null when it is refused.</summary>
    public static string? Decode(SingyeongEncoding encoding, ReadOnlySpan<byte> packet)
    {
        using ScratchMemory scratch = new();
        JsonOutput json = new(scratch);
        bool read = encoding == SingyeongEncoding.Msgpack ? MsgpackReader.TryRead(packet, json) : EtfReader.TryRead(packet, json);
        return read ? Encoding.UTF8.GetString(json.Written) : null;
    }

    private static TranscodeOutcome Encode<TWriter>(ReadOnlySpan<byte> json, out byte[] packet)
        where TWriter : IValueWriter
    {
        byte[] room = new byte[JsonTranscoder.MaximumLength(json.Length) + 1];
        int version = TWriter.WriteVersion(room);
        TranscodeOutcome outcome = new JsonTranscoder<TWriter>().Transcode(json, room.AsSpan(version, JsonTranscoder.MaximumLength(json.Length)), out int length);
        packet = room[..(version + length)];
        return outcome;
    }
}
