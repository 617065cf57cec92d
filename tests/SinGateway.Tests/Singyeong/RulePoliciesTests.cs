using Microsoft.Extensions.Logging.Abstractions;
using SinGateway.Sessions;
using SinGateway.Singyeong;

namespace SinGateway.Tests.Singyeong;

/// <summary>Rules that change while dispatches of the former ones are on their way.</summary>
public sealed class RulePoliciesTests
{
    private static readonly UnroutedPolicy Drops = new(false, 0, "worker", false);

    private readonly Session _session = new(0, "session", null, 0);
    private long _seq;

    [Test]
    public async Task What_was_written_under_a_rule_that_drops_is_dropped_when_its_index_holds_now()
    {
        using Delivery delivery = Create(Drops);
        DispatchNonce old = Add(delivery);
        await Assert.That(delivery.TryUse([Holds(60_000)])).IsTrue();

        Send(delivery);
        delivery.ComeBack(old);

        await Assert.That((delivery.Unrouted, delivery.Lanes.Messages)).IsEqualTo((1, 0));
    }

    [Test]
    public async Task What_was_written_under_a_rule_that_holds_is_held_for_as_long_when_its_index_is_gone()
    {
        using Delivery delivery = Create(Drops, Holds(60_000));
        DispatchNonce old = Add(delivery, rule: 1);
        await Assert.That(delivery.TryUse([Drops])).IsTrue();

        Send(delivery);
        delivery.ComeBack(old);

        await Assert.That(delivery.Lanes.All.Single().First!.Deadline).IsEqualTo(60_000);
    }

    [Test]
    public async Task What_is_written_after_the_change_goes_by_the_new_rules()
    {
        using Delivery delivery = Create(Holds(60_000));
        Add(delivery);
        await Assert.That(delivery.TryUse([Holds(5_000)])).IsTrue();
        DispatchNonce fresh = Add(delivery);

        Send(delivery);
        delivery.ComeBack(fresh);

        await Assert.That(delivery.Lanes.All.Single().First!.Deadline).IsEqualTo(5_000);
    }

    [Test]
    public async Task Sets_that_no_dispatch_needs_any_more_make_room_for_others_without_end()
    {
        using Delivery delivery = Create(Holds(1));
        for (int i = 2; i < 5 * RulePolicies.MaximumSets; i++)
        {
            await Assert.That(delivery.TryUse([Holds(i)])).IsTrue();
            Add(delivery);
            Send(delivery);
            delivery.Acknowledge();
        }

        await Assert.That(delivery.IsConfirmed).IsTrue();
    }

    [Test]
    public async Task When_dispatches_of_all_sets_are_on_their_way_a_further_change_is_refused_and_changes_nothing()
    {
        using Delivery delivery = Create(Holds(1));
        Add(delivery);
        for (int i = 2; i <= RulePolicies.MaximumSets; i++)
        {
            await Assert.That(delivery.TryUse([Holds(i)])).IsTrue();
            Add(delivery);
        }

        await Assert.That(delivery.TryUse([Holds(100_000)])).IsFalse();
        DispatchNonce last = Add(delivery);
        Send(delivery);
        delivery.ComeBack(last);
        await Assert.That(delivery.Lanes.All.Single().First!.Deadline).IsEqualTo(RulePolicies.MaximumSets);
        delivery.Acknowledge();
        await Assert.That(delivery.TryUse([Holds(100_000)])).IsTrue();
    }

    [Test]
    public async Task The_same_rules_again_take_no_set()
    {
        using Delivery delivery = Create(Holds(1));
        for (int i = 0; i < 5 * RulePolicies.MaximumSets; i++)
        {
            Add(delivery);
            await Assert.That(delivery.TryUse([Holds(1)])).IsTrue();
        }
    }

    private static UnroutedPolicy Holds(long holdFor) => new(true, holdFor, "worker", false);

    private static Delivery Create(params UnroutedPolicy[] policies) => new(4 << 20, policies, () => 0, NullLogger.Instance);

    /// <summary>A dispatch of a target of its own, received at 0 ms.</summary>
    private DispatchNonce Add(Delivery delivery, int rule = 0)
    {
        FrameNote note = new() { SessionTag = DispatchNonce.Tag(_session.Tag), Seq = ++_seq, Rule = rule, Target = (ulong)_seq };
        delivery.Outbox.Reserve(10).Clear();
        delivery.Add(_session, 10, note);
        if (_session.Receive(_seq, forwarded: true, 0))
        {
            delivery.Barriers.Await(_session);
        }

        return new DispatchNonce(0, note.SessionTag, note.Seq, rule);
    }

    /// <summary>Everything, and a heartbeat behind it.</summary>
    private static void Send(Delivery delivery)
    {
        delivery.Barriers.Begin(delivery.Outbox.End);
        while (true)
        {
            switch (delivery.Next(out ReadOnlySpan<byte> bytes, stopAtBoundary: false))
            {
                case DeliveryPiece.Frames:
                    delivery.MarkSent(bytes.Length);
                    break;
                case DeliveryPiece.Heartbeat:
                    delivery.MarkHeartbeat();
                    break;
                default:
                    return;
            }
        }
    }
}
