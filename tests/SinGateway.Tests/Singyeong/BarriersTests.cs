using SinGateway.Sessions;
using SinGateway.Singyeong;

namespace SinGateway.Tests.Singyeong;

public sealed class BarriersTests
{
    /// <summary>
    /// The model is a server that handles one connection's messages in order and acknowledges each heartbeat when it gets to it. G2:
    /// committed is never ahead of what it has handled, and catches up when everything is acknowledged.
    /// </summary>
    [Test]
    [Arguments(1)]
    [Arguments(2)]
    [Arguments(3)]
    [Arguments(4)]
    public async Task Committed_is_never_ahead_of_what_the_server_has_handled(int seed)
    {
        Random random = new(seed);
        long commits = 0;
        for (int life = 0; life < 200; life++)
        {
            Barriers barriers = new();
            List<Session> sessions = [.. Enumerable.Range(0, 4).Select(shard => new Session(shard, $"{life}/{shard}", null, -1))];
            Dictionary<Session, SortedSet<long>> unhandled = sessions.ToDictionary(session => session, _ => new SortedSet<long>());
            List<(Session Session, long Seq)> outbox = [];
            int sent = 0, handled = 0, confirmed = 0;
            Queue<int> heartbeats = new();
            for (int i = 0; i < 400; i++)
            {
                switch (random.Next(8))
                {
                    case 0 or 1 or 2:
                        Session session = sessions[random.Next(sessions.Count)];
                        long seq = session.Received + 1 + random.Next(2);
                        bool forwarded = random.Next(3) > 0;
                        if (forwarded)
                        {
                            outbox.Add((session, seq));
                            unhandled[session].Add(seq);
                        }

                        if (session.Receive(seq, forwarded, i))
                        {
                            barriers.Await(session);
                        }

                        break;
                    case 3 when barriers.IsDue || random.Next(4) == 0:
                        barriers.Begin(outbox.Count);
                        break;
                    case 4:
                        sent = Math.Min(sent + random.Next(4), (int)(barriers.NextUnsent() ?? outbox.Count));
                        if (barriers.NextUnsent() == sent)
                        {
                            barriers.MarkSent();
                            heartbeats.Enqueue(sent);
                        }

                        break;
                    case 5 or 6 when heartbeats.TryDequeue(out int upTo):
                        // The server handles everything up to the heartbeat, and its ack arrives.
                        for (; handled < upTo; handled++)
                        {
                            unhandled[outbox[handled].Session].Remove(outbox[handled].Seq);
                        }

                        confirmed = (int)barriers.Acknowledge()!.Value;
                        commits++;
                        if (confirmed != upTo)
                        {
                            Assert.Fail($"seed {seed}, life {life}: the ack of {upTo} confirms {confirmed}");
                        }

                        break;
                    case 7 when random.Next(10) == 0:
                        // The connection is lost, and with it every answer; the next one begins at what is confirmed.
                        barriers.Rewind();
                        heartbeats.Clear();
                        sent = confirmed;
                        break;
                    case 7 when random.Next(10) == 0:
                        // Discord begins a new session of a shard.
                        int shard = random.Next(sessions.Count);
                        sessions[shard] = new Session(shard, $"{life}/{shard}/{i}", null, -1);
                        unhandled[sessions[shard]] = [];
                        break;
                }

                foreach (Session session in sessions)
                {
                    long open = unhandled[session].Count > 0 ? unhandled[session].Min : long.MaxValue;
                    if (session.Committed >= open || session.Committed > session.Received)
                    {
                        Assert.Fail($"seed {seed}, life {life}, step {i}: {session.Committed} is committed, {open} is not handled");
                    }
                }
            }

            barriers.Begin(outbox.Count);
            while (barriers.NextUnsent() is not null)
            {
                barriers.MarkSent();
            }

            while (barriers.Acknowledge() is not null)
            {
            }

            await Assert.That(barriers.IsSettled).IsTrue();
            await Assert.That(sessions.All(session => session.Committed == session.Received)).IsTrue();
        }

        await Assert.That(commits).IsGreaterThan(1_000);
    }

    [Test]
    public async Task A_late_confirmation_of_an_old_session_does_not_touch_the_new_one()
    {
        Barriers barriers = new();
        Session old = new(0, "old", null, -1), young = new(0, "new", null, -1);
        old.Receive(500, forwarded: true, 0);
        barriers.Await(old);
        barriers.Begin(100);
        barriers.MarkSent();
        young.Receive(1, forwarded: true, 0);
        barriers.Await(young);

        barriers.Acknowledge();

        await Assert.That(old.Committed).IsEqualTo(500);
        await Assert.That(young.Committed).IsEqualTo(-1);
    }

    [Test]
    public async Task An_ack_that_was_not_asked_for_confirms_nothing()
    {
        Barriers barriers = new();
        barriers.Begin(10);

        await Assert.That(barriers.Acknowledge()).IsNull();
        await Assert.That(barriers.Open).IsEqualTo(1);
    }

    [Test]
    public async Task After_a_lost_connection_every_open_barrier_is_sent_again_where_it_was()
    {
        Barriers barriers = new();
        barriers.Begin(10);
        barriers.Begin(20);
        barriers.MarkSent();
        barriers.MarkSent();
        barriers.Acknowledge();
        await Assert.That(barriers.NextUnsent()).IsNull();

        barriers.Rewind();

        await Assert.That(barriers.NextUnsent()).IsEqualTo(20);
        await Assert.That(barriers.LastPosition).IsEqualTo(20);
    }
}
