using SinGateway.Discord;
using SinGateway.Tests.Fixtures;
using TUnit.Assertions.Enums;

namespace SinGateway.Tests.Discord;

public sealed class GatewayRestTests
{
    private readonly WaitingTimeProvider _time = new();
    private readonly RecordingLogger _logger = new();

    private static string Good => HttpAnswers.Answer(200, GatewayBotOutcomeTests.Answer);

    [Test]
    [Arguments("secret")]
    [Arguments("Bot secret")]
    public async Task The_request_names_the_bot_and_the_program(string token)
    {
        using HttpAnswers server = new(Good);
        using GatewayRest rest = new(server.BaseUrl, token, _time, new HalfRandom(), _logger);
        await Assert.That(await rest.GetGatewayBotAsync(default)).IsTypeOf<GatewayBotOutcome.Success>();
        string request = await server.NextRequestAsync();
        await Assert.That(request).StartsWith("GET /api/v10/gateway/bot HTTP/1.1\r\n")
            .And.Contains("Authorization: Bot secret\r\n")
            .And.Contains("User-Agent: DiscordBot (https://github.com/singateway/singateway, 0.1.0)\r\n");
    }

    [Test]
    public async Task A_401_ends_it_after_one_request()
    {
        using HttpAnswers server = new(HttpAnswers.Answer(401, "{}"), Good);
        await Assert.That(await AskAsync(server)).IsTypeOf<GatewayBotOutcome.Unauthorized>();
    }

    [Test]
    public async Task A_redirect_is_not_followed()
    {
        using HttpAnswers server = new(HttpAnswers.Answer(302, "", "Location: /elsewhere\r\n"), Good);
        await Assert.That(await AskAsync(server)).IsTypeOf<GatewayBotOutcome.Refused>();
    }

    [Test]
    public async Task A_429_waits_as_told()
    {
        using HttpAnswers server = new(HttpAnswers.Answer(429, """{"retry_after":2.5}""", "Retry-After: 3\r\n"), Good);
        await Assert.That(await WaitsUntilSuccessAsync(server)).IsEquivalentTo([TimeSpan.FromSeconds(3)]);
    }

    [Test]
    public async Task A_Retry_After_that_is_no_time_is_as_good_as_none()
    {
        using HttpAnswers server = new(HttpAnswers.Answer(429, "<html>1015</html>", "Retry-After: NaN\r\n"), Good);
        await Assert.That((await WaitsUntilSuccessAsync(server)).Single().TotalMinutes).IsEqualTo(2.0);
    }

    [Test]
    public async Task A_429_that_says_no_time_waits_for_minutes_and_longer_each_time()
    {
        string limited = HttpAnswers.Answer(429, "<html>1015</html>");
        using HttpAnswers server = new(limited, limited, limited, limited, limited, Good);
        await Assert.That((await WaitsUntilSuccessAsync(server)).Select(wait => wait.TotalMinutes)).IsEquivalentTo([2.0, 4, 8, 15, 15], CollectionOrdering.Matching);
    }

    [Test]
    public async Task A_5xx_is_asked_again_with_jitter_that_grows_to_a_cap()
    {
        string away = HttpAnswers.Answer(502, "");
        using HttpAnswers server = new(away, away, away, away, away, away, away, away, Good);
        await Assert.That((await WaitsUntilSuccessAsync(server)).Select(wait => wait.TotalSeconds)).IsEquivalentTo([0.5, 1, 2, 4, 8, 16, 30, 30], CollectionOrdering.Matching);
    }

    [Test]
    public async Task No_answer_for_10_seconds_may_pass()
    {
        using HttpAnswers server = new("");
        using GatewayRest rest = Rest(server.BaseUrl);
        Task<GatewayBotOutcome> asking = rest.AskOnceAsync(default);
        await server.NextRequestAsync();
        _time.Advance(TimeSpan.FromSeconds(10));
        await Assert.That(await asking).IsEqualTo(new GatewayBotOutcome.Unavailable("127.0.0.1 does not answer", null));
    }

    [Test]
    public async Task No_server_may_pass()
    {
        HttpAnswers server = new();
        using GatewayRest rest = Rest(server.BaseUrl);
        server.Dispose();
        await Assert.That(await rest.AskOnceAsync(default))
            .IsEqualTo(new GatewayBotOutcome.Unavailable("127.0.0.1 cannot be asked for the gateway (no connection)", null));
    }

    [Test]
    public async Task A_body_without_end_is_not_read()
    {
        using HttpAnswers server = new(HttpAnswers.Answer(200, new string(' ', 70_000)));
        using GatewayRest rest = Rest(server.BaseUrl);
        await Assert.That(await rest.AskOnceAsync(default)).IsTypeOf<GatewayBotOutcome.Unavailable>();
    }

    [Test]
    public async Task The_token_is_never_logged()
    {
        using HttpAnswers server = new(HttpAnswers.Answer(500, "secret"), HttpAnswers.Answer(429, "secret"), Good);
        await WaitsUntilSuccessAsync(server);
        await Assert.That(string.Concat(_logger.Entries)).DoesNotContain("secret");
    }

    private GatewayRest Rest(string baseUrl) => new(baseUrl, "secret", _time, new HalfRandom(), _logger);

    private async Task<GatewayBotOutcome> AskAsync(HttpAnswers server)
    {
        using GatewayRest rest = Rest(server.BaseUrl);
        return await rest.GetGatewayBotAsync(default);
    }

    // The timers are, in turn, a request's timeout and the wait after it.
    private async Task<List<TimeSpan>> WaitsUntilSuccessAsync(HttpAnswers server)
    {
        using GatewayRest rest = Rest(server.BaseUrl);
        Task<GatewayBotOutcome> asking = rest.GetGatewayBotAsync(default);
        List<TimeSpan> waits = [];
        while (true)
        {
            await _time.NextTimerAsync();
            Task<TimeSpan> wait = _time.NextTimerAsync().AsTask();
            if (await Task.WhenAny(asking, wait) == asking)
            {
                await Assert.That(await asking).IsTypeOf<GatewayBotOutcome.Success>();
                return waits;
            }

            waits.Add(await wait);
            _time.Advance(await wait);
        }
    }

    private sealed class HalfRandom : Random
    {
        public override double NextDouble() => 0.5;
    }
}
