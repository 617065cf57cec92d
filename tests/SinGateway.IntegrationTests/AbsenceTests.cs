using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>
/// 신경 is away for longer than the outbox lasts (G13): no session pays for it, memory stays where it was, and what is lost is counted to the
/// last event. <c>./build.sh soak</c> has it away for longer, with the usual outbox.
/// </summary>
[ParallelLimiter<FewAtATime>]
internal sealed class AbsenceTests
{
    private const long Mebi = 1 << 20;

    /// <summary>What the gateway says when it begins to drop.</summary>
    private const string Drops = "events that find none are lost and counted";

    private const string KeepsWaiting = "close again if it stays so";

    /// <summary>Longer than the grace and the minute away together.</summary>
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(80);

    private static readonly GatewayConfig Small = new() { Outbox = "2MiB" };

    [Test]
    [Category(Soak.Category)]
    public async Task An_absence_costs_no_session_and_the_gateway_counts_what_is_lost()
    {
        bool isLong = Soak.Duration > Long;
        Absence absence = await Absence.RunAsync(isLong ? new GatewayConfig() : Small, Soak.Duration, isLong ? Drops : "");
        if (isLong)
        {
            Soak.Say(absence.Describe($"AbsenceTests, {Soak.Duration.TotalSeconds:0} s, outbox of 32 MiB"));
        }

        await IsSoundAsync(absence);
        // Ten minutes of attempts to connect leave some garbage that is not worth a collection yet.
        await Assert.That(absence.Growth).IsLessThan(isLong ? 33 * Mebi : 2 * Mebi);
    }

    [Test]
    public async Task What_an_absence_of_more_than_a_minute_costs_is_counted_exactly()
    {
        Absence absence = await Absence.RunAsync(Small, Long, Drops);

        await IsSoundAsync(absence);
        await Assert.That(absence.Lost).IsGreaterThan(0);
        await Assert.That(absence.Growth).IsLessThan(2 * Mebi);
    }

    [Test]
    public async Task With_close_shards_stay_away_again_and_again_and_nothing_is_lost()
    {
        Absence absence = await Absence.RunAsync(Small with { WhenFull = "close" }, Long, KeepsWaiting);

        await IsSoundAsync(absence);
        await Assert.That(absence.Lost).IsEqualTo(0);
        await Assert.That(absence.Log).DoesNotContain(Drops);
        await Assert.That(absence.Growth).IsLessThan(2 * Mebi);
    }

    /// <summary>What holds whether something is lost or not.</summary>
    private static async Task IsSoundAsync(Absence absence)
    {
        SandboxStatistics end = absence.End;
        await Assert.That(end.Ledger.Missing).IsEqualTo(absence.Lost);
        await Assert.That(end.Ledger.Wrong).IsEqualTo(0);
        await Assert.That(end.Ledger.OutOfOrder).IsEqualTo(0);
        await Assert.That(end.Discord.Identifies).IsEqualTo(Absence.Shards);
        await Assert.That(end.Discord.SessionsEnded).IsEmpty();
        await Assert.That(end.Discord.ResumesRefused).IsEqualTo(0);
        await Assert.That(end.Discord.HeartbeatTimeouts).IsEqualTo(0);
        await Assert.That(end.Discord.SendLimitViolations).IsEqualTo(0);
        await Assert.That(end.Discord.Violations).IsEmpty();

        // 4000 leaves a session alive: once when the outbox was full, and once at the stop.
        await Assert.That(end.Discord.ClientCloses.Keys).IsEquivalentTo([4000]);
        await Assert.That(end.Discord.ClientCloses[4000]).IsGreaterThanOrEqualTo(2 * Absence.Shards);
        await Assert.That(end.Singyeong.ProtocolErrors).IsEqualTo(0);
    }
}
