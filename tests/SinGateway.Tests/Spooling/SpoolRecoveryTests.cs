using SinGateway.Spooling;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests.Spooling;

/// <summary>What a crash or a bad disk leaves, and what the next process makes of it.</summary>
public sealed class SpoolRecoveryTests : IDisposable
{
    private const int Small = 100;

    private readonly TemporaryDirectory _directory = new();

    private SpoolOptions Options => new() { Directory = _directory.File(""), MaxSize = 1024 * 1024 };

    private string ClusterDirectory => Path.Combine(Options.Directory, "cluster-0");

    public void Dispose() => _directory.Dispose();

    [Test]
    public async Task A_tail_torn_at_any_byte_is_cut_off_and_said_once()
    {
        string segment = Write(1, 5, Small);
        byte[] whole = await File.ReadAllBytesAsync(segment);
        int record = SpoolFormat.RecordHeader + Small;
        await Assert.That(whole.Length).IsEqualTo(SpoolFormat.SegmentHeader + (5 * record));
        for (int length = 0; length < whole.Length; length++)
        {
            await File.WriteAllBytesAsync(segment, whole[..length]);
            int left = Math.Max(length - SpoolFormat.SegmentHeader, 0) / record;
            bool torn = length > 0 && length != SpoolFormat.SegmentHeader + (left * record);
            using (SpoolUnderTest spool = new(Options))
            {
                await Assert.That(spool.ReadAll(Small)).IsEquivalentTo(Seqs(1, left), TUnit.Assertions.Enums.CollectionOrdering.Matching);
                await Assert.That(spool.Spool.IsEmpty).IsTrue();
                await Assert.That(spool.Spool.Lost).IsEqualTo(0);
                await Assert.That(spool.Logger.Entries.Count(entry => entry.Contains("cut off"))).IsEqualTo(torn ? 1 : 0);
            }

            using (SpoolUnderTest again = new(Options))
            {
                await Assert.That(again.Logger.Entries.Count(entry => entry.Contains("cut off"))).IsEqualTo(0);
                await Assert.That(again.ReadAll(Small)).IsEquivalentTo(Seqs(1, left), TUnit.Assertions.Enums.CollectionOrdering.Matching);
            }

            foreach (string file in SpoolUnderTest.SegmentFilesOf(ClusterDirectory))
            {
                File.Delete(file);
            }
        }
    }

    [Test]
    [Arguments(0)]
    [Arguments(255)]
    public async Task Rubbish_behind_the_last_record_is_cut_off(int value)
    {
        string segment = Write(1, 5, Small);
        byte[] rubbish = new byte[10_000];
        Array.Fill(rubbish, (byte)value);
        await File.AppendAllBytesAsync(segment, rubbish);
        using SpoolUnderTest spool = new(Options);
        spool.TryAppend(6, Small);
        await Assert.That(spool.ReadAll(Small)).IsEquivalentTo(Seqs(1, 6), TUnit.Assertions.Enums.CollectionOrdering.Matching);
        await Assert.That(spool.Logger.Entries.Single(entry => entry.Contains("cut off"))).Contains("its 10000 bytes");
    }

