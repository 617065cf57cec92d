using SinGateway.Discord;

namespace SinGateway.Tests.Discord;

public sealed class ShardLifeTests
{
    private const long Now = 1_000_000;

    private static readonly ShardPhase[] Connected =
        [ShardPhase.Connecting, ShardPhase.AwaitingHello, ShardPhase.ConfirmingPermit, ShardPhase.Identifying, ShardPhase.Resuming, ShardPhase.Ready];

    [Test]
    public async Task A_shard_without_a_session_asks_for_a_permit_before_it_connects()
    {
        ShardStep step = Next(State(ShardPhase.Disconnected), ShardInput.Start);
        await Assert.That((step.State.Phase, step.Actions)).IsEqualTo((ShardPhase.WaitingForIdentify, ShardActions.RequestPermit));

        step = Next(step.State, ShardInput.PermitGranted);
        await Assert.That((step.State.Phase, step.State.HoldsPermit, step.Actions)).IsEqualTo((ShardPhase.Connecting, true, ShardActions.Connect));

        step = Next(step.State, ShardInput.Opened);
        await Assert.That((step.State.Phase, step.Actions)).IsEqualTo((ShardPhase.AwaitingHello, ShardActions.None));

        step = Next(step.State, ShardInput.Hello);
        await Assert.That((step.State.Phase, step.State.HoldsPermit, step.Actions)).IsEqualTo((ShardPhase.ConfirmingPermit, true, ShardActions.ConfirmPermit));

        step = Next(step.State, ShardInput.PermitConfirmed);
        await Assert.That((step.State.Phase, step.State.HoldsPermit, step.Actions)).IsEqualTo((ShardPhase.Identifying, false, ShardActions.SendIdentify));

        step = Next(step.State, ShardInput.Ready);
        await Assert.That((step.State.Phase, step.State.HasSession, step.Actions)).IsEqualTo((ShardPhase.Ready, true, ShardActions.None));
    }

    [Test]
    public async Task Resume_is_sent_without_a_permit()
    {
        ShardStep step = Next(State(ShardPhase.Disconnected, session: true), ShardInput.Start);
        await Assert.That((step.State.Phase, step.Actions)).IsEqualTo((ShardPhase.WaitingToResume, ShardActions.RequestTurn));

        step = Next(step.State, ShardInput.TurnCame);
        await Assert.That((step.State.Phase, step.Actions)).IsEqualTo((ShardPhase.Connecting, ShardActions.Connect));

        step = Next(Next(step.State, ShardInput.Opened).State, ShardInput.Hello);
        await Assert.That((step.State.Phase, step.Actions)).IsEqualTo((ShardPhase.Resuming, ShardActions.SendResume));

        step = Next(step.State, ShardInput.Resumed);
        await Assert.That((step.State.Phase, step.State.RefusedResumes, step.Actions)).IsEqualTo((ShardPhase.Ready, 0, ShardActions.None));
    }

    [Test]
    [Arguments(4004)]
    [Arguments(4010)]
    [Arguments(4011)]
    [Arguments(4012)]
    [Arguments(4013)]
    [Arguments(4014)]
    public async Task A_fatal_code_gives_up_in_every_phase(int code)
    {
        foreach (ShardPhase phase in Connected)
        {
            ShardStep step = Next(State(phase, session: true), ShardInput.Lost, code);
            await Assert.That((step.State.Phase, step.Actions)).IsEqualTo((ShardPhase.Stopped, ShardActions.GiveUp));
        }

        ShardStep withPermit = Next(State(ShardPhase.AwaitingHello, permit: true), ShardInput.Lost, code);
        await Assert.That(withPermit.Actions).IsEqualTo(ShardActions.GiveUp | ShardActions.ReturnPermit);
    }

