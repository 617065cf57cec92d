using SinGateway.Spooling;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests.Spooling;

public sealed class SpoolTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private SpoolOptions Options => new() { Directory = _directory.File(""), Cluster = 3, MaxSize = 4 * 1024 * 1024 };

    public void Dispose() => _directory.Dispose();

    [Test]
    public async Task Records_come_back_from_the_disk_in_order_with_all_their_fields()
    {
        using (SpoolUnderTest first = new(Options))
        {
            Append(first, 1, 500);
            first.Thread.RunAll();
        }

        using SpoolUnderTest second = new(Options);
        await Assert.That(second.ReadAll()).IsEquivalentTo(Seqs(1, 500), TUnit.Assertions.Enums.CollectionOrdering.Matching);
        await Assert.That(second.Spool.IsEmpty).IsTrue();
    }

    [Test]
    public async Task A_record_can_be_read_before_it_is_on_the_disk()
    {
        using SpoolUnderTest spool = new(Options);
        spool.TryAppend(1);
        bool read = spool.Spool.TryRead(out SpoolRecord record);
        long seq = SpoolUnderTest.Check(record, SpoolUnderTest.SizeOf(1));
        await Assert.That(read).IsTrue();
        await Assert.That(seq).IsEqualTo(1);
        await Assert.That(spool.Spool.Durable).IsEqualTo(0);
    }

    [Test]
    public async Task Records_are_durable_when_the_flush_has_ended_and_not_before()
    {
        using SpoolUnderTest spool = new(Options);
        Append(spool, 1, 3);
        await Assert.That(spool.Spool.Durable).IsEqualTo(0);
        spool.Thread.RunOne();
        await Assert.That(spool.Listener.Durable).IsEqualTo(1);
        spool.Thread.RunAll();
        await Assert.That(spool.Listener.Durable).IsEqualTo(3);
    }

    [Test]
    public async Task What_arrives_during_a_flush_shares_the_next_one()
    {
        using SpoolUnderTest spool = new(Options);
        Append(spool, 1, 300);
        int before = spool.Files.Calls["sync"];
        spool.Thread.RunAll();
        await Assert.That(spool.Files.Calls["sync"] - before).IsLessThanOrEqualTo(3);
        await Assert.That(spool.Listener.Durable).IsEqualTo(300);
    }

    [Test]
    public async Task A_full_spool_refuses_stays_within_its_size_and_tells_of_room_when_it_was_drained()
    {
        using SpoolUnderTest spool = new(Options);
        long seq = 0;
        for (int round = 0; round < 5; round++)
        {
            while (spool.TryAppend(seq + 1, 2_000))
            {
                seq++;
                if (seq % 50 == 0)
                {
                    spool.Thread.RunAll();
                    await Assert.That(spool.DiskBytes).IsLessThanOrEqualTo(Options.MaxSize);
                }
            }

            spool.Thread.RunAll();
            await Assert.That(spool.DiskBytes).IsLessThanOrEqualTo(Options.MaxSize).And.IsGreaterThan(Options.MaxSize * 9 / 10);
            await Assert.That(spool.Listener.Room).IsEqualTo(round);
            await Assert.That(spool.ReadAll(2_000)[^1]).IsEqualTo(seq);
            spool.Spool.Confirm(spool.Spool.Last);
            spool.Thread.RunAll();
            spool.PassTime();
            await Assert.That(spool.Listener.Room).IsEqualTo(round + 1);
        }
    }

    [Test]
    public async Task Memory_is_bounded_while_the_disk_is_slow()
    {
        SpoolOptions options = Options with { MemoryLimit = 1024 * 1024 };
        using SpoolUnderTest spool = new(options);
        long seq = 0;
        while (spool.TryAppend(seq + 1, 1_000))
        {
            seq++;
            await Assert.That(spool.Spool.MemoryBytes).IsLessThanOrEqualTo(options.MemoryLimit);
        }

        await Assert.That(seq).IsGreaterThan(900);
        await Assert.That(spool.Listener.Room).IsEqualTo(0);
        spool.Thread.RunAll();
        await Assert.That(spool.Listener.Room).IsEqualTo(1);
        await Assert.That(spool.Listener.Durable).IsEqualTo(seq);
        await Assert.That(spool.Spool.MemoryBytes).IsLessThanOrEqualTo(options.MemoryLimit / 2);
    }

    [Test]
    public async Task A_record_larger_than_the_memory_limit_passes_alone()
    {
        SpoolOptions options = Options with { MaxSize = 16 * 1024 * 1024, MemoryLimit = 512 * 1024 };
        using (SpoolUnderTest spool = new(options))
        {
            await Assert.That(spool.TryAppend(1, 5_000_000)).IsTrue();
            await Assert.That(spool.TryAppend(2, 300_000)).IsFalse();
            spool.Thread.RunAll();
            await Assert.That(spool.TryAppend(2, 5_000_000)).IsTrue();
            spool.Thread.RunAll();
        }

        using SpoolUnderTest next = new(options);
        await Assert.That(next.ReadAll(5_000_000)).IsEquivalentTo([1L, 2L], TUnit.Assertions.Enums.CollectionOrdering.Matching);
    }

    [Test]
    public async Task A_payload_that_could_never_fit_is_the_callers_mistake()
    {
        using SpoolUnderTest spool = new(Options);
        await Assert.That(() => spool.TryAppend(1, spool.Spool.MaximumPayload + 1)).Throws<ArgumentOutOfRangeException>();
    }

    [Test]
    public async Task The_next_process_goes_on_behind_the_confirmed_record()
    {
        using (SpoolUnderTest first = new(Options))
        {
            Append(first, 1, 200);
            first.Thread.RunAll();
            first.ReadAll();
            first.Spool.Confirm(120);
            first.PassTime();
        }

        using SpoolUnderTest second = new(Options);
        await Assert.That(second.ReadAll()).IsEquivalentTo(Seqs(121, 200), TUnit.Assertions.Enums.CollectionOrdering.Matching);
    }

    [Test]
    public async Task What_was_confirmed_within_the_last_second_may_be_read_again()
    {
        using (SpoolUnderTest first = new(Options))
        {
            Append(first, 1, 10);
            first.ReadAll();
            first.Spool.Confirm(10);
            first.Thread.RunAll();
        }

        using SpoolUnderTest second = new(Options);
        await Assert.That(second.ReadAll()).IsEquivalentTo(Seqs(1, 10), TUnit.Assertions.Enums.CollectionOrdering.Matching);
    }

    [Test]
    public async Task Only_what_was_read_can_be_confirmed()
    {
        using SpoolUnderTest spool = new(Options);
        Append(spool, 1, 2);
        spool.Spool.TryRead(out _);
        await Assert.That(() => spool.Spool.Confirm(2)).Throws<ArgumentOutOfRangeException>();
    }

    [Test]
    public async Task A_drained_segment_is_deleted_and_in_the_end_the_last_one_too()
    {
        using SpoolUnderTest spool = new(Options);
        for (long seq = 1; seq <= 1_000; seq++)
        {
            spool.TryAppend(seq, 2_000);
            spool.Thread.RunAll();
        }

        int before = spool.SegmentFiles.Length;
        await Assert.That(before).IsGreaterThan(3);
        spool.ReadAll(2_000);
        spool.Spool.Confirm(500);
        spool.Thread.RunAll();
        await Assert.That(spool.SegmentFiles.Length).IsLessThan(before);
        spool.Spool.Confirm(1_000);
        spool.PassTime();
        await Assert.That(spool.SegmentFiles).IsEmpty();
        await Assert.That(spool.Spool.Bytes).IsLessThan(10_000);
    }

    [Test]
    public async Task Numbers_go_on_after_everything_was_drained()
    {
        using (SpoolUnderTest first = new(Options))
        {
            Append(first, 1, 10);
            first.ReadAll();
            first.Spool.Confirm(10);
            first.PassTime();
        }

        using SpoolUnderTest second = new(Options);
        second.TryAppend(11, 100, out long number);
        await Assert.That(number).IsEqualTo(11);
        await Assert.That(second.ReadAll(100)).IsEquivalentTo([11L]);
    }

    [Test]
    public async Task What_is_newer_goes_behind_what_an_earlier_process_left()
    {
        using (SpoolUnderTest first = new(Options))
        {
            Append(first, 1, 700);
            await Assert.That(first.Close()).IsEqualTo(0);
        }

        using SpoolUnderTest second = new(Options);
        Append(second, 701, 900);
        await Assert.That(second.ReadAll()).IsEquivalentTo(Seqs(1, 900), TUnit.Assertions.Enums.CollectionOrdering.Matching);
    }

    [Test]
    public async Task Closing_writes_what_is_in_memory_and_the_confirmed_mark()
    {
        using (SpoolUnderTest first = new(Options))
        {
            Append(first, 1, 100);
            first.Spool.TryRead(out _);
            first.Spool.Confirm(1);
            await Assert.That(first.Close()).IsEqualTo(0);
            await Assert.That(first.TryAppend(101)).IsFalse();
        }

        using SpoolUnderTest second = new(Options);
        await Assert.That(second.ReadAll()).IsEquivalentTo(Seqs(2, 100), TUnit.Assertions.Enums.CollectionOrdering.Matching);
    }

    [Test]
    public async Task Another_spool_on_the_same_directory_is_refused_until_the_first_is_closed()
    {
        using SpoolUnderTest first = new(Options);
        await Assert.That(() => new SpoolUnderTest(Options)).Throws<SpoolInUseException>().WithMessageContaining("cluster-3");
        using SpoolUnderTest other = new(Options with { Cluster = 4 });
        first.Close();
        using SpoolUnderTest second = new(Options);
        await Assert.That(second.Spool.IsEmpty).IsTrue();
    }

    [Test]
    public async Task Only_the_owner_may_look_into_it()
    {
        using SpoolUnderTest spool = new(Options);
        Append(spool, 1, 10);
        spool.Spool.SetAside(SpoolUnderTest.RecordOf(1, "x"u8), "a test");
        spool.Thread.RunAll();
        const UnixFileMode file = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        foreach (string path in Directory.GetFiles(spool.Path, "*", SearchOption.AllDirectories))
        {
            await Assert.That(File.GetUnixFileMode(path)).IsEqualTo(file);
        }

        await Assert.That(File.GetUnixFileMode(spool.Path)).IsEqualTo(file | UnixFileMode.UserExecute);
        await Assert.That(File.GetUnixFileMode(Path.Combine(spool.Path, "poison"))).IsEqualTo(file | UnixFileMode.UserExecute);
    }

    [Test]
    public async Task A_missing_directory_is_named_with_cause_and_fix()
    {
        string missing = _directory.File("missing");
        await Assert.That(() => new SpoolUnderTest(Options with { Directory = missing })).Throws<IOException>()
            .WithMessage($"spool {missing}/cluster-3 cannot be used (no such directory); set spool.directory to an existing directory that this user may write");
    }

    [Test]
    public async Task A_directory_that_takes_no_directory_is_named_with_its_cause()
    {
        await Assert.That(() => new SpoolUnderTest(Options with { Directory = "/proc/self" })).Throws<IOException>()
            .WithMessageContaining("spool /proc/self/cluster-3 cannot be used (");
    }

    [Test]
    public async Task A_spool_that_cannot_be_written_at_the_start_says_so()
    {
        using (SpoolUnderTest spool = new(Options))
        {
        }

        await Assert.That(() => Spool.Open(
                Options,
                new SinGateway.Loop.EventLoop(TimeProvider.System),
                new RecordingLogger(),
                new ManualSpoolThread(),
                path => new FaultyFiles(path) { Fault = (call, _) => call == "write" ? FaultyFiles.NoSpace : 0 }))
            .Throws<IOException>().WithMessageContaining("cannot be used (No space left on device)");
    }

    [Test]
    public async Task Reading_says_when_it_is_worth_another_try()
    {
        using (SpoolUnderTest first = new(Options))
        {
            Append(first, 1, 10);
            first.Close();
        }

        using SpoolUnderTest second = new(Options);
        await Assert.That(second.Spool.TryRead(out _)).IsFalse();
        await Assert.That(second.Spool.IsEmpty).IsFalse();
        second.Thread.RunAll();
        await Assert.That(second.Listener.ReadReady).IsEqualTo(1);
        await Assert.That(second.Spool.TryRead(out _)).IsTrue();
    }

    [Test]
    [Arguments(true)]
    [Arguments(false)]
    public async Task A_record_that_was_looked_at_stays_the_next_one_until_it_is_passed(bool fromDisk)
    {
        SpoolUnderTest spool = new(Options);
        Append(spool, 1, 3);
        if (fromDisk)
        {
            spool.Close();
            spool.Dispose();
            spool = new SpoolUnderTest(Options);
            spool.Thread.RunAll();
        }

        List<long> seen = [Peek(), Peek()];
        spool.Spool.Pass(1);
        seen.AddRange([Peek(), Read(), Peek(), Peek()]);
        await Assert.That(seen).IsEquivalentTo([1L, 1, 2, 2, 3, 3], TUnit.Assertions.Enums.CollectionOrdering.Matching);
        spool.Dispose();

        long Peek() => spool.Spool.TryPeek(out SpoolRecord record) ? record.Seq : 0;

        long Read() => spool.Spool.TryRead(out SpoolRecord record) ? record.Seq : 0;
    }

    private static void Append(SpoolUnderTest spool, long from, long through)
    {
        for (long seq = from; seq <= through; seq++)
        {
            if (!spool.TryAppend(seq))
            {
                throw new InvalidOperationException($"seq {seq} was refused");
            }
        }
    }

    private static IEnumerable<long> Seqs(long from, long through)
    {
        for (long seq = from; seq <= through; seq++)
        {
            yield return seq;
        }
    }
}
