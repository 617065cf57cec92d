using System.Text;
using SinGateway.WebSockets;

namespace SinGateway.Tests.WebSockets;

public sealed class UpgradeHandshakeTests
{
    /// <summary>The example of RFC 6455, section 1.3.</summary>
    private const string Key = "dGhlIHNhbXBsZSBub25jZQ==";
    private const string Accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    private const string Good =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + Accept + "\r\n\r\n";

    [Test]
    public async Task The_accept_key_is_the_one_of_the_RFC() =>
        await Assert.That(Encoding.ASCII.GetString(UpgradeHandshake.ExpectedAccept(Key))).IsEqualTo(Accept);

    [Test]
    [Arguments("wss://gateway.discord.gg/?v=10&encoding=json", "/?v=10&encoding=json", "gateway.discord.gg")]
    [Arguments("wss://gateway.discord.gg:443", "/", "gateway.discord.gg")]
    [Arguments("ws://localhost:4567/gateway/websocket?encoding=json", "/gateway/websocket?encoding=json", "localhost:4567")]
    [Arguments("wss://localhost:80/", "/", "localhost:80")]
    [Arguments("ws://[::1]:4567/x", "/x", "[::1]:4567")]
    [Arguments("ws://[::1]/x", "/x", "[::1]")]
    [Arguments("ws://b\u00FCcher.example/x", "/x", "xn--bcher-kva.example")]
    public async Task The_request_is_the_one_of_the_RFC(string uri, string target, string host) =>
        await Assert.That(Encoding.ASCII.GetString(UpgradeHandshake.Request(new Uri(uri), Key))).IsEqualTo(
            $"GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
            $"Sec-WebSocket-Key: {Key}\r\nSec-WebSocket-Version: 13\r\n\r\n");

    [Test]
    public async Task A_key_is_16_bytes_and_never_the_same()
    {
        string[] keys = [.. Enumerable.Range(0, 100).Select(_ => UpgradeHandshake.CreateKey())];

        await Assert.That(keys.Distinct().Count()).IsEqualTo(100);
        await Assert.That(keys.All(key => Convert.FromBase64String(key).Length == 16)).IsTrue();
    }

    [Test]
    [Arguments("HTTP/1.1 101 Switching Protocols|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Accept: @")]
    [Arguments("HTTP/1.1 101|SEC-WEBSOCKET-ACCEPT:@|connection: UPGRADE|UPGRADE: WebSocket")]
    [Arguments("HTTP/1.1 101 |Date: Mon, 23 Nov 2026 13:00:00 GMT|Connection: keep-alive, Upgrade|Upgrade: websocket|Sec-WebSocket-Accept:  @ ")]
    [Arguments("HTTP/1.1 101 x|Connection: Upgrade|Connection: keep-alive|Upgrade: websocket|Sec-WebSocket-Accept: @")]
    [Arguments("HTTP/1.1 101 x|no colon here|: no name|Connection: Upgrade|Upgrade: websocket|Sec-WebSocket-Accept: @|Sec-WebSocket-Extensions: ")]
    public async Task A_good_answer_is_taken_whatever_the_case_and_order_of_its_headers(string answer)
    {
        UpgradeAnswer read = Read(answer);

        await Assert.That(read.Error).IsNull();
        await Assert.That(read.Status).IsEqualTo(101);
    }