    [Test]
    [Arguments(0, true)]
    [Arguments(1000, true)]
    [Arguments(1001, true)]
    [Arguments(1006, true)]
    [Arguments(1011, true)]
    [Arguments(4000, true)]
    [Arguments(4001, false)]
    [Arguments(4002, true)]
    [Arguments(4003, false)]
    [Arguments(4005, false)]
    [Arguments(4006, false)]
    [Arguments(4007, false)]
    [Arguments(4009, false)]
    [Arguments(4015, true)]
    [Arguments(4999, true)]
    public async Task A_close_of_a_ready_shard_keeps_the_session_or_ends_it_by_its_code(int code, bool keeps)
    {
        ShardStep step = Next(State(ShardPhase.Ready, session: true), ShardInput.Lost, code);

        await Assert.That(step.State.HasSession).IsEqualTo(keeps);
        await Assert.That(Has(step, ShardActions.DropSession)).IsEqualTo(!keeps);
        await Assert.That(step.State.Phase).IsEqualTo(keeps ? ShardPhase.WaitingToResume : ShardPhase.WaitingForIdentify);
        await Assert.That(Has(step, keeps ? ShardActions.RequestTurn : ShardActions.RequestPermit)).IsTrue();
    }

    [Test]
    [Arguments(nameof(ShardInput.ReconnectRequested), true)]
    [Arguments(nameof(ShardInput.SessionResumable), true)]
    [Arguments(nameof(ShardInput.SessionInvalid), false)]
    [Arguments(nameof(ShardInput.TimedOut), true)]
    [Arguments(nameof(ShardInput.Unreadable), true)]
    public async Task Whatever_ends_a_ready_connection_closes_it_resumably(string input, bool keeps)
    {
        ShardStep step = Next(State(ShardPhase.Ready, session: true), Enum.Parse<ShardInput>(input));

        await Assert.That(Has(step, ShardActions.CloseResumably)).IsTrue();
        await Assert.That(step.State.HasSession).IsEqualTo(keeps);
        await Assert.That(step.State.Phase).IsEqualTo(keeps ? ShardPhase.WaitingToResume : ShardPhase.Backoff);
    }

    [Test]
    public async Task A_close_for_too_many_sends_waits_before_the_RESUME()
    {
        ShardStep step = Next(State(ShardPhase.Ready, session: true), ShardInput.Lost, 4008);

        await Assert.That((step.State.Phase, step.State.HasSession)).IsEqualTo((ShardPhase.Backoff, true));
        await Assert.That(step.Delay).IsBetween(1_000, 5_000);
    }

    [Test]
    public async Task A_session_is_not_judged_by_what_came_before_its_RESUME()
    {
        foreach (ShardPhase phase in (ShardPhase[])[ShardPhase.Connecting, ShardPhase.AwaitingHello])
        {
            await Assert.That(Next(State(phase, session: true), ShardInput.SessionInvalid).State.HasSession).IsTrue();
            await Assert.That(Next(State(phase, session: true), ShardInput.Lost, 4009).State.HasSession).IsTrue();
        }
    }

    [Test]
    public async Task A_connection_that_breaks_while_missed_events_arrive_is_no_refusal()
    {
        ShardState state = State(ShardPhase.Disconnected, session: true);
        for (int attempt = 0; attempt < 10; attempt++)
        {
            state = Next(Reach(state, ShardPhase.Resuming), ShardInput.Replayed).State;
            state = Next(state, ShardInput.Lost).State;
            await Assert.That((state.HasSession, state.RefusedResumes)).IsEqualTo((true, 0));
        }
    }

    [Test]
    public async Task Sessions_that_die_young_wait_ever_longer_for_the_next_IDENTIFY_up_to_ten_minutes()
    {
        ShardState state = State(ShardPhase.WaitingForIdentify);
        long longest = 0, shortest = long.MaxValue;
        for (int i = 0; i < 200; i++)
        {
            foreach (ShardInput input in (ShardInput[])[ShardInput.PermitGranted, ShardInput.Opened, ShardInput.Hello, ShardInput.PermitConfirmed, ShardInput.Ready])
            {
                state = Next(state, input).State;
            }

            ShardStep step = ShardLife.Next(state, new ShardSignal(ShardInput.SessionInvalid), Now + 1, new Random(i));
            (longest, shortest) = i >= 10 ? (Math.Max(longest, step.Delay), Math.Min(shortest, step.Delay)) : (longest, shortest);
            await Assert.That(step.Delay).IsLessThan(Math.Max(5_000, 5_000L << Math.Min(i + 1, 20)));
            state = Next(step.State, ShardInput.BackoffOver).State;
        }

        await Assert.That(longest).IsBetween(540_000, 600_000);
        await Assert.That(shortest).IsLessThan(60_000).Because("the jitter is full: shards that failed together do not come back together");
    }

