using System.Text;
using SinGateway.Sessions;

namespace SinGateway.Tests.Sessions;

public sealed class SessionTests
{
    [Test]
    public async Task The_tag_is_eight_hexadecimal_digits_of_the_ids_hash()
    {
        // printf abc | sha256sum
        await Assert.That(Encoding.ASCII.GetString(new Session(0, "abc", null, -1).Tag)).IsEqualTo("ba7816bf");
    }

    [Test]
    public async Task A_heartbeat_before_the_first_event_has_no_seq() => await Assert.That(new Session(0, "a", null, -1).HeartbeatSeq(0)).IsEqualTo(-1);

    [Test]
    public async Task A_heartbeat_carries_the_committed_seq_while_it_lags_little()
    {
        Session session = Lagging(committed: 100, received: 1_099, since: 5_000);

        await Assert.That(session.HeartbeatSeq(5_000)).IsEqualTo(100);
        await Assert.That(session.HeartbeatSeq(49_999)).IsEqualTo(100);
    }

    [Test]
    public async Task A_heartbeat_carries_the_received_seq_at_a_lag_of_1000_events() =>
        await Assert.That(Lagging(committed: 100, received: 1_100, since: 5_000).HeartbeatSeq(5_000)).IsEqualTo(1_100);

    [Test]
    public async Task A_heartbeat_carries_the_received_seq_at_a_lag_of_45_seconds() =>
        await Assert.That(Lagging(committed: 100, received: 101, since: 5_000).HeartbeatSeq(50_000)).IsEqualTo(101);

    [Test]
    public async Task A_session_that_has_nothing_open_does_not_lag_however_old_it_is()
    {
        Session session = new(0, "a", null, 7);

        await Assert.That(session.HeartbeatSeq(1_000_000)).IsEqualTo(7);
        session.Receive(8, forwarded: true, now: 1_000_000);
        await Assert.That(session.HeartbeatSeq(1_000_001)).IsEqualTo(7);
    }

    [Test]
    public async Task A_heartbeat_of_a_new_session_carries_what_was_received_until_something_is_stored()
    {
        Session session = new(0, "a", null, -1);
        session.Receive(1, forwarded: true, now: 0);
        await Assert.That(session.HeartbeatSeq(0)).IsEqualTo(1);

        long covered = session.Cover();
        session.Receive(2, forwarded: true, now: 1);
        session.Commit(covered);
        await Assert.That(session.HeartbeatSeq(2)).IsEqualTo(2).Because("nothing is stored yet, so a crash would resume nothing");
        session.MarkStored(1, now: 3);
        await Assert.That(session.HeartbeatSeq(3)).IsEqualTo(1);
    }

    [Test]
    public async Task A_heartbeat_does_not_give_away_what_is_committed_and_not_stored()
    {
        Session session = new(0, "a", null, 1);
        session.Receive(2, forwarded: true, now: 0);
        session.Commit(session.Cover());

        await Assert.That(session.Committed).IsEqualTo(2);
        await Assert.That(session.HeartbeatSeq(1)).IsEqualTo(1);
        session.MarkStored(2, now: 2);
        await Assert.That(session.HeartbeatSeq(2)).IsEqualTo(2);
    }

    [Test]
    public async Task An_older_save_that_ends_late_takes_nothing_back()
    {
        Session session = new(0, "a", null, 9);
        session.MarkStored(5, now: 0);

        await Assert.That(session.Stored).IsEqualTo(9);
    }

    [Test]
    public async Task An_event_that_nobody_wants_is_settled_at_once()
    {
        Session session = new(0, "a", null, -1);

        await Assert.That(session.Receive(1, forwarded: false, now: 0)).IsFalse();
        await Assert.That(session.Committed).IsEqualTo(1);
    }

    [Test]
    public async Task An_event_that_nobody_wants_waits_for_the_forwarded_ones_before_it()
    {
        Session session = new(0, "a", null, -1);
        await Assert.That(session.Receive(1, forwarded: true, now: 0)).IsTrue();
        await Assert.That(session.Receive(2, forwarded: false, now: 0)).IsFalse();
        await Assert.That(session.Committed).IsEqualTo(-1);

        long first = session.Cover();
        await Assert.That(session.Receive(3, forwarded: false, now: 0)).IsTrue().Because("the open barrier does not cover it");
        session.Commit(first);
        await Assert.That(session.Committed).IsEqualTo(2);
        session.Commit(session.Cover());
        await Assert.That(session.Committed).IsEqualTo(3);
    }

    [Test]
    public async Task A_spooled_event_is_not_committed_before_it_is_settled()
    {
        Session session = new(0, "a", null, -1);
        session.Receive(1, forwarded: false, now: 0);
        session.Spool(2);
        session.Receive(2, forwarded: false, now: 0);
        session.Receive(3, forwarded: false, now: 0);
        await Assert.That(session.Committed).IsEqualTo(1);

        session.SettleSpooled(2);
        await Assert.That(session.Committed).IsEqualTo(3).Because("what came behind needed nothing more");
    }

    [Test]
    public async Task A_barrier_behind_spooled_events_does_not_commit_them()
    {
        Session session = new(0, "a", null, -1);
        session.Receive(1, forwarded: true, now: 0);
        session.Spool(2);
        session.Receive(2, forwarded: false, now: 0);
        session.Spool(5);
        session.Receive(5, forwarded: false, now: 0);

        session.Commit(session.Cover());
        await Assert.That(session.Committed).IsEqualTo(1);
        session.SettleSpooled(2);
        await Assert.That(session.Committed).IsEqualTo(2).Because("the next one may be 3");
        session.SettleSpooled(5);
        await Assert.That(session.Committed).IsEqualTo(5);
    }

    [Test]
    public async Task What_is_settled_in_the_spool_waits_for_what_is_on_its_way()
    {
        Session session = new(0, "a", null, -1);
        session.Receive(1, forwarded: true, now: 0);
        session.Spool(2);
        session.Receive(2, forwarded: false, now: 0);

        session.SettleSpooled(2);
        await Assert.That(session.Committed).IsEqualTo(-1);
        session.Commit(session.Cover());
        await Assert.That(session.Committed).IsEqualTo(2);
    }

    [Test]
    public async Task A_spooled_event_and_a_held_one_each_keep_back_what_follows_them()
    {
        Session session = new(0, "a", null, -1);
        session.Hold(2, rule: 0);
        session.Spool(3);
        session.Receive(4, forwarded: false, now: 0);
        await Assert.That(session.Committed).IsEqualTo(1);

        session.Settle(2, rule: 0);
        await Assert.That(session.Committed).IsEqualTo(2);
        session.SettleSpooled(3);
        await Assert.That(session.Committed).IsEqualTo(4);
    }

    private static Session Lagging(long committed, long received, long since)
    {
        Session session = new(0, "a", null, committed);
        for (long seq = committed + 1; seq <= received; seq++)
        {
            session.Receive(seq, forwarded: true, now: since);
        }

        return session;
    }
}
