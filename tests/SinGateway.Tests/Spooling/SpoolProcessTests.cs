using System.Diagnostics;
using SinGateway.Spooling;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests.Spooling;

/// <summary>A real process with a spool, and its sudden end.</summary>
public sealed class SpoolProcessTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Test]
    public async Task After_a_kill_every_record_that_was_told_durable_and_not_confirmed_is_there()
    {
        long durable = 0;
        long confirmed = 0;
        for (int round = 0; round < 12; round++)
        {
            using (Process child = SpoolChild.Start(_directory.File("")))
            {
                // Lines of this life alone; how many, and so where in its work it is killed, is chance.
                int lines = Random.Shared.Next(5, 200);
                while (await child.StandardOutput.ReadLineAsync() is { } line)
                {
                    Take(line, ref durable, ref confirmed);
                    if (--lines == 0)
                    {
                        child.Kill();
                    }
                }

                await child.WaitForExitAsync();
                await Assert.That(lines).IsLessThanOrEqualTo(0);
            }

            // It confirms nothing, so the next child finds what this one found.
            using SpoolUnderTest spool = new(new SpoolOptions { Directory = _directory.File(""), MaxSize = SpoolChild.MaxSize });
            List<long> read = spool.ReadAll();
            await Assert.That(spool.Spool.Lost).IsEqualTo(0);
            await Assert.That(spool.Spool.Last).IsGreaterThanOrEqualTo(durable > confirmed ? durable : 0);
            await Assert.That(spool.Spool.Confirmed).IsLessThanOrEqualTo(confirmed);
            // What was confirmed may be gone with its segment before the mark is written.
            long start = spool.Spool.Last - read.Count + 1;
            await Assert.That(start).IsLessThanOrEqualTo(confirmed + 1).Or.IsGreaterThan(durable);
            await Assert.That(read.Select((seq, i) => seq - i).All(first => first == start)).IsTrue();
            await Assert.That(spool.Spool.IsEmpty).IsTrue();
            durable = spool.Spool.Last;
        }
    }

    [Test]
    public async Task A_spool_that_another_process_holds_is_refused_until_that_one_has_ended()
    {
        using Process child = SpoolChild.Start(_directory.File(""));
        await child.StandardOutput.ReadLineAsync();
        SpoolOptions options = new() { Directory = _directory.File(""), MaxSize = SpoolChild.MaxSize };
        await Assert.That(() => new SpoolUnderTest(options)).Throws<SpoolInUseException>().WithMessageContaining("is held by another process");
        child.Kill();
        await child.WaitForExitAsync();
        using SpoolUnderTest spool = new(options);
        await Assert.That(spool.ReadAll()).IsNotEmpty();
    }

    private static void Take(string line, ref long durable, ref long confirmed)
    {
        // A killed process may leave half a line.
        string[] words = line.Split(' ');
        if (words is ["durable", var number])
        {
            durable = Math.Max(durable, long.Parse(number));
        }
        else if (words is ["confirm", var mark])
        {
            confirmed = Math.Max(confirmed, long.Parse(mark));
        }
    }
}
