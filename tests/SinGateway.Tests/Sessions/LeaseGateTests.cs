using SinGateway.Sessions;

namespace SinGateway.Tests.Sessions;

/// <summary>When a loop may read and write (G19).</summary>
public sealed class LeaseGateTests
{
    private long _now = 100_000;
    private int _awaited;
    private int _lost;

    /// <summary>
    /// Turns of a loop, a second each: <c>turn</c> is one, with the expectation <c>+</c> open or <c>-</c> closed; <c>renew</c> a renewal
    /// that was asked for now; <c>stop5</c> a stop of five seconds; <c>taken</c>, <c>end</c> what its name says; <c>early</c> an answer to a
    /// renewal that was asked for before the last stop.
    /// </summary>
    [Test]
    [Arguments(false, "turn+ renew turn+ turn+ turn+ turn+ turn+ turn+ turn+ turn+ turn+ turn+", 0, 0)]
    [Arguments(false, "turn+ stop3 turn+", 0, 0)]
    [Arguments(false, "turn+ stop5 turn- turn- renew turn+ turn+", 1, 0)]
    [Arguments(false, "turn+ stop5 turn- early turn- renew turn+", 1, 0)]
    [Arguments(false, "turn+ stop5 turn- stop5 early turn- renew turn+", 2, 0)]
    [Arguments(false, "turn+ stop5 renew turn+", 0, 0)]
    [Arguments(false, "turn+ stop5 turn- taken turn+ turn+ turn+", 1, 1)]
    [Arguments(false, "turn+ taken turn+ turn+", 0, 1)]
    [Arguments(false, "turn+ stop5 turn- end turn+ turn+", 1, 1)]
    [Arguments(false, "turn+ end turn+ turn+", 0, 0)]
    [Arguments(false, "turn+ stop5 turn- stop30 turn- renew turn+ stop5 turn- renew turn+", 3, 0)]
    [Arguments(true, "turn+ turn+ turn+ turn+ turn+ turn+ turn+ turn+ turn- turn- renew turn+", 0, 0)]
    [Arguments(true, "turn+ turn+ turn+ turn+ renew turn+ turn+ turn+ turn+ turn+ turn+ turn+ turn+ turn- end turn+", 0, 1)]
    [Arguments(true, "turn+ stop30 turn- late turn+", 1, 1)]
    public async Task A_loop_goes_on_while_its_process_ran_and_after_a_stop_when_Redis_has_said_so(bool isStrict, string steps, int awaited, int lost)
    {
        LeaseHold hold = new(_now, "run1", isStrict);
        LeaseGate gate = new(hold, () => _now, _ => _awaited++, () => _lost++);
        long beforeStop = _now;
        foreach (string step in steps.Split(' '))
        {
            switch (step)
            {
                case "renew":
                    await Assert.That(hold.Renewed(_now, "run1", anew: false, _now)).IsTrue();
                    break;
                case "early":
                    hold.Renewed(beforeStop, "run1", anew: false, _now);
                    break;
                case "taken":
                    hold.Lose(LeaseLoss.Taken);
                    break;
                case "late":
                    await Assert.That(hold.MayRenew(_now)).IsFalse();
                    break;
                case "end":
                    hold.WaitNoMore();
                    break;
                case "turn+" or "turn-":
                    await Assert.That(gate.IsOpen()).IsEqualTo(step == "turn+");
                    _now += 1_000;
                    break;
                default:
                    beforeStop = _now;
                    _now += int.Parse(step.AsSpan(4), System.Globalization.CultureInfo.InvariantCulture) * 1_000;
                    break;
            }
        }

        await Assert.That((_awaited, _lost)).IsEqualTo((awaited, lost));
    }

    [Test]
    public async Task A_lease_written_anew_by_another_instance_proves_nothing_to_a_process_that_was_stopped()
    {
        LeaseHold hold = new(_now, "run1", isStrict: false);
        hold.Stopped(_now + 30_000);
        await Assert.That(hold.Renewed(_now + 30_001, "run2", anew: true, _now + 30_002)).IsFalse();
        await Assert.That(hold.Loss).IsEqualTo(LeaseLoss.Unverified);
    }

    [Test]
    [Arguments("run1", true)]
    [Arguments("run2", false)]
    public async Task A_lease_that_this_instance_has_seen_all_the_time_is_proof_after_a_stop(string run, bool anew)
    {
        LeaseHold hold = new(_now, "run1", isStrict: false);
        hold.Stopped(_now + 30_000);
        await Assert.That(hold.Renewed(_now + 30_001, run, anew, _now + 30_002)).IsTrue();
    }

    [Test]
    public async Task A_process_that_ran_all_the_time_writes_its_lease_anew_after_a_restart_of_Redis()
    {
        LeaseHold hold = new(_now, "run1", isStrict: false);
        for (int second = 1; second < 60; second++)
        {
            hold.Failed(_now + (second * 1_000));
        }

        await Assert.That(hold.Renewed(_now + 60_000, "run2", anew: true, _now + 60_001)).IsTrue();
    }

    [Test]
    public async Task A_strict_process_that_ran_loses_its_lease_8_s_after_the_renewal_that_was_granted_last()
    {
        LeaseHold hold = new(_now, "run1", isStrict: true);
        hold.Renewed(_now + 1_000, "run1", anew: false, _now + 1_100);
        hold.Failed(_now + 8_999);
        await Assert.That(hold.IsLost).IsFalse();
        hold.Failed(_now + 9_000);
        await Assert.That(hold.Loss).IsEqualTo(LeaseLoss.OutOfReach);
    }
}
