using System.Buffers.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace SinGateway.Discord;

/// <summary>The fields of READY that a connection service needs: https://docs.discord.com/developers/events/gateway-events#ready</summary>
internal sealed record ReadyPayload(
    [property: JsonPropertyName("session_id")] string? SessionId,
    [property: JsonPropertyName("resume_gateway_url")] string? ResumeUrl);

internal sealed record HelloPayload([property: JsonPropertyName("heartbeat_interval")] int HeartbeatInterval);

/// <summary>A refused command: https://docs.discord.com/developers/events/gateway-events#rate-limited</summary>
/// <param name="Opcode">Of the command.</param>
/// <param name="RetryAfter">Seconds.</param>
/// <param name="Meta">Whose command it was; null when it does not say.</param>
internal sealed record RateLimitedPayload(
    [property: JsonPropertyName("opcode")] int Opcode,
    [property: JsonPropertyName("retry_after")] double RetryAfter,
    [property: JsonPropertyName("meta")] RateLimitedMeta? Meta);

internal sealed record RateLimitedMeta(
    [property: JsonPropertyName("guild_id"), JsonNumberHandling(JsonNumberHandling.AllowReadingFromString)] ulong? GuildId);

[JsonSerializable(typeof(ReadyPayload))]
[JsonSerializable(typeof(HelloPayload))]
[JsonSerializable(typeof(RateLimitedPayload))]
internal sealed partial class GatewayJson : JsonSerializerContext;

/// <summary>
/// The few messages of the gateway that are read or written here, all small; pure functions over spans. Of what is written, only a presence can
/// come near <see cref="GatewayCommand.MaximumSize"/>, and the configuration is checked for it.
/// </summary>
internal static class GatewayPayloads
{
    /// <summary>Room for a heartbeat, in bytes.</summary>
    public const int MaximumHeartbeat = 48;

    /// <summary>
    /// Limits of <c>large_threshold</c>, the members above which GUILD_CREATE leaves out who is offline
    /// (https://docs.discord.com/developers/events/gateway-events#identify).
    /// </summary>
    public const int MinimumLargeThreshold = 50;
    public const int MaximumLargeThreshold = 250;

    /// <summary>What a session shows whose IDENTIFY had no presence.</summary>
    public static ReadOnlySpan<byte> PlainPresence => """{"since":null,"activities":[],"status":"online","afk":false}"""u8;

    private const string Library = "singateway";

    /// <summary>Reads <c>d</c> of READY; null when it is not JSON.</summary>
    public static ReadyPayload? ReadReady(in GatewayMessage message) => Read(message, GatewayJson.Default.ReadyPayload);

    /// <summary>Reads <c>d.heartbeat_interval</c> of HELLO, in milliseconds; null when it is missing or not above 0.</summary>
    public static int? ReadHeartbeatInterval(in GatewayMessage message) =>
        Read(message, GatewayJson.Default.HelloPayload) is { HeartbeatInterval: > 0 } hello ? hello.HeartbeatInterval : null;

    /// <summary>Reads <c>d</c> of RATE_LIMITED; null when it is not what the documentation says.</summary>
    public static RateLimitedPayload? ReadRateLimited(in GatewayMessage message) => Read(message, GatewayJson.Default.RateLimitedPayload);

    /// <summary>Reads <c>d</c> of INVALID_SESSION: may the session be resumed?</summary>
    public static bool ReadResumable(in GatewayMessage message) => message.DataAndRest.StartsWith("true"u8);

    /// <summary><c>{"op":1,"d":seq}</c>, or null without one.</summary>
    public static int WriteHeartbeat(Span<byte> destination, long seq)
    {
        ReadOnlySpan<byte> start = "{\"op\":1,\"d\":"u8;
        start.CopyTo(destination);
        int length = start.Length;
        if (seq == GatewayMessage.NoSeq)
        {
            "null"u8.CopyTo(destination[length..]);
            length += 4;
        }
        else
        {
            Utf8Formatter.TryFormat(seq, destination[length..], out int digits);
            length += digits;
        }

        destination[length] = (byte)'}';
        return length + 1;
    }

    /// <summary><c>{"op":2,"d":{token, properties, large_threshold, shard, presence?, intents}}</c></summary>
    /// <param name="presence">Its JSON, sent as it is; empty for none.</param>
    public static byte[] Identify(string token, long intents, int shardId, int shardCount, int largeThreshold, ReadOnlyMemory<byte> presence) => WriteJson(json =>
    {
        json.WriteStartObject();
        json.WriteNumber("op", (int)GatewayOpcode.Identify);
        json.WriteStartObject("d");
        json.WriteString("token", token);
        json.WriteStartObject("properties");
        json.WriteString("os", "linux");
        json.WriteString("browser", Library);
        json.WriteString("device", Library);
        json.WriteEndObject();
        json.WriteNumber("large_threshold", largeThreshold);
        json.WriteStartArray("shard");
        json.WriteNumberValue(shardId);
        json.WriteNumberValue(shardCount);
        json.WriteEndArray();
        if (!presence.IsEmpty)
        {
            json.WritePropertyName("presence");
            json.WriteRawValue(presence.Span, skipInputValidation: true);
        }

        json.WriteNumber("intents", intents);
        json.WriteEndObject();
        json.WriteEndObject();
    });

    /// <summary><c>{"op":6,"d":{token, session_id, seq}}</c></summary>
    public static byte[] Resume(string token, string sessionId, long seq) => WriteJson(json =>
    {
        json.WriteStartObject();
        json.WriteNumber("op", (int)GatewayOpcode.Resume);
        json.WriteStartObject("d");
        json.WriteString("token", token);
        json.WriteString("session_id", sessionId);
        json.WriteNumber("seq", Math.Max(seq, 0));
        json.WriteEndObject();
        json.WriteEndObject();
    });

    private static byte[] WriteJson(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            write(json);
        }

        return stream.ToArray();
    }

    private static T? Read<T>(in GatewayMessage message, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        var reader = new Utf8JsonReader(message.DataAndRest, isFinalBlock: false, default);
        try
        {
            // The reader stops behind the first value, and what follows d in the envelope is not its business.
            return reader.Read() ? JsonSerializer.Deserialize(ref reader, type) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
