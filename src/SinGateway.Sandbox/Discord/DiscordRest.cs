using System.Globalization;
using System.Text;
using SinGateway.Sandbox.Net;

namespace SinGateway.Sandbox.Discord;

/// <summary>
/// The two REST calls that a gateway makes (https://docs.discord.com/developers/events/gateway#get-gateway-bot), and the failures that the
/// control API has scripted for them.
/// </summary>
internal static class DiscordRest
{
    public static void Answer(DiscordServer server, HttpExchange exchange)
    {
        Interlocked.Increment(ref server.Statistics.RestRequests);
        if (exchange.Header("User-Agent")?.StartsWith("DiscordBot (", StringComparison.Ordinal) is not true)
        {
            server.Statistics.Violation("REST: the User-Agent is not 'DiscordBot ($url, $version)'");
        }
        if (server.Faults.Rest.Take())
        {
            Fail(server.Faults, exchange);
            return;
        }
        switch (exchange.Path)
        {
            case "/api/v10/gateway":
                exchange.Answer(200, Encoding.UTF8.GetBytes($"{{\"url\":\"{server.GatewayUrl}\"}}"));
                break;
            case "/api/v10/gateway/bot" when !IsAuthorized(server, exchange):
                Interlocked.Increment(ref server.Statistics.RestUnauthorized);
                exchange.Answer(401, "{\"message\":\"401: Unauthorized\",\"code\":0}"u8);
                break;
            case "/api/v10/gateway/bot":
                SandboxOptions options = server.Options;
                exchange.Answer(200, Encoding.UTF8.GetBytes(
                    $"{{\"url\":\"{server.GatewayUrl}\",\"shards\":{options.Shards},\"session_start_limit\":{{\"total\":{options.SessionLimitTotal},"
                    + $"\"remaining\":{server.IdentifyLimits.Remaining},\"reset_after\":{server.IdentifyLimits.ResetAfter},"
                    + $"\"max_concurrency\":{options.MaxConcurrency}}}}}"));
                break;
            default:
                exchange.Answer(404, "{\"message\":\"404: Not Found\",\"code\":0}"u8);
                break;
        }
    }

    private static bool IsAuthorized(DiscordServer server, HttpExchange exchange) =>
        exchange.Header("Authorization") is { } given && given.StartsWith("Bot ", StringComparison.Ordinal) && server.IsToken(given[4..]);

    private static void Fail(DiscordFaults faults, HttpExchange exchange)
    {
        int status = faults.RestStatus;
        string retry = faults.RestRetryAfter.ToString("0.###", CultureInfo.InvariantCulture);
        string headers = status == 429 || faults.RestRetryAfter > 0
            ? $"Retry-After: {(int)Math.Ceiling(faults.RestRetryAfter)}\r\n"
            : "";
        if (status == 429 && !faults.RestHtml)
        {
            headers += $"X-RateLimit-Scope: user\r\nX-RateLimit-Reset-After: {retry}\r\n";
        }
        string body = faults.RestHtml ? "<html><body>error code: 1015</body></html>"
            : status == 429 ? $"{{\"message\":\"You are being rate limited.\",\"retry_after\":{retry},\"global\":false}}"
            : $"{{\"message\":\"{status}\",\"code\":0}}";
        exchange.Answer(status, Encoding.UTF8.GetBytes(body), headers);
    }
}