    [Test]
    public async Task A_stable_session_that_ends_identifies_without_delay()
    {
        ShardState state = State(ShardPhase.Ready, session: true) with { ReadySince = Now - ShardLife.StableAfter, Identifies = 5, Failures = 5 };

        ShardStep step = Next(state, ShardInput.Lost, 4009);

        await Assert.That((step.State.Phase, step.Delay, step.State.Identifies)).IsEqualTo((ShardPhase.WaitingForIdentify, 0, 0));
    }

    [Test]
    public async Task A_permit_that_is_denied_at_the_last_moment_sends_nothing()
    {
        ShardStep step = Next(State(ShardPhase.ConfirmingPermit, permit: true), ShardInput.PermitDenied);

        await Assert.That(step.State.HoldsPermit).IsFalse();
        await Assert.That(step.Actions).IsEqualTo(ShardActions.CloseResumably | ShardActions.ReturnPermit | ShardActions.RequestPermit);
    }

    [Test]
    public async Task Opcode_7_before_HELLO_reconnects_and_gives_the_permit_back()
    {
        ShardStep step = Next(State(ShardPhase.AwaitingHello, permit: true), ShardInput.ReconnectRequested);

        await Assert.That(step.State.Phase).IsEqualTo(ShardPhase.WaitingForIdentify);
        await Assert.That(step.Actions).IsEqualTo(ShardActions.CloseResumably | ShardActions.ReturnPermit | ShardActions.RequestPermit);
    }

    [Test]
    public async Task An_invalid_session_waits_1_to_5_seconds_before_the_next_IDENTIFY()
    {
        foreach (ShardPhase phase in (ShardPhase[])[ShardPhase.Ready, ShardPhase.Resuming, ShardPhase.Identifying])
        {
            for (int seed = 0; seed < 50; seed++)
            {
                ShardStep step = ShardLife.Next(
                    State(phase, session: phase != ShardPhase.Identifying), new ShardSignal(ShardInput.SessionInvalid), Now, new Random(seed));
                await Assert.That(step.State.Phase).IsEqualTo(ShardPhase.Backoff);
                await Assert.That(step.State.HasSession).IsFalse();
                await Assert.That(step.Delay).IsBetween(1_000, 5_000);
            }
        }
    }

    [Test]
    [Arguments(nameof(ShardInput.Lost))]
    [Arguments(nameof(ShardInput.TimedOut))]
    [Arguments(nameof(ShardInput.SessionResumable))]
    [Arguments(nameof(ShardInput.Unreadable))]
    public async Task The_third_RESUME_that_was_sent_in_vain_ends_the_session(string input)
    {
        ShardState state = State(ShardPhase.Disconnected, session: true);
        for (int attempt = 1; attempt <= ShardLife.MaximumRefusedResumes; attempt++)
        {
            state = Reach(state, ShardPhase.Resuming);
            ShardStep step = Next(state, Enum.Parse<ShardInput>(input));
            bool last = attempt == ShardLife.MaximumRefusedResumes;
            await Assert.That(step.State.HasSession).IsEqualTo(!last).Because($"attempt {attempt}");
            await Assert.That(Has(step, ShardActions.DropSession)).IsEqualTo(last);
            await Assert.That(step.State.RefusedResumes).IsEqualTo(last ? 0 : attempt);
            state = step.State;
        }
    }

    [Test]
    public async Task A_RESUMED_forgives_the_refusals_before_it()
    {
        ShardState state = State(ShardPhase.Resuming, session: true) with { RefusedResumes = 2 };

        state = Next(state, ShardInput.Resumed).State;
        state = Next(Reach(Next(state, ShardInput.Lost).State, ShardPhase.Resuming), ShardInput.Lost).State;

        await Assert.That((state.HasSession, state.RefusedResumes)).IsEqualTo((true, 1));
    }

