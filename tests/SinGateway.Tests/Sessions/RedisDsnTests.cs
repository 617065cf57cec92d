using SinGateway.Sessions;

namespace SinGateway.Tests.Sessions;

public sealed class RedisDsnTests
{
    [Test]
    [Arguments("redis://localhost", null, null, "localhost", 6379, false, 0)]
    [Arguments("rediss://localhost", null, null, "localhost", 6379, true, 0)]
    [Arguments("redis://localhost:6380/3", null, null, "localhost", 6380, false, 3)]
    [Arguments("redis://localhost/", null, null, "localhost", 6379, false, 0)]
    [Arguments("redis://localhost?db=2", null, null, "localhost", 6379, false, 2)]
    [Arguments("redis://:secret@localhost", null, "secret", "localhost", 6379, false, 0)]
    [Arguments("redis://bot@localhost", "bot", null, "localhost", 6379, false, 0)]
    [Arguments("redis://bot:s%40cr%2Fet@[::1]:7000/1", "bot", "s@cr/et", "::1", 7000, false, 1)]
    [Arguments("redis://bot:s@cr/et@localhost", "bot", "s@cr/et", "localhost", 6379, false, 0)]
    [Arguments("REDIS://localhost", null, null, "localhost", 6379, false, 0)]
    public async Task A_dsn_is_read(string text, string? user, string? password, string host, int port, bool tls, int database)
    {
        bool read = RedisDsn.TryParse(text, out RedisDsn? dsn, out string error);

        await Assert.That(error).IsEmpty();
        await Assert.That(read).IsTrue();
        await Assert.That((dsn!.User, dsn.Password, dsn.Host, dsn.Port, dsn.Tls, dsn.Database))
            .IsEqualTo((user, password, host, port, tls, database));
        await Assert.That(dsn.UnixSocket).IsNull();
    }

    [Test]
    [Arguments("unix:///run/redis.sock", null, null, "/run/redis.sock", 0)]
    [Arguments("unix://bot:secret@/run/redis.sock?db=4", "bot", "secret", "/run/redis.sock", 4)]
    public async Task A_socket_is_read(string text, string? user, string? password, string socket, int database)
    {
        bool read = RedisDsn.TryParse(text, out RedisDsn? dsn, out _);

        await Assert.That(read).IsTrue();
        await Assert.That((dsn!.User, dsn.Password, dsn.UnixSocket, dsn.Database)).IsEqualTo((user, password, socket, database));
    }

    [Test]
    [Arguments("", "does not start with redis://")]
    [Arguments("localhost:6379", "does not start with redis://")]
    [Arguments("http://:secret@localhost", "does not start with redis://")]
    [Arguments("redis://:secret@", "has no host")]
    [Arguments("redis://:secret@host:port", "has a port")]
    [Arguments("redis://:secret@a,b", "a comma")]
    [Arguments("redis://:secret@host/zero", "has a database")]
    [Arguments("redis://:secret@host/-1", "has a database")]
    [Arguments("redis://:secret@host/1?db=2", "has a parameter")]
    [Arguments("redis://:secret@host?timeout=2", "has a parameter")]
    [Arguments("unix://:secret@run/redis.sock", "has no absolute path")]
    [Arguments("unix:///", "has no absolute path")]
    [Arguments("unix:///run/a-path-of-108-bytes/0123456789012345678901234567890123456789012345678901234567890123456789/x/redis.sock", "is too long for a socket")]
    [Arguments("redis://:secret@host:0", "has a port")]
    [Arguments("redis://:secret@host:70000", "has a port")]
    public async Task A_bad_dsn_says_what_is_wrong_without_the_password(string text, string expected)
    {
        bool read = RedisDsn.TryParse(text, out _, out string error);

        await Assert.That(read).IsFalse();
        await Assert.That(error).Contains(expected);
        await Assert.That(error).DoesNotContain("secret");
    }

    [Test]
    [Arguments("redis://bot:secret@localhost", "redis://bot:***@localhost:6379/0")]
    [Arguments("rediss://:secret@[::1]/2", "rediss://:***@[::1]:6379/2")]
    [Arguments("unix:///run/redis.sock", "unix:///run/redis.sock?db=0")]
    public async Task The_text_of_a_dsn_hides_its_password(string text, string expected)
    {
        RedisDsn.TryParse(text, out RedisDsn? dsn, out _);

        await Assert.That(dsn!.ToString()).IsEqualTo(expected);
    }
}