    [Test]
    [Arguments("HTTP/1.1 101 x|Connection: Upgrade|Sec-WebSocket-Accept: @", 101, "does not upgrade")]
    [Arguments("HTTP/1.1 101 x|Upgrade: websocket|Sec-WebSocket-Accept: @", 101, "does not upgrade")]
    [Arguments("HTTP/1.1 101 x|Upgrade: h2c|Connection: Upgrade|Sec-WebSocket-Accept: @", 101, "does not upgrade")]
    [Arguments("HTTP/1.1 101 x|Upgrade: websocket|Connection: close|Sec-WebSocket-Accept: @", 101, "does not upgrade")]
    [Arguments("HTTP/1.1 101 x|Upgrade: websocket|Connection: Upgrade", 101, "Sec-WebSocket-Accept")]
    [Arguments("HTTP/1.1 101 x|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Accept: x@", 101, "Sec-WebSocket-Accept")]
    [Arguments("HTTP/1.1 101 x|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 101, "Sec-WebSocket-Accept")]
    [Arguments("HTTP/1.1 101 x|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Accept: @|Sec-WebSocket-Extensions: permessage-deflate", 101, "extension")]
    [Arguments("HTTP/1.1 101 x|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Accept: @|Sec-WebSocket-Extensions: x|Sec-WebSocket-Extensions: ", 101, "extension")]
    [Arguments("HTTP/1.1 101 x|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Accept: @|Sec-WebSocket-Protocol: chat", 101, "subprotocol")]
    [Arguments("HTTP/1.1 200 OK|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Accept: @", 200, "HTTP 200")]
    [Arguments("HTTP/1.1 403 Forbidden", 403, "HTTP 403")]
    [Arguments("HTTP/1.0 502 Bad Gateway|Content-Length: 5", 502, "HTTP 502")]
    [Arguments("HTTP/2 101", 0, "not HTTP")]
    [Arguments("SSH-2.0-OpenSSH_9.2", 0, "not HTTP")]
    [Arguments("HTTP/1.1", 0, "not HTTP")]
    [Arguments("HTTP/1.1 abc", 0, "not HTTP")]
    [Arguments("", 0, "not HTTP")]
    public async Task Any_other_answer_is_refused_and_says_why(string answer, int status, string error)
    {
        UpgradeAnswer read = Read(answer);

        await Assert.That(read.Status).IsEqualTo(status);
        await Assert.That(read.Error!).Contains(error);
        await Assert.That(read.Length).IsPositive();
    }

    [Test]
    public async Task An_answer_is_incomplete_until_its_last_byte_and_ends_before_the_first_frame()
    {
        byte[] bytes = [.. Encoding.ASCII.GetBytes(Good), 0x81, 0x00];
        for (int length = 0; length < bytes.Length - 2; length++)
        {
            await Assert.That(UpgradeHandshake.ReadAnswer(bytes.AsSpan(0, length), Key)).IsEqualTo(default);
        }

        await Assert.That(UpgradeHandshake.ReadAnswer(bytes, Key).Length).IsEqualTo(bytes.Length - 2);
    }

    [Test]
    [Arguments("Retry-After: 30", 30)]
    [Arguments("retry-after:0", 0)]
    [Arguments("Retry-After: -1", null)]
    [Arguments("Retry-After: Wed, 21 Oct 2026 07:28:00 GMT", null)]
    [Arguments("Retry-After: 99999999999", null)]
    [Arguments("Retry-Before: 30", null)]
    public async Task Seconds_to_wait_are_read(string header, int? seconds) =>
        await Assert.That(Read($"HTTP/1.1 429 Too Many Requests|{header}").RetryAfter).IsEqualTo(seconds);

    [Test]
    public async Task An_answer_without_end_is_given_up_at_the_limit()
    {
        byte[] endless = Encoding.ASCII.GetBytes("HTTP/1.1 101 x\r\nX: " + new string('a', UpgradeHandshake.MaximumAnswer));

        await Assert.That(UpgradeHandshake.ReadAnswer(endless.AsSpan(0, UpgradeHandshake.MaximumAnswer - 1), Key)).IsEqualTo(default);
        UpgradeAnswer atLimit = UpgradeHandshake.ReadAnswer(endless.AsSpan(0, UpgradeHandshake.MaximumAnswer), Key);
        await Assert.That(atLimit.Length).IsEqualTo(UpgradeHandshake.MaximumAnswer);
        await Assert.That(atLimit.Error!).Contains("no end");
    }

    [Test]
    [Arguments(11)]
    [Arguments(12)]
    public async Task Noise_never_throws(int seed)
    {
        Random random = new(seed);
        byte[] good = Encoding.ASCII.GetBytes(Good);
        int taken = 0;
        for (int round = 0; round < 20_000; round++)
        {
            byte[] noisy = [.. good];
            for (int i = random.Next(3); i > 0; i--)
            {
                noisy[random.Next(noisy.Length)] = (byte)random.Next(256);
            }

            UpgradeAnswer answer = UpgradeHandshake.ReadAnswer(noisy, Key);
            taken += answer is { Length: > 0, Error: null } ? 1 : 0;
        }

        await Assert.That(taken).IsBetween(5_000, 19_999).Because("a third of them are left as they are, and some are spoiled");
    }

    /// <summary>Reads an answer whose lines are separated by bars, with @ for the right accept key.</summary>
    private static UpgradeAnswer Read(string answer) =>
        UpgradeHandshake.ReadAnswer(Encoding.ASCII.GetBytes(answer.Replace("@", Accept).Replace("|", "\r\n") + "\r\n\r\n"), Key);
}
