using System.Text;
using SinGateway.Discord;
using SinGateway.Singyeong;

namespace SinGateway.Tests.Singyeong;

/// <summary>What the shards do while there is no room (G13): every situation, and years of absences at random.</summary>
public sealed class OutboxPressureTests
{
    private const long Now = 10_000_000;

    private static readonly (Room Room, long Age)[] Situations =
        [.. from room in Enum.GetValues<Room>() from age in (long[])[0, 4_999, 5_000, 59_999, 60_000] select (room, age)];

    /// <summary>The next phase for each phase and policy; a dot where nothing changes.</summary>
    private const string Table =
        """
                          none                              some                              enough
                          0      4999   5000   59999  60000 0      4999   5000   59999  60000 0      4999   5000   59999  60000
        Flowing  Drop     full   full   full   full   full  .      .      .      .      .     .      .      .      .      .
        Flowing  Close    full   full   full   full   full  .      .      .      .      .     .      .      .      .      .
        Full     Drop     .      .      closed closed closed.      .      flows  flows  flows flows  flows  flows  flows  flows
        Full     Close    .      .      closed closed closed.      .      flows  flows  flows flows  flows  flows  flows  flows
        Closed   Drop     .      .      .      .      drops .      .      .      .      drops flows  flows  flows  flows  flows
        Closed   Close    .      .      .      .      full  .      .      .      .      full  flows  flows  flows  flows  flows
        Dropping Drop     .      .      .      .      .     .      .      .      .      .     flows  flows  flows  flows  flows
        """;

    [Test]
    public async Task Every_situation_leads_where_the_table_says()
    {
        StringBuilder table = new(string.Join('\n', Table.Split('\n')[..2]));
        foreach (PressurePhase phase in Enum.GetValues<PressurePhase>())
        {
            foreach (WhenFull whenFull in Enum.GetValues<WhenFull>())
            {
                if (phase != PressurePhase.Dropping || whenFull == WhenFull.Drop)
                {
                    table.Append($"\n{phase,-9}{whenFull,-9}").Append(string.Concat(Situations.Select((situation, column) => Cell(phase, whenFull, situation, column))).TrimEnd());
                }
            }
        }

        await Assert.That(table.ToString()).IsEqualTo(Table).Because("in full:\n" + table);
    }

    [Test]
    public async Task A_phase_begins_when_it_is_entered_and_its_time_counts_from_there()
    {
        OutboxPressure pressure = default;
        List<string> course = [];
        for (long second = 0; second < 200; second++)
        {
            OutboxPressure next = pressure.Next(second >= 190 ? Room.Enough : Room.None, WhenFull.Close, second * 1_000);
            course.AddRange(next.Phase == pressure.Phase ? [] : [$"{next.Phase} at {second}"]);
            pressure = next;
        }

        await Assert.That(string.Join(", ", course))
            .IsEqualTo("Full at 0, Closed at 5, Full at 65, Closed at 70, Full at 130, Closed at 135, Flowing at 190");
    }

    /// <summary>
    /// Real shard lives, an outbox of so many events, a Discord that keeps what is missed, and a 신경 that comes and goes or is slow.
    /// </summary>
    [Test]
    [MatrixDataSource]
    public async Task Sessions_live_through_every_absence_and_only_what_is_dropped_is_lost(
        [Matrix(1, 2, 3, 4, 5, 6)] int seed, [Matrix("Drop", "Close")] string whenFull)
    {
        Model model = new(seed, Enum.Parse<WhenFull>(whenFull));
        for (int absence = 0; absence < 200; absence++)
        {
            model.Run();
        }

        model.Recover();

        await Assert.That(model.Wrong).IsEmpty();
        await Assert.That(model.Made).IsEqualTo(model.Delivered + model.Lost);
        await Assert.That(model.Lost > 0).IsEqualTo(model.WhenFull == WhenFull.Drop);
        await Assert.That(model.Closings).IsGreaterThan(20);
    }

    private static string Cell(PressurePhase phase, WhenFull whenFull, (Room Room, long Age) situation, int column)
    {
        OutboxPressure before = new(phase, Now - situation.Age);
        OutboxPressure after = before.Next(situation.Room, whenFull, Now);
        string cell = after == before ? "." : after == new OutboxPressure(after.Phase, Now)
            ? after.Phase switch
            {
                PressurePhase.Flowing => "flows",
                PressurePhase.Full => "full",
                PressurePhase.Closed => "closed",
                _ => "drops",
            }
            : "?";
        return cell.PadRight(column % 5 == 4 ? 6 : 7);
    }

    private sealed class Model(int seed, WhenFull whenFull)
    {
        private const int Capacity = 2_000;
        private const int Shards = 4;
        private const int Rate = 100;

        private readonly Random _random = new(seed);
        private readonly ShardState[] _shards = [.. Enumerable.Repeat(ShardState.Initial(true) with { Phase = ShardPhase.Ready }, Shards)];
        private readonly int[] _atDiscord = new int[Shards];
        private readonly long[] _closedAt = new long[Shards];
        private OutboxPressure _pressure;
        private long _now;
        private int _outbox;
        private long _enoughAt;

