using SinGateway.Discord;

namespace SinGateway.Tests.Discord;

public sealed class RevokedSessionsTests
{
    [Test]
    public async Task One_shard_alone_is_an_accident()
    {
        RevokedSessions revoked = new();

        await Assert.That(revoked.Add(3, 1_000)).IsFalse();
        await Assert.That(revoked.Add(3, 2_000)).IsFalse();
        await Assert.That(revoked.Add(4, 2_000 + RevokedSessions.Together + 1)).IsFalse().Because("long after the first");
    }

    [Test]
    public async Task Several_shards_together_are_said_once()
    {
        RevokedSessions revoked = new();

        await Assert.That(Enumerable.Range(0, 16).Select(shard => revoked.Add(shard, 1_000 + shard)).Count(said => said)).IsEqualTo(1);
        await Assert.That(revoked.Add(0, 1_001 + RevokedSessions.Silence)).IsFalse();
        await Assert.That(revoked.Add(1, 1_002 + RevokedSessions.Silence)).IsTrue();
    }
}