    [Test]
    public async Task Failures_before_the_RESUME_was_sent_never_cost_the_session()
    {
        ShardState state = State(ShardPhase.Disconnected, session: true);
        for (int attempt = 0; attempt < 1_000; attempt++)
        {
            state = Reach(state, attempt % 2 == 0 ? ShardPhase.Connecting : ShardPhase.AwaitingHello);
            ShardStep step = Next(state, (attempt % 3) switch { 0 => ShardInput.Lost, 1 => ShardInput.TimedOut, _ => ShardInput.Unreadable });
            await Assert.That((step.State.HasSession, step.State.RefusedResumes)).IsEqualTo((true, 0));
            await Assert.That(step.Delay).IsLessThan(30_000);
            state = step.State;
        }
    }

    [Test]
    public async Task A_refused_upgrade_waits_as_long_as_it_is_asked_to()
    {
        ShardStep step = ShardLife.Next(
            State(ShardPhase.Connecting, session: true), new ShardSignal(ShardInput.Lost, 0, RetryAfter: 120), Now, new Random(1));

        await Assert.That(step.State.Phase).IsEqualTo(ShardPhase.Backoff);
        await Assert.That(step.Delay).IsBetween(120_000, 121_000);
    }

    [Test]
    public async Task Every_second_try_after_failures_goes_to_the_base_url()
    {
        IEnumerable<bool> uses = Enumerable.Range(0, 6).Select(failures => (State(ShardPhase.Connecting) with { Failures = failures }).UsesBaseUrl);

        await Assert.That(uses).IsEquivalentTo([false, false, false, true, false, true], TUnit.Assertions.Enums.CollectionOrdering.Matching);
    }

    [Test]
    public async Task Stopping_closes_what_is_open_and_nothing_starts_it_again()
    {
        foreach (ShardPhase phase in Enum.GetValues<ShardPhase>())
        {
            ShardStep step = Next(State(phase, permit: phase == ShardPhase.AwaitingHello), ShardInput.Stop);
            await Assert.That(step.State.Phase).IsEqualTo(ShardPhase.Stopped);
            await Assert.That(Has(step, ShardActions.CloseResumably)).IsEqualTo(Connected.Contains(phase));
            await Assert.That(Has(step, ShardActions.ReturnPermit)).IsEqualTo(phase == ShardPhase.AwaitingHello);
            foreach (ShardInput input in Enum.GetValues<ShardInput>())
            {
                await Assert.That(Next(step.State, input)).IsEqualTo(new ShardStep(step.State, ShardActions.None));
            }
        }
    }

    [Test]
    public async Task A_shard_that_is_held_back_closes_resumably_and_resumes_in_its_turn_when_there_is_room()
    {
        ShardStep step = Next(State(ShardPhase.Ready, session: true), ShardInput.HeldBack);
        await Assert.That(step.Actions).IsEqualTo(ShardActions.CloseResumably);
        await Assert.That(step.State.HasSession).IsTrue();

        step = Next(step.State, ShardInput.RoomCame);
        await Assert.That(step.State.Phase).IsEqualTo(ShardPhase.WaitingToResume);
        await Assert.That(step.Actions).IsEqualTo(ShardActions.RequestTurn);
    }

    [Test]
    public async Task A_resume_that_is_held_back_again_and_again_never_counts_against_its_session_nor_makes_it_wait()
    {
        ShardState state = State(ShardPhase.Disconnected, session: true);
        for (int i = 0; i < 100; i++)
        {
            state = Next(Reach(state, ShardPhase.Resuming), ShardInput.HeldBack).State;
            await Assert.That(state).IsEqualTo(State(ShardPhase.WaitingForRoom, session: true));
        }
    }

    [Test]
    public async Task The_time_before_a_shard_was_held_back_counts_as_work_when_it_was_long_enough()
    {
        ShardState young = State(ShardPhase.Ready, session: true) with { Failures = 3, Identifies = 2, ReadySince = Now - ShardLife.WorksAfter + 1 };
        ShardState stable = young with { ReadySince = Now - ShardLife.StableAfter };

        young = Next(young, ShardInput.HeldBack).State;
        stable = Next(stable, ShardInput.HeldBack).State;

        await Assert.That((young.Failures, young.Identifies)).IsEqualTo((3, 2));
        await Assert.That((stable.Failures, stable.Identifies)).IsEqualTo((0, 0));
    }

    [Test]
    public async Task A_shard_that_is_held_back_can_be_stopped()
    {
        ShardStep step = Next(State(ShardPhase.WaitingForRoom, session: true), ShardInput.Stop);

        await Assert.That(step).IsEqualTo(new ShardStep(State(ShardPhase.Stopped, session: true), ShardActions.None));
    }

