using System.Net;
using System.Text.Json;

namespace SinGateway.Discord;

/// <summary>What a GET /gateway/bot came to. A message is one line for the operator, without secrets.</summary>
internal abstract record GatewayBotOutcome
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);
    private static readonly TimeSpan ShortestWait = TimeSpan.FromSeconds(1);

    private GatewayBotOutcome()
    {
    }

    /// <summary>Turns an answer into an outcome.</summary>
    /// <param name="status">The HTTP status.</param>
    /// <param name="retryAfter">The <c>Retry-After</c> header, if there was one.</param>
    /// <param name="body">All of the body.</param>
    public static GatewayBotOutcome From(HttpStatusCode status, TimeSpan? retryAfter, ReadOnlySpan<byte> body) => (int)status switch
    {
        200 => GatewayBotInfo.Parse(body) is { } info ? new Success(info) : new Unavailable("Discord's answer to /gateway/bot makes no sense", null),
        401 => new Unauthorized(),
        429 => new RateLimited(WaitOf(retryAfter, body)),
        >= 500 => new Unavailable($"Discord's REST API answers {(int)status}", retryAfter),
        400 => new Refused("Discord answers 400 to /gateway/bot: is discord.apiBaseURL one of an API version that still exists?"),
        403 => new Refused("Discord answers 403 to /gateway/bot: this address may be blocked for a while after too many bad requests, or a proxy refuses"),
        _ => new Refused($"discord.apiBaseURL answers {(int)status} to /gateway/bot: is it the address of Discord's API, without a redirect?"),
    };

    // max(body, header), as the body is the finer one and the header may be a proxy's. Null: neither said anything.
    private static TimeSpan? WaitOf(TimeSpan? header, ReadOnlySpan<byte> body)
    {
        TimeSpan? wait = header;
        try
        {
            if (JsonSerializer.Deserialize(body, GatewayRestJson.Default.RateLimitBody) is { RetryAfter: >= 0 } limit)
            {
                TimeSpan fromBody = TimeSpan.FromSeconds(Math.Min(limit.RetryAfter, LongestWait.TotalSeconds));
                wait = fromBody > wait.GetValueOrDefault() ? fromBody : wait.GetValueOrDefault();
            }
        }
        catch (JsonException)
        {
            // Cloudflare's 429 is an HTML page.
        }

        return wait is { } said ? TimeSpan.FromTicks(Math.Clamp(said.Ticks, ShortestWait.Ticks, LongestWait.Ticks)) : null;
    }

    internal sealed record Success(GatewayBotInfo Info) : GatewayBotOutcome;

    /// <summary>401: the token is wrong, and no further request may be sent with it (exit code 3).</summary>
    internal sealed record Unauthorized : GatewayBotOutcome;

    /// <summary>Trying again would not help: a person has to look.</summary>
    internal sealed record Refused(string Message) : GatewayBotOutcome;

    /// <summary>429. <paramref name="Wait"/> is null when the answer did not say how long.</summary>
    internal sealed record RateLimited(TimeSpan? Wait) : GatewayBotOutcome;

    /// <summary>5xx, no connection, no sense: may pass. <paramref name="Wait"/> is at least how long, when the answer said so.</summary>
    internal sealed record Unavailable(string Message, TimeSpan? Wait) : GatewayBotOutcome;
}
