using Microsoft.Extensions.Logging.Abstractions;
using SinGateway.Sessions;
using SinGateway.Singyeong;

namespace SinGateway.Tests.Singyeong;

/// <summary>Corners of <see cref="Delivery"/> that random lives seldom meet: what waits in a lane, and what the server fails on.</summary>
public sealed class DeliveryTests
{
    private const ulong Target = 7;

    private readonly Session _session = new(0, "abc", null, 0);
    private readonly Clock _clock = new();

    [Test]
    public async Task Messages_of_one_lane_expire_each_after_the_time_of_its_own_rule()
    {
        using Delivery delivery = Create(Holds(60_000), Holds(10_000));
        DispatchNonce first = Add(delivery, rule: 0);
        Send(delivery);
        delivery.ComeBack(first);
        Add(delivery, rule: 1);
        Add(delivery, rule: 0);
        Add(delivery, rule: 1);

        _clock.Now = 9_999;
        await Assert.That(delivery.Expire()).IsEqualTo(0);
        _clock.Now = 10_000;
        await Assert.That(delivery.NextDue <= _clock.Now).IsTrue();
        await Assert.That(delivery.Expire()).IsEqualTo(2);

        await Assert.That(string.Join(' ', Held(delivery))).IsEqualTo("1 3");
        _clock.Now = 60_000;
        await Assert.That(delivery.Expire()).IsEqualTo(2);
        await Assert.That((delivery.Lanes.Count, delivery.Lanes.Messages, delivery.Lanes.Bytes)).IsEqualTo((0, 0, 0L));
        await Assert.That(delivery.NextDue).IsNull();
    }

    [Test]
    public async Task A_message_that_is_on_its_way_again_does_not_expire_and_those_behind_it_do()
    {
        using Delivery delivery = Create(Holds(5_000));
        DispatchNonce first = Add(delivery);
        Send(delivery);
        delivery.ComeBack(first);
        delivery.Acknowledge();
        Add(delivery);
        _clock.Now = 5_000;
        Send(delivery);

        await Assert.That(delivery.Expire()).IsEqualTo(1);
        await Assert.That(string.Join(' ', Held(delivery))).IsEqualTo("1");
        delivery.Acknowledge();
        await Assert.That(delivery.Lanes.Messages).IsEqualTo(0);
    }

    [Test]
    public async Task A_worker_that_connects_while_a_retry_is_under_way_is_tried_at_once_when_that_comes_back()
    {
        using Delivery delivery = Create(Holds(1_000_000));
        DispatchNonce first = Add(delivery);
        Send(delivery);
        delivery.ComeBack(first);
        delivery.Acknowledge();
        _clock.Now = 500_000;
        Send(delivery);
        delivery.ReceiverConnected("worker");
        delivery.ComeBack(first);
        delivery.Acknowledge();

        await Assert.That(delivery.Lanes.All.Single().RetryAt).IsEqualTo(_clock.Now);
        Send(delivery);
        delivery.ComeBack(first);
        delivery.Acknowledge();
        await Assert.That(delivery.Lanes.All.Single().RetryAt).IsGreaterThan(_clock.Now).Because("nobody has come since");
    }

    [Test]
    public async Task A_retry_on_which_the_server_fails_three_times_is_poison_when_a_no_route_would_be_answered()
    {
        using Delivery delivery = Create(Holds(1_000_000));
        List<long> poison = [];
        delivery.Poisoned += (in FrameNote note, ReadOnlySpan<byte> frame) => poison.Add(frame.Length == 10 ? note.Seq : 0);
        DispatchNonce first = Add(delivery);
        Send(delivery);
        delivery.ComeBack(first);
        delivery.Acknowledge();
        Add(delivery);
        _clock.Now = Lane.FirstRetry;
        for (int i = 0; i < Delivery.MaximumStrikes; i++)
        {
            await Assert.That(poison).IsEmpty();
            Send(delivery);
            delivery.Lose(LossCause.ServerFailed);
        }

        await Assert.That(string.Join(' ', poison)).IsEqualTo("1");
        await Assert.That(delivery.Poisonous).IsEqualTo(1);
        Send(delivery);
        delivery.Acknowledge();
        await Assert.That(delivery.Lanes.Messages).IsEqualTo(0);
        Send(delivery);
        delivery.Acknowledge();
        await Assert.That(_session.Committed).IsEqualTo(2);
    }