        public WhenFull WhenFull => whenFull;

        public long Made { get; private set; }

        public long Delivered { get; private set; }

        public long Lost { get; private set; }

        public int Closings { get; private set; }

        /// <summary>What must not happen, each once.</summary>
        public HashSet<string> Wrong { get; } = [];

        private Room Room => _outbox >= Capacity ? Room.None : _outbox > Capacity / 4 * 3 ? Room.Some : Room.Enough;

        /// <summary>신경 is away or slow for a while, and then there for a while.</summary>
        public void Run()
        {
            int drain = _random.Next(3) == 0 ? _random.Next(Rate * 2) : 0;
            Pass(_random.Next(1, 120), drain);
            Pass(_random.Next(1, 60), _random.Next(Rate, Rate * 50));
        }

        public void Recover()
        {
            Pass(300, Rate * 50, makes: false);
            Must(_outbox == 0 && _atDiscord.Sum() == 0, "something is stuck when 신경 is back");
            Must(_shards.All(shard => shard.Phase == ShardPhase.Ready) && _pressure.Phase == PressurePhase.Flowing, "not all shards are ready when 신경 is back");
        }

        private void Pass(int seconds, int drain, bool makes = true)
        {
            const int Steps = 10;
            for (int step = 0; step < seconds * Steps; step++)
            {
                _now += 1_000 / Steps;
                int delivered = Math.Min(_outbox, drain / Steps);
                _outbox -= delivered;
                Delivered += delivered;
                for (int shard = 0; shard < Shards; shard++)
                {
                    int made = makes ? Rate / Shards / Steps + _random.Next(2) : 0;
                    Made += made;
                    _atDiscord[shard] += made;
                    Move(shard);
                    Read(shard);
                }

                if (Room == Room.Enough)
                {
                    _enoughAt = _now;
                }

                // A look each second, and one whenever enough is confirmed.
                if (step % Steps == 0 || (delivered > 0 && Room == Room.Enough))
                {
                    Look();
                }
            }
        }

        private void Look()
        {
            PressurePhase before = _pressure.Phase;
            _pressure = _pressure.Next(Room, whenFull, _now);
            bool goesOn = before == PressurePhase.Closed && _pressure.Phase != PressurePhase.Closed;
            for (int shard = 0; shard < Shards; shard++)
            {
                if (goesOn)
                {
                    Signal(shard, ShardInput.RoomCame);
                }
                else if (_pressure.Phase == PressurePhase.Closed)
                {
                    bool wasOpen = _shards[shard].HasSocket;
                    Signal(shard, ShardInput.HeldBack);
                    if (wasOpen && !_shards[shard].HasSocket)
                    {
                        Closings++;
                        _closedAt[shard] = _now;
                    }
                }

                Must(
                    _shards[shard].Phase != ShardPhase.WaitingForRoom || _now - _closedAt[shard] <= OutboxPressure.Away + 1_000,
                    "a shard stays away for longer than a minute");
            }
        }

        private void Read(int shard)
        {
            if (_shards[shard].Phase is not (ShardPhase.Ready or ShardPhase.Resuming))
            {
                return;
            }

            int taken = Math.Min(_atDiscord[shard], Capacity - _outbox);
            int lost = _pressure.Phase == PressurePhase.Dropping ? _atDiscord[shard] - taken : 0;
            _outbox += taken;
            _atDiscord[shard] -= taken + lost;
            Lost += lost;
            Must(lost == 0 || _now - _enoughAt >= OutboxPressure.Grace + OutboxPressure.Away, "something is lost before its minute is over");
            if (_shards[shard].Phase == ShardPhase.Resuming && _atDiscord[shard] == 0)
            {
                Signal(shard, ShardInput.Resumed);
            }
        }

        /// <summary>Connections fail on their own now and then; else they come up.</summary>
        private void Move(int shard)
        {
            ShardInput? input = _shards[shard].Phase switch
            {
                ShardPhase.WaitingToResume => ShardInput.TurnCame,
                ShardPhase.Connecting => ShardInput.Opened,
                ShardPhase.AwaitingHello => ShardInput.Hello,
                ShardPhase.Backoff => ShardInput.BackoffOver,
                ShardPhase.Ready when _random.Next(2_000) == 0 => ShardInput.Lost,
                _ => null,
            };
            if (input is { } known)
            {
                Signal(shard, known);
            }
        }

        private void Signal(int shard, ShardInput input)
        {
            ShardStep step = ShardLife.Next(_shards[shard], new ShardSignal(input), _now, _random);
            _shards[shard] = step.State;
            Must(step.State.HasSession && step.State.RefusedResumes == 0, "a session pays for our want of room");
        }

        private void Must(bool holds, string rule)
        {
            if (!holds)
            {
                Wrong.Add(rule);
            }
        }
    }
}
