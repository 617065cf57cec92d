using Microsoft.Extensions.Logging.Abstractions;
using SinGateway.Sessions;
using SinGateway.Singyeong;
using SinGateway.Spooling;
using SinGateway.Tests.Fixtures;
using SinGateway.Tests.Spooling;
using static TUnit.Assertions.Enums.CollectionOrdering;

namespace SinGateway.Tests.SpoolFeeding;

/// <summary>One thing at a time of what <see cref="SpoolFeedModelTests"/> has at random.</summary>
public sealed class SpoolFeedTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly RecordingOutlet _outlet = new();
    private Session _session = new(0, "session", null, -1);
    private SpoolUnderTest _spool = null!;
    private SpoolFeed _feed = null!;
    private string _path = "";

    public SpoolFeedTests() => Begin(commits: true);

    public void Dispose()
    {
        _spool.Dispose();
        _directory.Dispose();
    }

    [Test]
    public async Task Without_room_and_while_something_is_unread_events_go_through_the_spool()
    {
        _outlet.HasRoom = true;
        await Assert.That(_feed.Takes(_outlet)).IsFalse();

        _outlet.HasRoom = false;
        await Assert.That(_feed.Takes(_outlet)).IsTrue();
        Put(1);
        _outlet.HasRoom = true;
        await Assert.That(_feed.Takes(_outlet)).IsTrue().Because("the first is still before it");
        Put(2);
        _feed.GoOn();
        await Assert.That(_outlet.Forwarded).IsEquivalentTo([(1L, 1L), (2L, 2L)], Matching);
        await Assert.That(_feed.Takes(_outlet)).IsFalse();
    }

    [Test]
    public async Task With_the_leave_to_commit_an_event_is_settled_on_the_disk()
    {
        Put(1);
        Put(2);
        await Assert.That(_session.Committed).IsLessThan(1);

        _spool.Thread.RunAll();
        await Assert.That(_session.Committed).IsEqualTo(2);
    }

    [Test]
    public async Task Without_it_an_event_is_settled_when_everything_up_to_it_has_arrived()
    {
        Begin(commits: false);
        Put(1);
        Put(2);
        Put(3);
        _spool.Thread.RunAll();
        _outlet.HasRoom = true;
        _feed.GoOn();
        await Assert.That(_session.Committed).IsLessThan(1);

        Settle(2, 3);
        await Assert.That(_session.Committed).IsLessThan(1);
        Settle(1);
        await Assert.That(_session.Committed).IsEqualTo(3);
        await Assert.That(_spool.Spool.Confirmed).IsEqualTo(3);
    }

    [Test]
    public async Task A_session_that_has_ended_takes_nothing_with_it()
    {
        Begin(commits: false);
        Session old = _session;
        Put(5);
        BeginSession(0, "its successor", committed: -1);
        Put(1);
        _outlet.HasRoom = true;
        _feed.GoOn();

        Settle(1);
        await Assert.That(_session.Committed).IsLessThan(1);
        Settle(2);
        await Assert.That(_session.Committed).IsEqualTo(1);
        await Assert.That(old.Committed).IsLessThanOrEqualTo(5);
    }

    [Test]
    public async Task An_event_that_the_spool_refuses_is_parked_and_goes_first_when_there_is_room()
    {
        bool wentOn = false;
        _feed.RoomCame += () => wentOn = true;
        Fail(FaultyFiles.NoSpace);
        Put(1);
        _spool.Thread.RunAll();
        Put(2);
        await Assert.That(_feed.HasRoom).IsFalse();
        Put(3);

        Fail(0);
        _spool.PassTime();
        _feed.GoOn();
        await Assert.That(_feed.HasRoom).IsTrue();
        await Assert.That(wentOn).IsTrue();
        Put(4);
        _outlet.HasRoom = true;
        _feed.GoOn();
        await Assert.That(_outlet.Forwarded.Select(record => record.Seq)).IsEquivalentTo([1L, 2, 3, 4], Matching);
    }

    [Test]
    public async Task A_parked_event_is_not_committed()
    {
        Fail(FaultyFiles.NoSpace);
        Put(1);
        _spool.Thread.RunAll();
        Put(2);
        Fail(0);
        _spool.PassTime();
        await Assert.That(_session.Committed).IsEqualTo(1).Because("the first is on the disk, the second in memory only");

        _feed.GoOn();
        _spool.Thread.RunAll();
        await Assert.That(_session.Committed).IsEqualTo(2);
    }

    [Test]
    public async Task A_disk_that_stays_broken_does_not_keep_a_parked_event_from_an_outbox_with_room()
    {
        Fail(FaultyFiles.InputOutput);
        Put(1);
        _spool.Thread.RunAll();
        Put(2);
        _outlet.HasRoom = true;
        _feed.GoOn();
        await Assert.That(_outlet.Forwarded).IsEquivalentTo([(1L, 1L)]);
        _feed.GoOn();
        await Assert.That(_outlet.Late).IsEquivalentTo([2L]);
        await Assert.That(_feed.HasRoom).IsTrue();
        await Assert.That(_spool.Spool.IsFailing).IsTrue();
    }

    [Test]
    public async Task What_has_arrived_is_settled_though_the_disk_is_broken()
    {
        Fail(FaultyFiles.InputOutput);
        Put(1);
        _spool.Thread.RunAll();
        _outlet.HasRoom = true;
        _feed.GoOn();
        Settle(1);

        await Assert.That(_session.Committed).IsEqualTo(1);
    }

    [Test]
    public async Task An_event_that_fits_nowhere_is_set_aside_and_holds_nothing_up()
    {
        _outlet.MaximumEvent = 100;
        bool taken = _feed.Put(_outlet, _session, 1, new byte[101]);
        _session.Receive(1, forwarded: false, now: 0);
        _spool.Thread.RunAll();

        await Assert.That(taken).IsFalse();
        await Assert.That(_session.Committed).IsEqualTo(1);
        await Assert.That(Directory.GetFiles(Path.Combine(_spool.Path, "poison"))).HasSingleItem();
    }

    [Test]
    public async Task An_event_that_no_rule_takes_any_more_is_confirmed()
    {
        Put(1);
        _outlet.Copies = 0;
        _outlet.HasRoom = true;
        _feed.GoOn();

        await Assert.That(_spool.Spool.Confirmed).IsEqualTo(1);
    }

    [Test]
    public async Task A_turn_of_the_loop_forwards_a_part()
    {
        for (int seq = 1; seq <= 200; seq++)
        {
            Put(seq, size: 2_000);
        }

        _outlet.HasRoom = true;
        _feed.GoOn();
        int first = _outlet.Forwarded.Count;
        _feed.GoOn();

        await Assert.That(first).IsBetween(100, 150);
        await Assert.That(_outlet.Forwarded.Count).IsEqualTo(200);
    }

    [Test]
    public async Task What_an_earlier_process_left_comes_first_and_settles_nothing_of_the_same_session()
    {
        Begin(commits: false);
        Put(1);
        Put(2);
        _spool.Thread.RunAll();
        Restart(commits: false);
        BeginSession(0, "session", committed: 0);
        _outlet.HasRoom = true;
        await Assert.That(_feed.Takes(_outlet)).IsTrue();

        // Discord sends it again, since it was not committed.
        Put(1);
        for (int i = 0; i < 3; i++)
        {
            _spool.Thread.RunAll();
            _feed.GoOn();
        }

        await Assert.That(_outlet.Forwarded.Select(record => record.Seq)).IsEquivalentTo([1L, 2, 1], Matching);
        Settle(1, 2);
        await Assert.That(_session.Committed).IsLessThan(1);
        Settle(3);
        await Assert.That(_session.Committed).IsEqualTo(1);
    }

    [Test]
    public async Task An_event_of_a_shard_that_is_not_ours_any_more_is_forwarded_all_the_same()
    {
        BeginSession(99, "of another count", committed: -1);
        Put(1);
        _spool.Thread.RunAll();
        Restart(commits: true);
        _outlet.HasRoom = true;
        _spool.Thread.RunAll();
        _feed.GoOn();

        await Assert.That(_outlet.Forwarded).HasSingleItem();
    }

    [Test]
    public async Task Damage_at_the_end_keeps_no_session_waiting()
    {
        Begin(commits: false);
        Put(1);
        _spool.Thread.RunAll();
        // Behind what waits in memory, so that it is read from the disk.
        for (int seq = 2; seq <= 400; seq++)
        {
            Put(seq, size: 2_000);
            _spool.Thread.RunAll();
        }

        Damage();
        _outlet.HasRoom = true;
        for (int i = 0; i < 50; i++)
        {
            _feed.GoOn();
            _spool.PassTime();
            Settle([.. _outlet.Forwarded.Select(record => record.Number)]);
        }

        await Assert.That(_spool.Spool.Lost).IsGreaterThan(0);
        await Assert.That(_spool.Spool.Confirmed).IsEqualTo(400);
        await Assert.That(_session.Committed).IsEqualTo(400);
    }

    [Test]
    [Arguments(true)]
    [Arguments(false)]
    public async Task A_message_that_moved_from_its_lane_is_sent_from_there_and_confirmed_with_it(bool settledBeforeRead)
    {
        _session.Receive(1, forwarded: false, now: 0);
        HeldDispatch held = Held(2);
        Put(1);
        long number = _feed.TryMove(held, "{}"u8);
        Put(3);
        await Assert.That(number).IsEqualTo(2);
        _spool.Thread.RunAll();
        await Assert.That(_session.Committed).IsEqualTo(3).Because("it is on the disk, and needs the session no more");

        if (settledBeforeRead)
        {
            Settle(2);
        }

        _outlet.HasRoom = true;
        _feed.GoOn();
        await Assert.That(_outlet.Forwarded).IsEquivalentTo([(1L, 1L), (3L, 3L)], Matching);
        Settle(1, 3);
        await Assert.That(_spool.Spool.Confirmed).IsEqualTo(settledBeforeRead ? 3 : 1);
        Settle(2);
        await Assert.That(_spool.Spool.Confirmed).IsEqualTo(3);
    }

    [Test]
    public async Task A_message_stays_in_its_lane_while_the_spool_has_no_room()
    {
        Fail(FaultyFiles.NoSpace);
        Put(1);
        _spool.Thread.RunAll();

        await Assert.That(_feed.TryMove(Held(2), "{}"u8)).IsEqualTo(0);
        await Assert.That(_feed.TryMove(Held(2), default)).IsEqualTo(-1).Because("what cannot be read back never moves");
    }

    [Test]
    public async Task After_the_stop_nothing_is_forwarded_and_closing_settles_what_is_on_the_disk()
    {
        Put(1);
        _feed.Stop();
        _outlet.HasRoom = true;
        _feed.GoOn();
        bool closed = false;
        _feed.Close(() => closed = true);
        _spool.Thread.RunAll();

        await Assert.That(_outlet.Forwarded).IsEmpty();
        await Assert.That(closed).IsTrue();
        await Assert.That(_session.Committed).IsEqualTo(1);
    }

    private static HeldDispatch Held(long seq, Session session)
    {
        session.Hold(seq, rule: 0);
        return new HeldDispatch(new FrameNote { ShardId = session.ShardId, SessionTag = DispatchNonce.Tag(session.Tag), Seq = seq }, session, [1], deadline: 0);
    }

    private HeldDispatch Held(long seq) => Held(seq, _session);

    private void BeginSession(int shard, string id, long committed) => _session = new Session(shard, id, null, committed);

    private void Put(long seq, int size = 10)
    {
        _feed.Put(_outlet, _session, seq, new byte[size]);
        _session.Receive(seq, forwarded: false, now: 0);
    }

    private void Settle(params long[] numbers)
    {
        Array.ForEach(numbers, _feed.Settle);
        _feed.GoOn();
    }

    private void Fail(int error) => _spool.Files.Fault = (call, _) => call is "write" or "create" ? error : 0;

    /// <summary>A bit of the last segment's last record is turned.</summary>
    private void Damage()
    {
        string path = _spool.SegmentFiles[^1];
        byte[] content = File.ReadAllBytes(path);
        content[^1] ^= 1;
        File.WriteAllBytes(path, content);
    }

    private void Begin(bool commits)
    {
        _path = Directory.CreateDirectory(_directory.File($"spool-{commits}")).FullName;
        Restart(commits);
    }

    private void Restart(bool commits)
    {
        _spool?.Dispose();
        _outlet.Forwarded.Clear();
        _outlet.HasRoom = false;
        _spool = new SpoolUnderTest(new SpoolOptions { Directory = _path, MemoryLimit = 512 * 1024, BlockSize = 64 * 1024 }, start: false);
        _feed = new SpoolFeed(_spool.Loop, _spool.Spool, commits, NullLogger.Instance);
        _feed.Add(_outlet, [0]);
        _feed.Start();
        _spool.Thread.RunAll();
    }
}
