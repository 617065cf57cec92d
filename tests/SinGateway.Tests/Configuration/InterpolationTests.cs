using SinGateway.Configuration;

namespace SinGateway.Tests.Configuration;

public sealed class InterpolationTests
{
    [Test]
    [Arguments("${TOKEN}", "s3cret")]
    [Arguments("a-${TOKEN}-b-${TOKEN}", "a-s3cret-b-s3cret")]
    [Arguments("${NONE:-other}", "other")]
    [Arguments("${EMPTY:-other}", "other")]
    [Arguments("${TOKEN:-other}", "s3cret")]
    [Arguments("x${EMPTY}y", "xy")]
    [Arguments("${NONE:-}x", "x")]
    [Arguments("$${TOKEN}", "${TOKEN}")]
    [Arguments("$TOKEN$", "$TOKEN$")]
    [Arguments("${TRICKY}", "x\"\n  evil: [{{EVENT}}")]
    public async Task A_string_is_filled_in(string text, string expected) =>
        await Assert.That(Sample.Load(Sample.With(7, $"redisPrefix: {text}")).Configuration?.RedisPrefix).IsEqualTo(expected);

    [Test]
    [Arguments("${NONE}", "the environment variable NONE is not set. Set it, or give a default: ${NONE:-default}.")]
    [Arguments("${ECHOED}", "the environment variable ECHOED ends with a line break. Set it without (printf does not add one, echo does).")]
    [Arguments("${ECHOED:-other}", "the environment variable ECHOED ends with a line break. Set it without (printf does not add one, echo does).")]
    [Arguments("$TOKEN", "the token holds a character that no bot token has. An environment variable is written as ${NAME}.")]
    [Arguments("a${NONE", "a ${ has no } behind it. Close it, or write $${ for the two characters themselves.")]
    [Arguments("${}", "${} is no name of an environment variable. Write ${NAME}, ${NAME:-default} or ${file:/path}, and $${ for the two characters themselves.")]
    [Arguments("${1x}", "${1x} is no name of an environment variable. Write ${NAME}, ${NAME:-default} or ${file:/path}, and $${ for the two characters themselves.")]
    [Arguments("${file:/no/such/file}", "the file /no/such/file does not exist. Correct the path or the rights of the file.")]
    public async Task What_cannot_be_filled_in_is_one_error(string text, string expected)
    {
        string file = Sample.With(1, $"token: {text}");

        await Assert.That(Sample.ErrorsOf(file)).IsEqualTo($"config.yaml:1:8: token: {expected}");
    }

    [Test]
    [Arguments("s3cret", "s3cret")]
    [Arguments("s3cret\n", "s3cret")]
    [Arguments("s3cret\r\n", "s3cret")]
    [Arguments("s3cret\n\n", "s3cret\n")]
    public async Task A_secret_file_loses_its_trailing_newline(string content, string expected)
    {
        string path = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(path, content);
            await Assert.That(Sample.Load(Sample.With(7, $"redisPrefix: ${{file:{path}}}")).Configuration!.RedisPrefix).IsEqualTo(expected);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Test]
    public async Task What_is_filled_in_is_not_shown_in_errors()
    {
        string file = Sample.With(7, "intents: ${TOKEN}\nloggingLevel: ${TOKEN}\nredisDSN: redis://${TOKEN}:x@:1\nstateFile: ok") + "singyeong: {outbox: \"${TOKEN}\"}\n";
        ConfigurationResult result = Sample.Load(file);

        await Assert.That(result.Errors.Count).IsEqualTo(4);
        await Assert.That(string.Join('\n', result.Errors)).DoesNotContain("s3cret");
    }

    [Test]
    public async Task In_a_target_it_is_text_and_stays_escaped()
    {
        string file = Sample.With(5, "  target: {application: \"${APPLICATION}\", key: \"${NUMBER}\", restricted: \"${NONE:-a\\\"b\\\\}\"}");

        await Assert.That(Sample.Load(file).Configuration!.Forwarding[0].Target.ToString())
            .IsEqualTo("""{"application":"worker","key":"513","restricted":"a\"b\\"}""");
    }
}