    [Test]
    [Arguments(20261124)]
    public async Task A_flipped_bit_anywhere_costs_the_rest_of_its_segment_at_most(int seed)
    {
        Random random = new(seed);
        const long count = 700;
        Write(1, count, 1_000);
        Dictionary<string, byte[]> files = SpoolUnderTest.SegmentFilesOf(ClusterDirectory).ToDictionary(file => file, File.ReadAllBytes);
        await Assert.That(files.Count).IsGreaterThan(4);
        for (int round = 0; round < 150; round++)
        {
            Restore(files);
            string victim = files.Keys.ElementAt(random.Next(files.Count));
            byte[] content = [.. files[victim]];
            int at = random.Next(content.Length);
            content[at] ^= (byte)(1 << random.Next(8));
            await File.WriteAllBytesAsync(victim, content);

            using SpoolUnderTest spool = new(Options);
            List<long> read = spool.ReadAll(1_000);
            string place = $"seed {seed}, round {round}, {Path.GetFileName(victim)} at {at}";
            List<long> missing = [.. Seqs(1, count).Except(read)];
            long perSegment = (files[victim].Length - SpoolFormat.SegmentHeader) / (1_000 + SpoolFormat.RecordHeader);
            bool inLastRecord = victim == files.Keys.Last() && at >= content.Length - 1_048;
            await Assert.That(read).IsInOrder().Because(place);
            await Assert.That(spool.Spool.IsEmpty).IsTrue().Because(place);
            await Assert.That(missing.Count).IsGreaterThan(0).And.IsLessThanOrEqualTo((int)perSegment).Because(place);
            await Assert.That(missing[^1] - missing[0]).IsEqualTo(missing.Count - 1).Because(place);

            // Where nothing follows, a damaged record cannot be told from one that a crash tore.
            await Assert.That(spool.Spool.Lost).IsEqualTo(inLastRecord ? 0 : missing.Count).Because(place);
            await Assert.That(spool.Logger.Entries.Any(entry => entry.StartsWith(inLastRecord ? "Information" : "Error"))).IsTrue().Because(place);

            spool.Spool.Confirm(read[^1]);
            spool.PassTime();
            string[] left = spool.SegmentFiles;
            await Assert.That(left.Count(file => file.Contains(".broken-1"))).IsEqualTo(inLastRecord ? 0 : 1).Because(place);
        }
    }

    [Test]
    public async Task Nothing_is_said_to_be_lost_when_what_is_damaged_was_confirmed()
    {
        using (SpoolUnderTest first = new(Options))
        {
            for (long seq = 1; seq <= 50; seq++)
            {
                first.TryAppend(seq, Small);
            }

            first.ReadAll(Small);
            first.Spool.Confirm(30);
            first.Close();
        }

        string segment = SpoolUnderTest.SegmentFilesOf(ClusterDirectory).Single();
        byte[] content = await File.ReadAllBytesAsync(segment);
        content[SpoolFormat.SegmentHeader + (40 * (Small + SpoolFormat.RecordHeader)) + 60] ^= 1;
        await File.WriteAllBytesAsync(segment, content);
        using SpoolUnderTest spool = new(Options);
        await Assert.That(spool.ReadAll(Small)).IsEquivalentTo(Seqs(31, 40), TUnit.Assertions.Enums.CollectionOrdering.Matching);
        await Assert.That(spool.Spool.Lost).IsEqualTo(10);
    }

    [Test]
    [Arguments(0)]
    [Arguments(SpoolFormat.PositionSlotDistance)]
    public async Task A_torn_write_of_the_position_leaves_the_one_before(int slot)
    {
        using (SpoolUnderTest first = new(Options))
        {
            for (long seq = 1; seq <= 20; seq++)
            {
                first.TryAppend(seq, Small);
            }

            first.ReadAll(Small);
            foreach (long confirmed in (long[])[5, 6])
            {
                first.Spool.Confirm(confirmed);
                first.PassTime();
            }
        }

        string position = Path.Combine(ClusterDirectory, "position");
        byte[] content = await File.ReadAllBytesAsync(position);
        content[slot + 3] ^= 0x10;
        await File.WriteAllBytesAsync(position, content);
        using SpoolUnderTest second = new(Options);
        await Assert.That(second.ReadAll(Small)[0]).IsEqualTo(slot == 0 ? 7 : 6);
    }

    [Test]
    public async Task Without_a_readable_position_everything_is_read_again_and_that_is_said()
    {
        Write(1, 5, Small);
        await File.WriteAllTextAsync(Path.Combine(ClusterDirectory, "position"), "rubbish");
        using SpoolUnderTest spool = new(Options);
        await Assert.That(spool.ReadAll(Small)).IsEquivalentTo(Seqs(1, 5), TUnit.Assertions.Enums.CollectionOrdering.Matching);
        await Assert.That(spool.Logger.Entries.First()).StartsWith("Warning").And.Contains("position");
    }

