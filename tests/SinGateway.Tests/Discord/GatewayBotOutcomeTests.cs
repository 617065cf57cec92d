using System.Net;
using System.Text;
using SinGateway.Discord;

namespace SinGateway.Tests.Discord;

public sealed class GatewayBotOutcomeTests
{
    internal const string Answer =
        """{"url":"wss://gateway.discord.gg/","shards":9,"session_start_limit":{"total":1000,"remaining":999,"reset_after":14400000,"max_concurrency":1}}""";

    [Test]
    public async Task An_answer_is_read() =>
        await Assert.That(From(200, Answer)).IsEqualTo(
            new GatewayBotOutcome.Success(new GatewayBotInfo("wss://gateway.discord.gg/", 9, new SessionStartLimit(1000, 999, 14400000, 1))));

    [Test]
    [Arguments("")]
    [Arguments("<html>")]
    [Arguments("{}")]
    [Arguments("null")]
    [Arguments("""{"url":"wss://x","shards":1}""")]
    [Arguments("""{"url":null,"shards":1,"session_start_limit":{"total":1,"remaining":1,"reset_after":0,"max_concurrency":1}}""")]
    [Arguments("""{"url":"https://x","shards":1,"session_start_limit":{"total":1,"remaining":1,"reset_after":0,"max_concurrency":1}}""")]
    [Arguments("""{"url":"wss://x","shards":0,"session_start_limit":{"total":1,"remaining":1,"reset_after":0,"max_concurrency":1}}""")]
    [Arguments("""{"url":"wss://x","shards":1,"session_start_limit":{"total":1,"remaining":1,"reset_after":0,"max_concurrency":0}}""")]
    [Arguments("""{"url":"wss://x","shards":1,"session_start_limit":{"total":1,"remaining":1,"reset_after":9223372036854775807,"max_concurrency":1}}""")]
    public async Task An_answer_without_sense_may_be_asked_for_again(string body) =>
        await Assert.That(From(200, body)).IsTypeOf<GatewayBotOutcome.Unavailable>();

    [Test]
    public async Task A_401_is_final() => await Assert.That(From(401, """{"message":"401: Unauthorized","code":0}""")).IsTypeOf<GatewayBotOutcome.Unauthorized>();

    [Test]
    [Arguments(301)]
    [Arguments(400)]
    [Arguments(403)]
    [Arguments(404)]
    public async Task What_a_person_has_to_look_at_is_refused(int status) => await Assert.That(From(status, "")).IsTypeOf<GatewayBotOutcome.Refused>();

    [Test]
    [Arguments(500)]
    [Arguments(502)]
    [Arguments(503)]
    public async Task A_5xx_may_pass(int status) => await Assert.That(From(status, "")).IsTypeOf<GatewayBotOutcome.Unavailable>();

    [Test]
    [Arguments("""{"message":"x","retry_after":64.57,"global":false}""", 65.0, 65.0)]
    [Arguments("""{"message":"x","retry_after":64.57,"global":false}""", 1.0, 64.57)]
    [Arguments("""{"message":"x","retry_after":64.57,"global":false}""", null, 64.57)]
    [Arguments("<html>error code: 1015</html>", 300.0, 300.0)]
    [Arguments("""{"retry_after":0}""", null, 1.0)]
    [Arguments("""{"retry_after":1e300}""", null, 86400.0)]
    public async Task A_429_waits_for_the_longer_of_body_and_header(string body, double? header, double expected) =>
        await Assert.That(GatewayBotOutcome.From((HttpStatusCode)429, header is { } s ? TimeSpan.FromSeconds(s) : null, Encoding.UTF8.GetBytes(body)))
            .IsEqualTo(new GatewayBotOutcome.RateLimited(TimeSpan.FromSeconds(expected)));

    [Test]
    public async Task A_429_that_says_no_time_leaves_it_open() =>
        await Assert.That(From(429, "<html>")).IsEqualTo(new GatewayBotOutcome.RateLimited(null));

    private static GatewayBotOutcome From(int status, string body) =>
        GatewayBotOutcome.From((HttpStatusCode)status, null, Encoding.UTF8.GetBytes(body));
}
