using SinGateway.Generations;

namespace SinGateway.Tests.Generations;

/// <summary>The table of <see cref="GenerationLife"/>: what a process of 8 shards does in each phase, for everything that it may see.</summary>
public sealed class GenerationLifeTests
{
    private const int Own = 8;

    [Test]
    [Arguments("Muted", null, 0, "Muted")]
    [Arguments("Muted", 4, 0, "Muted")]
    [Arguments("Muted", 4, 2, "Muted")]
    [Arguments("Muted", 8, 0, "Forwarding")]
    [Arguments("Muted", 8, 2, "Forwarding")]
    [Arguments("Forwarding", null, 0, "Forwarding")]
    [Arguments("Forwarding", 8, 0, "Forwarding")]
    [Arguments("Forwarding", 8, 2, "Forwarding")]
    [Arguments("Forwarding", 4, 2, "Forwarding")]
    [Arguments("Forwarding", 4, 0, "Leaving")]
    [Arguments("Leaving", null, 0, "Leaving")]
    [Arguments("Leaving", 8, 0, "Forwarding")]
    [Arguments("Leaving", 4, 0, "Leaving")]
    [Arguments("Leaving", 4, 2, "Leaving")]
    [Arguments("Retired", null, 0, "Retired")]
    [Arguments("Retired", 8, 0, "Retired")]
    [Arguments("Retired", 4, 0, "Retired")]
    public async Task What_is_seen_leads_from_phase_to_phase(string from, int? active, int unmuting, string to)
    {
        GenerationLife life = In(Enum.Parse<GenerationPhase>(from));
        await Assert.That(life.See(active, Own, unmuting, allReady: true, now: 10_000)).IsEqualTo(Enum.Parse<GenerationPhase>(to));
    }

    [Test]
    [Arguments("Muted")]
    [Arguments("Forwarding")]
    [Arguments("Leaving")]
    [Arguments("Retired")]
    public async Task While_Redis_is_away_everybody_goes_on(string phase)
    {
        GenerationLife life = In(Enum.Parse<GenerationPhase>(phase));
        await Assert.That(life.Wait(allReady: true, now: 10_000)).IsEqualTo(Enum.Parse<GenerationPhase>(phase));
    }

    [Test]
    [Arguments(true)]
    [Arguments(false)]
    public async Task The_last_five_seconds_end_with_and_without_Redis(bool hasRedis)
    {
        GenerationLife life = In(GenerationPhase.Leaving);
        await Assert.That(Step(life, hasRedis, 14_999)).IsEqualTo(GenerationPhase.Leaving);
        await Assert.That(Step(life, hasRedis, 15_000)).IsEqualTo(GenerationPhase.Retired);
    }

    [Test]
    public async Task A_shard_that_has_not_caught_up_gets_five_seconds_after_it_has()
    {
        GenerationLife life = In(GenerationPhase.Leaving);
        life.See(4, Own, 0, allReady: false, now: 14_000);
        await Assert.That(life.See(4, Own, 0, allReady: true, now: 18_999)).IsEqualTo(GenerationPhase.Leaving);
        await Assert.That(life.See(4, Own, 0, allReady: true, now: 19_000)).IsEqualTo(GenerationPhase.Retired);
    }

    private static GenerationPhase Step(GenerationLife life, bool hasRedis, long now) =>
        hasRedis ? life.See(4, Own, 0, allReady: true, now) : life.Wait(allReady: true, now);

    /// <summary>It left, if it did, at 10,000 ms.</summary>
    private static GenerationLife In(GenerationPhase phase)
    {
        GenerationLife life = new(isMuted: phase == GenerationPhase.Muted);
        if (phase is GenerationPhase.Leaving or GenerationPhase.Retired)
        {
            long left = phase == GenerationPhase.Leaving ? 10_000 : 5_000;
            life.See(4, Own, 0, allReady: true, left);
            life.See(4, Own, 0, allReady: true, 10_000);
        }

        return life.Phase == phase ? life : throw new InvalidOperationException($"{life.Phase} instead of {phase}");
    }
}
