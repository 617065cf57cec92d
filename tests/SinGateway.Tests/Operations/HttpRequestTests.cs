using System.Text;
using SinGateway.Operations;

namespace SinGateway.Tests.Operations;

public sealed class HttpRequestTests
{
    private const string Scrape = "GET /metrics?x=1 HTTP/1.1\r\nHost: a:9400\r\nAccept: text/plain;q=0.5\r\n\r\n";

    [Test]
    [Arguments(Scrape, "GET", "/metrics")]
    [Arguments("GET / HTTP/1.0\r\n\r\n", "GET", "/")]
    [Arguments("HEAD /livez HTTP/1.1\nhost:a\n\n", "HEAD", "/livez")]
    [Arguments("\r\n\r\nGET /livez HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/livez")]
    [Arguments("GET http://a:9400/status?b HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/status")]
    [Arguments("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/")]
    [Arguments("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS", "*")]
    [Arguments("GET /livez HTTP/1.9\r\nHost:\r\nX:\t tab \r\n\r\nGET /next", "GET", "/livez")]
    public async Task A_request_is_read(string text, string method, string path)
    {
        (HttpReadOutcome outcome, string readMethod, string readPath) = Read(Encoding.Latin1.GetBytes(text));

        await Assert.That(outcome).IsEqualTo(HttpReadOutcome.Request);
        await Assert.That((readMethod, readPath)).IsEqualTo((method, path));
    }

    [Test]
    [Arguments("\u0016\u0003\u0001\u0002\u0000\u0001")]
    [Arguments("GET /\r\n")]
    [Arguments("GET / HTTP/1.1 \r\n")]
    [Arguments("GET  / HTTP/1.1\r\n")]
    [Arguments(" GET / HTTP/1.1\r\n")]
    [Arguments("G\u00e4T / HTTP/1.1\r\n")]
    [Arguments("GET / http/1.1\r\n")]
    [Arguments("GET / HTTP/11\r\n")]
    [Arguments("GET / HTTP/1.1\r\n\r\n")]
    [Arguments("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")]
    [Arguments("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n")]
    [Arguments("GET / HTTP/1.1\r\nno colon\r\n")]
    [Arguments("GET / HTTP/1.1\r\n: no name\r\n")]
    [Arguments("GET / HTTP/1.1\r\nHost : a\r\n")]
    [Arguments("GET / HTTP/1.1\r\nX: a\u0000b\r\n")]
    [Arguments("GET /\rx HTTP/1.1\r\n")]
    public async Task What_is_no_request_is_malformed(string text) =>
        await Assert.That(Read(Encoding.Latin1.GetBytes(text)).Outcome).IsEqualTo(HttpReadOutcome.Malformed);

    [Test]
    [Arguments("PRI * HTTP/2.0\r\n")]
    [Arguments("GET / HTTP/0.9\r\n")]
    public async Task Another_version_is_told(string text) =>
        await Assert.That(Read(Encoding.Latin1.GetBytes(text)).Outcome).IsEqualTo(HttpReadOutcome.OtherVersion);

    [Test]
    [Arguments("GET /{0} HTTP/1.1\r\nHost: a\r\n\r\n")]
    [Arguments("GET / HTTP/1.1\r\nHost: a\r\nX: {0}\r\n\r\n")]
    [Arguments("{0}")]
    public async Task A_head_above_the_limit_is_too_large(string form)
    {
        string text = string.Format(System.Globalization.CultureInfo.InvariantCulture, form, new string('x', HttpRequest.MaximumHead));

        await Assert.That(Read(Encoding.Latin1.GetBytes(text)).Outcome).IsEqualTo(HttpReadOutcome.TooLarge);
    }

    [Test]
    public async Task A_head_of_the_limit_is_read()
    {
        const string Start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
        string text = Start + new string('x', HttpRequest.MaximumHead - Start.Length - 4) + "\r\n\r\n";

        await Assert.That(Read(Encoding.Latin1.GetBytes(text)).Outcome).IsEqualTo(HttpReadOutcome.Request);
    }

    [Test]
    public async Task Every_beginning_of_a_request_needs_more()
    {
        byte[] whole = Encoding.Latin1.GetBytes(Scrape);
        for (int length = 0; length < whole.Length; length++)
        {
            await Assert.That(Read(whole.AsSpan(0, length)).Outcome).IsEqualTo(HttpReadOutcome.NeedMore);
        }
    }

    [Test]
    public async Task Whatever_changes_in_a_request_it_is_judged_without_an_exception()
    {
        byte[] whole = Encoding.Latin1.GetBytes(Scrape);
        Dictionary<HttpReadOutcome, int> outcomes = [];
        Random random = new(1);
        byte[] special = [.. " \r\n:/\0HT1"u8];
        for (int round = 0; round < 100_000; round++)
        {
            byte[] changed = [.. whole];
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                changed[random.Next(changed.Length)] = random.Next(2) == 0 ? (byte)random.Next(256) : special[random.Next(special.Length)];
            }

            HttpReadOutcome outcome = Read(changed.AsSpan(random.Next(3), random.Next(changed.Length - 3))).Outcome;
            outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
        }

        await Assert.That(outcomes.Keys).Contains(HttpReadOutcome.NeedMore).And.Contains(HttpReadOutcome.Malformed).And.Contains(HttpReadOutcome.Request);
    }

    private static (HttpReadOutcome Outcome, string Method, string Path) Read(ReadOnlySpan<byte> bytes)
    {
        HttpReadOutcome outcome = HttpRequest.Read(bytes, out HttpRequest request);
        return (outcome, Encoding.Latin1.GetString(request.Method), Encoding.Latin1.GetString(request.Path));
    }
}
