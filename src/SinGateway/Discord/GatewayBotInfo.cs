using System.Text.Json;
using System.Text.Json.Serialization;

namespace SinGateway.Discord;

/// <summary>The answer of GET /gateway/bot. Only the URL may be kept for long; the rest changes from call to call.</summary>
/// <param name="Url">Base of the gateway's address, with or without a slash at its end.</param>
/// <param name="Shards">What Discord recommends.</param>
/// <param name="SessionStartLimit">The bot's IDENTIFY budget.</param>
internal sealed record GatewayBotInfo(string Url, int Shards, SessionStartLimit SessionStartLimit)
{
    /// <summary>Reads the body of a 200. Null when it is not one, or has impossible values.</summary>
    /// <remarks>https://discord.com/developers/docs/events/gateway#get-gateway-bot</remarks>
    public static GatewayBotInfo? Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            GatewayBotInfo? info = JsonSerializer.Deserialize(json, GatewayRestJson.Default.GatewayBotInfo);
            return info is { Shards: > 0, SessionStartLimit: { Total: > 0, Remaining: >= 0, ResetAfterMs: >= 0 and <= int.MaxValue, MaxConcurrency: > 0 } }
                && Uri.TryCreate(info.Url, UriKind.Absolute, out Uri? url)
                && (url.Scheme is "wss" or "ws")
                ? info
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>IDENTIFYs allowed.</summary>
/// <param name="Total">In 24 hours.</param>
/// <param name="Remaining">Of them, left.</param>
/// <param name="ResetAfterMs">Milliseconds until all are back.</param>
/// <param name="MaxConcurrency">Number of identify buckets.</param>
internal sealed record SessionStartLimit(
    int Total,
    int Remaining,
    [property: JsonPropertyName("reset_after")] long ResetAfterMs,
    int MaxConcurrency);

/// <summary>The part of a 429's body that counts; <c>retry_after</c> is in seconds.</summary>
internal sealed record RateLimitBody(double RetryAfter);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(GatewayBotInfo))]
[JsonSerializable(typeof(RateLimitBody))]
internal sealed partial class GatewayRestJson : JsonSerializerContext;
