using SinGateway.Singyeong;

namespace SinGateway.Tests.Singyeong;

public sealed class SingyeongDsnTests
{
    [Test]
    [Arguments("singyeong://test@localhost", "test", null, "localhost", 80, false, "Json")]
    [Arguments("ssingyeong://test:pass-word@localhost", "test", "pass-word", "localhost", 443, true, "Json")]
    [Arguments("singyeong://test@localhost:4567", "test", null, "localhost", 4567, false, "Json")]
    [Arguments("ssingyeong://test:pass~-word@localhost:4921/", "test", "pass~-word", "localhost", 4921, true, "Json")]
    [Arguments("singyeong://test:pass@localhost:21312?encoding=json", "test", "pass", "localhost", 21312, false, "Json")]
    [Arguments("ssingyeong://test:pass@host:12321/?encoding=etf", "test", "pass", "host", 12321, true, "Etf")]
    [Arguments("singyeong://test@localhost?encoding=msgpack", "test", null, "localhost", 80, false, "Msgpack")]
    [Arguments("singyeong://gateway:p%40ss%2Fw%3Ard@[::1]:4567", "gateway", "p@ss/w:rd", "::1", 4567, false, "Json")]
    [Arguments("singyeong://gateway:p@ss/w:rd?@host", "gateway", "p@ss/w:rd?", "host", 80, false, "Json")]
    [Arguments("SINGYEONG://gateway:@host", "gateway", null, "host", 80, false, "Json")]
    public async Task A_dsn_is_read(string text, string application, string? password, string host, int port, bool tls, string encoding)
    {
        bool read = SingyeongDsn.TryParse(text, out SingyeongDsn? dsn, out string error);

        await Assert.That(error).IsEmpty();
        await Assert.That(read).IsTrue();
        await Assert.That((dsn!.ApplicationId, dsn.Password, dsn.Host, dsn.Port, dsn.Tls, dsn.Encoding.ToString()))
            .IsEqualTo((application, password, host, port, tls, encoding));
    }

    [Test]
    [Arguments("", "does not start with singyeong://")]
    [Arguments("redis://localhost", "does not start with singyeong://")]
    [Arguments("singyeong://localhost:4567", "has no application id")]
    [Arguments("singyeong://:secret@localhost", "has no application id")]
    [Arguments("singyeong://a%20b:secret@localhost", "white space")]
    [Arguments("singyeong://a:secret@", "has no host")]
    [Arguments("singyeong://a:secret@:4567", "has no host")]
    [Arguments("singyeong://a:secret@host:0", "has a port")]
    [Arguments("singyeong://a:secret@host:65536", "has a port")]
    [Arguments("singyeong://a:secret@host:4567,", "has a port")]
    [Arguments("singyeong://a:secret@host:", "has a port")]
    [Arguments("singyeong://a:secret@[::1", "closing bracket")]
    [Arguments("singyeong://a:secret@host/socket", "has a path")]
    [Arguments("singyeong://a:secret@host?encoding=yaml", "has an encoding")]
    [Arguments("singyeong://a:secret@host?tls=1", "has a parameter")]
    public async Task A_bad_dsn_says_what_is_wrong_without_the_password(string text, string expected)
    {
        bool read = SingyeongDsn.TryParse(text, out _, out string error);

        await Assert.That(read).IsFalse();
        await Assert.That(error).Contains(expected);
        await Assert.That(error).DoesNotContain("secret");
    }

    [Test]
    [Arguments("singyeong://gateway:secret@localhost:4567", "singyeong://gateway:***@localhost:4567")]
    [Arguments("ssingyeong://gateway@[::1]?encoding=etf", "ssingyeong://gateway@[::1]:443?encoding=etf")]
    public async Task The_text_of_a_dsn_hides_its_password(string text, string expected)
    {
        SingyeongDsn.TryParse(text, out SingyeongDsn? dsn, out _);

        await Assert.That(dsn!.ToString()).IsEqualTo(expected);
    }
}