    [Test]
    public async Task Numbers_that_are_lost_for_good_do_not_stop_the_queue()
    {
        string segment = Write(1, 20, Small);
        byte[] content = await File.ReadAllBytesAsync(segment);
        content[SpoolFormat.SegmentHeader + 60] ^= 1;
        await File.WriteAllBytesAsync(segment, content);
        using SpoolUnderTest spool = new(Options);
        await Assert.That(spool.Spool.IsEmpty).IsTrue();
        await Assert.That(spool.Spool.Lost).IsEqualTo(20);
        spool.TryAppend(21, Small, out long number);
        await Assert.That(number).IsEqualTo(21);
        await Assert.That(spool.ReadAll(Small)).IsEquivalentTo([21L]);
    }

    [Test]
    public async Task The_name_of_a_new_directory_is_durable_before_anything_in_it_counts()
    {
        using (SpoolUnderTest first = new(Options))
        {
            await Assert.That(first.Files.SyncedDirectories).IsEquivalentTo(["..", ""], TUnit.Assertions.Enums.CollectionOrdering.Matching);
        }

        using SpoolUnderTest second = new(Options);
        await Assert.That(second.Files.SyncedDirectories).DoesNotContain("..");
    }

    [Test]
    public async Task A_damaged_segment_that_somebody_has_removed_holds_nothing_up()
    {
        string damaged = Write(1, 20, Small);
        Write(21, 40, Small);
        byte[] content = await File.ReadAllBytesAsync(damaged);
        content[content.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(damaged, content);
        using SpoolUnderTest spool = new(Options);
        await Assert.That(spool.ReadAll(Small)[^1]).IsEqualTo(40);
        File.Delete(damaged);

        spool.Spool.Confirm(40);
        spool.PassTime();
        spool.PassTime();

        await Assert.That(spool.SegmentFiles).IsEmpty();
        await Assert.That(spool.Logger.Entries.Where(entry => entry.Contains("cannot be written down"))).IsEmpty();
    }

    [Test]
    public async Task Broken_segments_do_not_fill_the_spool()
    {
        for (int round = 0; round < 12; round++)
        {
            string segment = Write((round * 20) + 1, (round * 20) + 20, 2_000);
            byte[] content = await File.ReadAllBytesAsync(segment);
            content[SpoolFormat.SegmentHeader + 60] ^= 1;
            await File.WriteAllBytesAsync(segment, content);
            using SpoolUnderTest spool = new(Options);
        }

        string[] broken = [.. SpoolUnderTest.SegmentFilesOf(ClusterDirectory).Where(file => file.Contains(".broken-"))];
        await Assert.That(broken.Sum(file => new FileInfo(file).Length)).IsLessThanOrEqualTo(Options.MaxSize / 4);
        await Assert.That(broken.Length).IsGreaterThan(3).And.IsLessThanOrEqualTo(8);
    }

    /// <summary>Fills the spool and ends without a word; the newest segment.</summary>
    private string Write(long from, long through, int size)
    {
        using SpoolUnderTest spool = new(Options);
        for (long seq = from; seq <= through; seq++)
        {
            if (!spool.TryAppend(seq, size))
            {
                throw new InvalidOperationException($"seq {seq} was refused");
            }
        }

        spool.Thread.RunAll();
        return spool.SegmentFiles.Last(file => file.EndsWith(SpoolSegment.Suffix, StringComparison.Ordinal));
    }

    private void Restore(Dictionary<string, byte[]> files)
    {
        Directory.Delete(ClusterDirectory, recursive: true);
        Directory.CreateDirectory(ClusterDirectory);
        foreach ((string file, byte[] content) in files)
        {
            File.WriteAllBytes(file, content);
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
