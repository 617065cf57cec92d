using System.Text;
using SinGateway.Spooling;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests.Spooling;

public sealed class PoisonTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private SpoolOptions Options => new() { Directory = _directory.File(""), MaxSize = 4 * 1024 * 1024 };

    private string Folder => Path.Combine(Options.Directory, "cluster-0", "poison");

    private string[] Kept => [.. Directory.GetFiles(Folder).Order(StringComparer.Ordinal)];

    public void Dispose() => _directory.Dispose();

    [Test]
    public async Task Its_bytes_stand_behind_a_line_that_says_what_it_is()
    {
        using SpoolUnderTest spool = new(Options);
        spool.Spool.SetAside(SpoolUnderTest.RecordOf(7, "{\"op\":0}"u8), "it closed the connection\nthree times");
        spool.Thread.RunAll();
        await Assert.That(Path.GetFileName(Kept.Single())).IsEqualTo("20231114T221320007Z-shard7-3132616233346364-seq7-rule2.event");
        await Assert.That(await File.ReadAllTextAsync(Kept.Single())).IsEqualTo(
            "shard=7 seq=7 rule=2 session=3132616233346364 received=2023-11-14T22:13:20.007Z bytes=8 reason=it closed the connection three times\n{\"op\":0}");
        await Assert.That(spool.Spool.Poisoned).IsEqualTo(1);
    }

    [Test]
    public async Task The_oldest_goes_when_there_are_too_many()
    {
        SpoolOptions options = Options with { MaxPoisonFiles = 3 };
        for (int process = 0; process < 2; process++)
        {
            using SpoolUnderTest spool = new(options);
            for (long seq = (process * 5) + 1; seq <= (process * 5) + 5; seq++)
            {
                spool.Spool.SetAside(SpoolUnderTest.RecordOf(seq, "x"u8), "a test");
            }

            spool.Thread.RunAll();
            string expected = process == 0 ? "3 4 5" : "8 9 10";
            await Assert.That(string.Join(' ', Kept.Select(SeqOf))).IsEqualTo(expected);
        }
    }

    [Test]
    public async Task The_oldest_goes_when_they_are_too_large()
    {
        using SpoolUnderTest spool = new(Options with { MaxPoisonSize = 100_000 });
        for (long seq = 1; seq <= 5; seq++)
        {
            spool.Spool.SetAside(SpoolUnderTest.RecordOf(seq, new byte[40_000]), "a test");
            spool.Thread.RunAll();
        }

        await Assert.That(string.Join(' ', Kept.Select(SeqOf))).IsEqualTo("4 5");
    }

    [Test]
    public async Task The_same_event_is_kept_once()
    {
        using SpoolUnderTest spool = new(Options with { MaxPoisonFiles = 2 });
        foreach (long seq in (long[])[1, 2, 2, 2])
        {
            spool.Spool.SetAside(SpoolUnderTest.RecordOf(seq, "x"u8), "a test");
            spool.Thread.RunAll();
        }

        await Assert.That(string.Join(' ', Kept.Select(SeqOf))).IsEqualTo("1 2");
    }

    [Test]
    public async Task A_disk_that_refuses_is_tried_again()
    {
        using SpoolUnderTest spool = new(Options);
        spool.Files.Fault = (call, _) => call == "create" ? FaultyFiles.NoSpace : 0;
        spool.Spool.SetAside(SpoolUnderTest.RecordOf(1, "x"u8), "a test");
        spool.Thread.RunAll();
        await Assert.That(Kept).IsEmpty();
        spool.Files.Fault = (_, _) => 0;
        spool.PassTime();
        await Assert.That(Kept.Length).IsEqualTo(1);
    }

    [Test]
    public async Task What_waits_for_the_disk_is_bounded()
    {
        using SpoolUnderTest spool = new(Options with { MemoryLimit = 1024 * 1024 });
        byte[] payload = new byte[400_000];
        int accepted = 0;
        while (accepted < 100 && spool.Spool.SetAside(SpoolUnderTest.RecordOf(accepted, payload), "a test"))
        {
            accepted++;
        }

        await Assert.That(accepted).IsEqualTo(3);
        spool.Thread.RunAll();
        await Assert.That(spool.Spool.SetAside(SpoolUnderTest.RecordOf(9, payload), "a test")).IsTrue();
    }

    [Test]
    public async Task A_half_written_file_of_a_crash_is_removed()
    {
        using (SpoolUnderTest first = new(Options))
        {
        }

        await File.WriteAllBytesAsync(Path.Combine(Folder, "x.event.tmp"), Encoding.UTF8.GetBytes("half"));
        using SpoolUnderTest second = new(Options);
        await Assert.That(Kept).IsEmpty();
    }

    private static string SeqOf(string path) => path[(path.IndexOf("-seq", StringComparison.Ordinal) + 4)..path.IndexOf("-rule", StringComparison.Ordinal)];
}