    /// <summary>An owner that obeys, and a Discord that does whatever it likes.</summary>
    [Test]
    [Arguments(1)]
    [Arguments(2)]
    [Arguments(3)]
    [Arguments(4)]
    public async Task Whatever_happens_no_IDENTIFY_goes_without_a_permit_and_no_socket_beside_another(int seed)
    {
        Random random = new(seed);
        ShardInput[] inputs = Enum.GetValues<ShardInput>();
        int[] codes = [0, 0, 1000, 4000, 4001, 4006, 4007, 4009, 4999];
        int identifies = 0, resumes = 0, drops = 0, heldBack = 0;
        for (int life = 0; life < 2_000; life++)
        {
            ShardState state = State(ShardPhase.Disconnected, session: random.Next(2) == 0);
            bool socket = false, permit = false, requested = false, turn = false, waiting = false, session = state.HasSession;
            int sentInVain = 0;
            bool resumeSent = false;
            List<string> history = [];
            for (int i = 0; i < 200; i++)
            {
                ShardInput input = inputs[random.Next(inputs.Length)];
                if (!CanHappen(input, state.Phase, socket, requested, turn, waiting, random))
                {
                    continue;
                }

                ShardSignal signal = new(input, input == ShardInput.Lost ? codes[random.Next(codes.Length)] : 0, random.Next(9) == 0 ? 3 : null);
                ShardPhase before = state.Phase;
                ShardStep step = ShardLife.Next(state, signal, Now + i * 1_000, random);
                history.Add($"{before} {signal} -> {step}");
                bool wasSent = resumeSent;
                if (input is ShardInput.PermitGranted)
                {
                    (permit, requested) = (true, false);
                }

                turn &= input != ShardInput.TurnCame;
                if (input is ShardInput.Lost)
                {
                    socket = false;
                }

                waiting &= input != ShardInput.BackoffOver;
                string wrong = "";
                void Must(bool holds, string rule) => wrong = holds ? wrong : rule;
                if (Has(step, ShardActions.CloseResumably))
                {
                    Must(socket, "closes a socket that is not there");
                    socket = false;
                }

                if (Has(step, ShardActions.ReturnPermit))
                {
                    Must(permit, "returns a permit that it does not hold");
                    permit = false;
                }

                if (Has(step, ShardActions.DropSession))
                {
                    drops++;
                    Must(session, "drops no session");
                    bool refused = wasSent && sentInVain + 1 >= ShardLife.MaximumRefusedResumes && input != ShardInput.ReconnectRequested;
                    Must(
                        input == ShardInput.SessionInvalid || ShardLife.EndsSession(signal.CloseCode) || refused,
                        "drops a session that may live");
                    session = false;
                    sentInVain = 0;
                }
                else if (wasSent && !socket && input is not (ShardInput.Stop or ShardInput.ReconnectRequested or ShardInput.HeldBack))
                {
                    sentInVain++;
                    Must(sentInVain < ShardLife.MaximumRefusedResumes, "keeps a session that was refused three times");
                    Must(input != ShardInput.SessionInvalid, "keeps an invalid session");
                }

                if (input is ShardInput.Ready && before == ShardPhase.Identifying)
                {
                    (session, sentInVain) = (true, 0);
                }

                if (input is ShardInput.Resumed or ShardInput.Replayed)
                {
                    (resumeSent, sentInVain) = (false, 0);
                }

                resumeSent &= socket;
                if (Has(step, ShardActions.RequestPermit))
                {
                    Must(!requested && !permit && !socket, "asks for a second permit");
                    requested = true;
                }

                if (Has(step, ShardActions.RequestTurn))
                {
                    Must(!turn && !socket && session, "asks for a turn with nothing to resume");
                    turn = true;
                }

                if (Has(step, ShardActions.Connect))
                {
                    Must(!socket, "connects beside a socket");
                    Must(session || permit, "connects with neither session nor permit");
                    socket = true;
                }

                if (Has(step, ShardActions.SendIdentify))
                {
                    identifies++;
                    Must(socket && permit && !session, "identifies without a permit");
                    permit = false;
                }

                if (Has(step, ShardActions.SendResume))
                {
                    resumes++;
                    Must(socket && session && !permit, "resumes without a session");
                    resumeSent = true;
                }

                if (input == ShardInput.HeldBack && step.State.Phase != before)
                {
                    heldBack++;
                    Must(session && step.Actions == ShardActions.CloseResumably, "is held back with more than a closed socket");
                }

                if (Has(step, ShardActions.Wait))
                {
                    Must(!waiting && !socket && !permit && step.Delay > 0, "waits with something in hand");
                    waiting = true;
                }

                Must(step.State.HasSession == session, "knows another session than its owner");
                Must(step.State.HoldsPermit == permit, "knows another permit than its owner");
                Must(socket == Connected.Contains(step.State.Phase), "is in a phase that its socket is not in");
                Must(
                    socket || requested || turn || waiting || step.State.Phase is ShardPhase.Stopped or ShardPhase.Disconnected or ShardPhase.WaitingForRoom,
                    "waits for nothing that will ever happen");
                if (wrong.Length > 0)
                {
                    Assert.Fail($"seed {seed}: {wrong}\n{string.Join('\n', history.TakeLast(12))}");
                }

                state = step.State;
            }
        }

        await Assert.That(heldBack).IsGreaterThan(100);
        await Assert.That(identifies).IsGreaterThan(100);
        await Assert.That(resumes).IsGreaterThan(100);
        await Assert.That(drops).IsGreaterThan(100);
    }

