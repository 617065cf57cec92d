using Microsoft.Extensions.Time.Testing;
using SinGateway.Operations;

namespace SinGateway.Tests.Operations;

public sealed class StatusBoardTests
{
    [Test]
    public async Task Nothing_is_read_before_something_is_published()
    {
        StatusBoard board = Board(TimeProvider.System);
        await Assert.That(board.Read()).IsNull();
        board.Begin(Create);
        board.Write().ShardCount = 1;

        await Assert.That(board.Read()).IsNull();
    }

    [Test]
    public async Task The_newest_snapshot_is_read_again_and_again()
    {
        StatusBoard board = Board(TimeProvider.System);
        board.Begin(Create);
        for (int count = 1; count <= 5; count++)
        {
            board.Write().ShardCount = count;
            board.Publish();
        }

        await Assert.That(board.Read()!.ShardCount).IsEqualTo(5);
        await Assert.That(board.Read()!.ShardCount).IsEqualTo(5);
    }

    [Test]
    public async Task A_snapshot_is_whole_and_never_older_than_the_one_before_whatever_the_threads_do()
    {
        const int Rounds = 300_000;
        StatusBoard board = Board(TimeProvider.System);
        board.Begin(Create);
        Thread writer = new(() =>
        {
            for (int count = 1; count <= Rounds; count++)
            {
                StatusSnapshot snapshot = board.Write();
                snapshot.ShardCount = count;
                snapshot.EventCounts.AsSpan().Fill(count);
                board.Publish();
            }
        });
        writer.Start();
        int faults = 0, last = 0;
        while (last < Rounds)
        {
            if (board.Read() is { } snapshot)
            {
                faults += snapshot.ShardCount < last || snapshot.EventCounts.AsSpan().ContainsAnyExcept(snapshot.ShardCount) ? 1 : 0;
                last = snapshot.ShardCount;
            }
        }

        writer.Join();
        await Assert.That(faults).IsEqualTo(0);
    }

    [Test]
    public async Task A_loop_that_is_silent_for_ten_seconds_is_stalled_until_it_publishes()
    {
        FakeTimeProvider time = new(DateTimeOffset.UnixEpoch.AddDays(1));
        StatusBoard board = Board(time);
        board.Begin(Create);
        board.Publish();
        time.Advance(TimeSpan.FromSeconds(9.9));
        await Assert.That(board.IsStalled).IsFalse();

        time.Advance(TimeSpan.FromSeconds(0.1));
        await Assert.That((board.IsStalled, board.Read()!.Stalled, board.Read()!.Age)).IsEqualTo((true, true, 10_000));

        board.Publish();
        await Assert.That((board.IsStalled, board.Read()!.Stalled, board.Read()!.Age)).IsEqualTo((false, false, 0));
    }

    [Test]
    public async Task A_start_that_takes_long_is_no_stall()
    {
        FakeTimeProvider time = new();
        StatusBoard board = Board(time);

        time.Advance(TimeSpan.FromHours(1));

        await Assert.That(board.IsStalled).IsFalse();
    }

    [Test]
    public async Task A_process_that_stands_by_tells_nothing_of_the_loop_that_it_had_and_is_no_stall()
    {
        FakeTimeProvider time = new();
        StatusBoard board = Board(time);
        board.Begin(Create);
        board.Publish();

        board.StandBy();
        time.Advance(TimeSpan.FromHours(1));

        await Assert.That(board.Read()).IsNull();
        await Assert.That(board.IsStalled).IsFalse();
        board.Begin(Create);
        board.Write().ShardCount = 3;
        board.Publish();
        await Assert.That(board.Read()!.ShardCount).IsEqualTo(3);
    }

    private static StatusBoard Board(TimeProvider time) => new(new StatusProcess(0, "127.0.0.1:4567"), new FaultLog(time), time);

    private static StatusSnapshot Create() => new(new StatusProcess(0, "127.0.0.1:4567"), 1, 1, 1);
}
