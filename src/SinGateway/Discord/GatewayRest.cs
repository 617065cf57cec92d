using System.Globalization;
using System.Net;
using System.Reflection;
using Microsoft.Extensions.Logging;

namespace SinGateway.Discord;

/// <summary>
/// Asks Discord's REST API for the gateway: GET /gateway/bot. It never hammers: waits are what Discord says, else grow by full-jitter
/// exponential backoff, since 10,000 bad requests in 10 minutes ban an address.
/// </summary>
/// <remarks>https://discord.com/developers/docs/topics/rate-limits</remarks>
internal sealed partial class GatewayRest : IDisposable
{
    private const string ProjectUrl = "https://github.com/singateway/singateway";
    private const int LargestBody = 64 * 1024;

    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FirstBackoff = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestBackoff = TimeSpan.FromSeconds(60);

    // A 429 that does not say how long is Cloudflare's; its bans last minutes.
    private static readonly TimeSpan UnsaidRateLimit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan LongestUnsaidRateLimit = TimeSpan.FromMinutes(15);

    private readonly HttpClient _http;
    private readonly Uri _address;
    private readonly string _authorization;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly ILogger _logger;

    /// <summary>Why the last certificate was refused; null when it was not.</summary>
    private volatile string? _distrust;

    /// <param name="apiBaseUrl"><c>discord.apiBaseURL</c>, with or without a slash at its end.</param>
    /// <param name="token">With or without the <c>Bot </c> prefix.</param>
    /// <param name="time">Clock of timeouts and waits.</param>
    /// <param name="random">Of the jitter. Used by one call at a time.</param>
    /// <param name="logger">Told why it waits.</param>
    public GatewayRest(string apiBaseUrl, string token, TimeProvider time, Random random, ILogger logger)
    {
        _address = new Uri(apiBaseUrl.TrimEnd('/') + "/gateway/bot");
        _authorization = token.StartsWith("Bot ", StringComparison.Ordinal) ? token : "Bot " + token;
        _time = time;
        _random = random;
        _logger = logger;
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = RequestTimeout,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(10),
            ActivityHeadersPropagator = null,
            SslOptions =
            {
                RemoteCertificateValidationCallback = (_, _, chain, errors) =>
                    (_distrust = CertificateDistrust.Explain(errors, CertificateDistrust.FlagsOf(chain))) is null,
            },
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = LargestBody,
            DefaultRequestVersion = HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
    }

    /// <summary>
    /// Asks until there is an answer that waiting does not change: <see cref="GatewayBotOutcome.Success"/>,
    /// <see cref="GatewayBotOutcome.Unauthorized"/> or <see cref="GatewayBotOutcome.Refused"/>. One call at a time.
    /// </summary>
    public async Task<GatewayBotOutcome> GetGatewayBotAsync(CancellationToken cancellationToken)
    {
        for (int attempt = 0; ; attempt++)
        {
            GatewayBotOutcome outcome = await AskOnceAsync(cancellationToken).ConfigureAwait(false);
            TimeSpan wait;
            switch (outcome)
            {
                case GatewayBotOutcome.RateLimited limited:
                    wait = limited.Wait ?? Grown(UnsaidRateLimit, attempt, LongestUnsaidRateLimit);
                    LogRateLimited(_logger, wait.TotalSeconds);
                    break;
                case GatewayBotOutcome.Unavailable unavailable:
                    wait = _random.NextDouble() * Grown(FirstBackoff, attempt, LongestBackoff);
                    wait = unavailable.Wait > wait ? unavailable.Wait.Value : wait;
                    LogUnavailable(_logger, unavailable.Message, wait.TotalSeconds);
                    break;
                default:
                    return outcome;
            }

            await Task.Delay(wait, _time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Sends one request.</summary>
    public async Task<GatewayBotOutcome> AskOnceAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource timeout = new(RequestTimeout, _time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        using HttpRequestMessage request = new(HttpMethod.Get, _address);
        request.Headers.TryAddWithoutValidation("Authorization", _authorization);
        request.Headers.TryAddWithoutValidation("User-Agent", UserAgent);
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(request, either.Token).ConfigureAwait(false);
            byte[] body = await response.Content.ReadAsByteArrayAsync(either.Token).ConfigureAwait(false);
            return GatewayBotOutcome.From(response.StatusCode, RetryAfterOf(response), body);
        }
        catch (HttpRequestException e)
        {
            return new GatewayBotOutcome.Unavailable($"{_address.Host} cannot be asked for the gateway ({ReasonOf(e)})", null);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new GatewayBotOutcome.Unavailable($"{_address.Host} does not answer", null);
        }
    }

    public void Dispose() => _http.Dispose();

    private static string UserAgent { get; } =
        $"DiscordBot ({ProjectUrl}, {typeof(GatewayRest).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0"})";

    private static TimeSpan Grown(TimeSpan first, int attempt, TimeSpan longest)
    {
        TimeSpan grown = first * Math.Pow(2, Math.Min(attempt, 16));
        return grown < longest ? grown : longest;
    }

    // Seconds, whole in the documentation but not always elsewhere. (A date is not among what Discord sends.)
    private static TimeSpan? RetryAfterOf(HttpResponseMessage response) =>
        response.Headers.TryGetValues("Retry-After", out IEnumerable<string>? values)
        && double.TryParse(values.First(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds)
        && !double.IsNaN(seconds)
            ? TimeSpan.FromSeconds(Math.Min(seconds, 86400))
            : null;

    private string ReasonOf(HttpRequestException e) => e.HttpRequestError switch
    {
        HttpRequestError.NameResolutionError => "its name does not resolve",
        HttpRequestError.ConnectionError => "no connection",
        HttpRequestError.SecureConnectionError => _distrust ?? "the TLS handshake failed",
        HttpRequestError.ConfigurationLimitExceeded => "its answer is too long",
        _ => "the connection broke",
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "Discord limits /gateway/bot; asking again in {Seconds:F1} s")]
    private static partial void LogRateLimited(ILogger logger, double seconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Reason}; asking again in {Seconds:F1} s")]
    private static partial void LogUnavailable(ILogger logger, string reason, double seconds);
}