    /// <summary>
    /// What an owner can tell: nothing about a socket that is not there, no permit that was not asked for. Now and then also something
    /// senseless.
    /// </summary>
    private static bool CanHappen(ShardInput input, ShardPhase phase, bool socket, bool requested, bool turn, bool waiting, Random random) => input switch
    {
        ShardInput.Stop => random.Next(100) == 0,
        ShardInput.HeldBack => random.Next(phase is ShardPhase.Ready or ShardPhase.Resuming ? 2 : 20) == 0,
        ShardInput.RoomCame => phase == ShardPhase.WaitingForRoom ? random.Next(3) == 0 : random.Next(20) == 0,
        ShardInput.Start => phase == ShardPhase.Disconnected || random.Next(20) == 0,
        ShardInput.TurnCame => turn,
        ShardInput.PermitConfirmed or ShardInput.PermitDenied => phase == ShardPhase.ConfirmingPermit,
        ShardInput.Replayed => phase == ShardPhase.Resuming,
        ShardInput.PermitGranted => requested && phase != ShardPhase.Stopped,
        ShardInput.BackoffOver => waiting,
        ShardInput.Opened => phase == ShardPhase.Connecting,
        ShardInput.Hello => phase >= ShardPhase.AwaitingHello && socket,
        ShardInput.Ready => phase == ShardPhase.Identifying,
        ShardInput.Resumed => phase == ShardPhase.Resuming,
        ShardInput.Lost => socket && random.Next(3) == 0,
        _ => socket && phase != ShardPhase.Connecting && random.Next(4) == 0,
    };

    private static ShardState State(ShardPhase phase, bool session = false, bool permit = false) =>
        ShardState.Initial(session) with { Phase = phase, HoldsPermit = permit };

    private static ShardStep Next(in ShardState state, ShardInput input, int code = 0) => ShardLife.Next(state, new ShardSignal(input, code), Now, new Random(7));

    /// <summary>Carries a shard with a session on to <paramref name="phase"/>.</summary>
    private static ShardState Reach(ShardState state, ShardPhase phase)
    {
        while (state.Phase != phase)
        {
            state = Next(state, state.Phase switch
            {
                ShardPhase.Disconnected => ShardInput.Start,
                ShardPhase.Backoff => ShardInput.BackoffOver,
                ShardPhase.WaitingForRoom => ShardInput.RoomCame,
                ShardPhase.WaitingToResume => ShardInput.TurnCame,
                ShardPhase.Connecting => ShardInput.Opened,
                ShardPhase.AwaitingHello => ShardInput.Hello,
                _ => throw new InvalidOperationException($"{state.Phase} does not lead to {phase}"),
            }).State;
        }

        return state;
    }

    private static bool Has(in ShardStep step, ShardActions action) => (step.Actions & action) != 0;
}