    [Test]
    public async Task A_retry_on_which_the_server_fails_waits_on_when_that_is_how_it_says_no_route()
    {
        using Delivery delivery = Create(new UnroutedPolicy(true, 1_000_000, "worker", CostsConnection: true));
        Add(delivery);
        Send(delivery);
        delivery.Lose(LossCause.ServerFailed);
        for (int i = 0; i < 5; i++)
        {
            _clock.Now += Lane.CostlyRetry;
            Send(delivery);
            delivery.Lose(LossCause.ServerFailed);
        }

        await Assert.That((delivery.Poisonous, delivery.Lanes.Messages)).IsEqualTo((0L, 1));
    }

    [Test]
    public async Task A_retry_of_which_not_all_was_sent_is_not_blamed()
    {
        using Delivery delivery = Create(new UnroutedPolicy(true, 1_000_000, "worker", CostsConnection: true));
        Add(delivery);
        Send(delivery);
        delivery.Lose(LossCause.ServerFailed);
        _clock.Now += Lane.CostlyRetry;
        long due = delivery.Lanes.All.Single().RetryAt;
        delivery.Next(out _, stopAtBoundary: false);
        delivery.MarkSent(9);
        delivery.Lose(LossCause.ServerFailed);

        await Assert.That(delivery.Lanes.All.Single().RetryAt).IsEqualTo(due);
    }

    [Test]
    public async Task A_refused_message_is_poison_even_where_a_no_route_costs_the_connection()
    {
        using Delivery delivery = Create(new UnroutedPolicy(true, 1_000_000, "worker", CostsConnection: true));
        Add(delivery);
        for (int i = 0; i < Delivery.MaximumStrikes; i++)
        {
            await Assert.That(delivery.Poisonous).IsEqualTo(0);
            Send(delivery);
            delivery.Lose(LossCause.MessageRefused);
        }

        await Assert.That((delivery.Poisonous, delivery.Lanes.Messages)).IsEqualTo((1L, 0));
    }

    [Test]
    public async Task A_retry_that_the_socket_does_not_take_keeps_nothing_of_the_stream_out_of_its_lane()
    {
        using Delivery delivery = Create(Holds(1_000_000));
        DispatchNonce first = Add(delivery, target: 1);
        Send(delivery);
        delivery.ComeBack(first);
        delivery.Acknowledge();
        _clock.Now = Lane.FirstRetry;
        delivery.Next(out ReadOnlySpan<byte> bytes, stopAtBoundary: false);
        delivery.MarkBlocked(bytes.Length + 1_000);
        DispatchNonce refused = Add(delivery, target: 2);
        Add(delivery, target: 2);
        delivery.ComeBack(refused);

        await Assert.That(delivery.Lanes.Messages).IsEqualTo(3);
    }

    private static UnroutedPolicy Holds(long holdFor) => new(true, holdFor, "worker", CostsConnection: false);

    private static IEnumerable<long> Held(Delivery delivery) => delivery.Lanes.All.SelectMany(lane => lane.Dispatches).Select(dispatch => dispatch.Note.Seq);

    private Delivery Create(params UnroutedPolicy[] policies) => new(4 << 20, policies, () => _clock.Now, NullLogger.Instance);

    /// <summary>A dispatch of ten bytes, received now.</summary>
    private DispatchNonce Add(Delivery delivery, int rule = 0, ulong target = Target)
    {
        FrameNote note = new() { SessionTag = DispatchNonce.Tag(_session.Tag), Seq = ++_clock.Seq, Rule = rule, Target = target, ReceivedAt = _clock.Now };
        delivery.Outbox.Reserve(10).Clear();
        delivery.Add(_session, 10, note);
        if (_session.Receive(note.Seq, forwarded: true, _clock.Now))
        {
            delivery.Barriers.Await(_session);
        }

        return new DispatchNonce(0, note.SessionTag, note.Seq, rule);
    }

    /// <summary>Everything that may be sent now, and a heartbeat behind it.</summary>
    private static void Send(Delivery delivery)
    {
        if (delivery.IsBarrierDue)
        {
            delivery.Barriers.Begin(delivery.Outbox.End);
        }

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

    /// <summary>The loop's ms, and the last event's number.</summary>
    private sealed class Clock
    {
        public long Now { get; set; }

        public long Seq { get; set; }
    }
}
