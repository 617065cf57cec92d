using SinGateway.Spooling;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests.Spooling;

/// <summary>A disk that refuses: nothing that was accepted is lost, and it is said once.</summary>
public sealed class SpoolFaultTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private SpoolOptions Options => new() { Directory = _directory.File(""), MaxSize = 4 * 1024 * 1024 };

    public void Dispose() => _directory.Dispose();

    [Test]
    [Arguments("write", FaultyFiles.NoSpace)]
    [Arguments("write", FaultyFiles.InputOutput)]
    [Arguments("sync", FaultyFiles.NoSpace)]
    [Arguments("sync", FaultyFiles.InputOutput)]
    public async Task After_a_failure_everything_accepted_is_read_in_order_and_appends_are_refused(string call, int error)
    {
        using SpoolUnderTest spool = new(Options);
        Append(spool, 1, 100);
        spool.Thread.RunAll();
        spool.Files.Fault = (at, name) => at == call && name.EndsWith(SpoolSegment.Suffix, StringComparison.Ordinal) ? error : 0;
        spool.Files.WrittenBeforeFault = 1_000;
        Append(spool, 101, 200);
        spool.Thread.RunAll();
        await Assert.That(spool.Listener.Failures.Count).IsEqualTo(1);
        await Assert.That(spool.Listener.Durable).IsEqualTo(100);
        await Assert.That(spool.TryAppend(201)).IsFalse();
        await Assert.That(spool.ReadAll()).IsEquivalentTo(Seqs(1, 200), TUnit.Assertions.Enums.CollectionOrdering.Matching);

        spool.PassTime();
        spool.PassTime();
        await Assert.That(spool.Listener.Failures.Count).IsEqualTo(1);
        await Assert.That(spool.Logger.Entries.Count(entry => entry.StartsWith("Error"))).IsEqualTo(1);
        await Assert.That(spool.Logger.Entries.Single()).Contains(error == FaultyFiles.NoSpace ? "No space left on device" : "Input/output error");
    }

    [Test]
    [Arguments("write")]
    [Arguments("sync")]
    public async Task When_the_disk_works_again_what_waited_is_written_and_a_restart_has_all_of_it(string call)
    {
        using (SpoolUnderTest spool = new(Options))
        {
            Append(spool, 1, 100);
            spool.Thread.RunAll();
            spool.Files.Fault = (at, name) => at == call && name.EndsWith(SpoolSegment.Suffix, StringComparison.Ordinal) ? FaultyFiles.InputOutput : 0;
            spool.Files.WrittenBeforeFault = 5_000;
            Append(spool, 101, 200);
            spool.Thread.RunAll();
            spool.TryAppend(201);
            spool.PassTime();
            spool.Files.Fault = (_, _) => 0;
            await Assert.That(spool.Listener.Working).IsEqualTo(0);
            spool.PassTime();
            await Assert.That(spool.Listener.Working).IsEqualTo(1);
            await Assert.That(spool.Listener.Room).IsEqualTo(1);
            await Assert.That(spool.Listener.Durable).IsEqualTo(200);
            await Assert.That(spool.DiskBytes).IsLessThanOrEqualTo(spool.Spool.Bytes);
            Append(spool, 201, 300);
            spool.Thread.RunAll();
            spool.Files.LosePower(new Random(1));
        }

        using SpoolUnderTest next = new(Options);
        await Assert.That(next.ReadAll()).IsEquivalentTo(Seqs(1, 300), TUnit.Assertions.Enums.CollectionOrdering.Matching);
        await Assert.That(next.Spool.Lost).IsEqualTo(0);
    }

    [Test]
    public async Task After_a_failed_flush_the_records_go_into_a_new_segment()
    {
        using SpoolUnderTest spool = new(Options);
        Append(spool, 1, 10);
        spool.Thread.RunAll();
        long length = new FileInfo(spool.SegmentFiles.Single()).Length;
        spool.Files.Fault = (at, name) => at == "sync" ? FaultyFiles.InputOutput : 0;
        Append(spool, 11, 20);
        spool.Thread.RunAll();
        spool.Files.Fault = (_, _) => 0;
        spool.PassTime();
        await Assert.That(spool.SegmentFiles.Length).IsEqualTo(2);
        await Assert.That(new FileInfo(spool.SegmentFiles[0]).Length).IsEqualTo(length);
    }

    [Test]
    public async Task What_was_confirmed_from_memory_is_no_loss_after_the_restart()
    {
        using (SpoolUnderTest spool = new(Options with { MemoryLimit = 1024 * 1024 }))
        {
            Append(spool, 1, 10);
            spool.Thread.RunAll();
            spool.Files.Fault = (at, name) => at is "write" or "sync" ? FaultyFiles.InputOutput : 0;
            Append(spool, 11, 20);
            spool.Thread.RunAll();
            spool.ReadAll();
            spool.Spool.Confirm(20);
            spool.Files.Fault = (at, name) => name == "position" ? FaultyFiles.InputOutput : 0;
            spool.PassTime();
            await Assert.That(spool.Listener.Working).IsEqualTo(1);
            Append(spool, 21, 30);
            spool.Thread.RunAll();
        }

        using SpoolUnderTest next = new(Options);
        await Assert.That(next.ReadAll()).IsEquivalentTo(Seqs(21, 30), TUnit.Assertions.Enums.CollectionOrdering.Matching);
        await Assert.That(next.Spool.Lost).IsEqualTo(0);
    }

    [Test]
    public async Task Closing_on_a_disk_that_refuses_tells_how_many_records_are_not_written()
    {
        using SpoolUnderTest spool = new(Options);
        Append(spool, 1, 10);
        spool.Thread.RunAll();
        spool.Files.Fault = (at, _) => at == "sync" ? FaultyFiles.InputOutput : 0;
        Append(spool, 11, 25);
        await Assert.That(spool.Close()).IsEqualTo(15);
        await Assert.That(spool.Logger.Entries.Last()).Contains("15 events could not be written");
    }

    [Test]
    public async Task Reading_is_tried_again_and_nothing_is_skipped()
    {
        using (SpoolUnderTest first = new(Options))
        {
            Append(first, 1, 50);
            first.Close();
        }

        using SpoolUnderTest spool = new(Options, start: false);
        spool.Files.Fault = (at, _) => at == "read" ? FaultyFiles.InputOutput : 0;
        spool.Spool.Start(spool.Listener);
        for (int i = 0; i < Spool.MaximumReadFailures - 2; i++)
        {
            await Assert.That(spool.ReadAll()).IsEmpty();
            spool.PassTime();
        }

        spool.Files.Fault = (_, _) => 0;
        spool.PassTime();
        await Assert.That(spool.Listener.ReadReady).IsEqualTo(1);
        await Assert.That(spool.ReadAll()).IsEquivalentTo(Seqs(1, 50), TUnit.Assertions.Enums.CollectionOrdering.Matching);
        await Assert.That(spool.Logger.Entries.Count(entry => entry.StartsWith("Error"))).IsEqualTo(1);
    }

    [Test]
    public async Task A_place_that_can_never_be_read_is_given_up_and_what_follows_is_used()
    {
        using (SpoolUnderTest first = new(Options))
        {
            for (long seq = 1; seq <= 600; seq++)
            {
                first.TryAppend(seq, 2_000);
            }

            first.Close();
        }

        using SpoolUnderTest spool = new(Options, start: false);
        string bad = Path.GetFileName(spool.SegmentFiles[1]);
        spool.Files.Fault = (at, name) => at == "read" && name == bad ? FaultyFiles.InputOutput : 0;
        spool.Spool.Start(spool.Listener);
        List<long> read = [];
        for (int i = 0; i < Spool.MaximumReadFailures + 2; i++)
        {
            read.AddRange(spool.ReadAll(2_000));
            spool.PassTime();
        }

        await Assert.That(read).IsInOrder();
        await Assert.That(read[^1]).IsEqualTo(600);
        await Assert.That(spool.Spool.Lost).IsEqualTo(600 - read.Count).And.IsGreaterThan(0);
    }

    [Test]
    public async Task Drained_segments_that_cannot_be_deleted_are_tried_again()
    {
        using SpoolUnderTest spool = new(Options);
        spool.Files.Fault = (at, _) => at == "delete" ? FaultyFiles.InputOutput : 0;
        Append(spool, 1, 10);
        spool.ReadAll();
        spool.Spool.Confirm(10);
        spool.PassTime();
        spool.PassTime();
        await Assert.That(spool.SegmentFiles.Length).IsEqualTo(1);
        await Assert.That(spool.Logger.Entries.Count).IsEqualTo(1);
        spool.Files.Fault = (_, _) => 0;
        spool.PassTime();
        await Assert.That(spool.SegmentFiles).IsEmpty();
    }

    [Test]
    public async Task On_a_disk_that_is_really_full_nothing_accepted_is_lost_and_draining_makes_it_work_again()
    {
        using SmallFileSystem? disk = SmallFileSystem.TryMount(_directory.File("small"), 1024);
        Skip.When(disk is null, "this user may not mount a tmpfs");
        SpoolOptions options = Options with { Directory = disk!.Path };
        using SpoolUnderTest spool = new(options);
        long seq = 0;
        while (spool.Listener.Failures.Count == 0 && spool.TryAppend(seq + 1, 2_000))
        {
            seq++;
            _ = seq % 20 == 0 && spool.Thread.RunOne();
        }

        spool.Thread.RunAll();
        await Assert.That(spool.Listener.Failures.Single()).IsEqualTo("No space left on device");
        await Assert.That(seq).IsGreaterThan(450);
        await Assert.That(spool.ReadAll(2_000)).IsEquivalentTo(Seqs(1, seq), TUnit.Assertions.Enums.CollectionOrdering.Matching);
        spool.Spool.Confirm(seq - 5);
        spool.PassTime();
        spool.PassTime();
        await Assert.That(spool.Listener.Working).IsEqualTo(1);
        await Assert.That(spool.Listener.Durable).IsEqualTo(seq);
        await Assert.That(spool.TryAppend(seq + 1, 2_000)).IsTrue();
        await Assert.That(spool.Close()).IsEqualTo(0);
        using SpoolUnderTest next = new(options);
        await Assert.That(next.ReadAll(2_000)).IsEquivalentTo(Seqs(seq - 4, seq + 1), TUnit.Assertions.Enums.CollectionOrdering.Matching);
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
