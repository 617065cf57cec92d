using SinGateway.Spooling;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests.Spooling;

/// <summary>
/// Random lives of a spool beside a plain queue: appending, reading, confirming, file operations that end or do not, a disk that fails, clean
/// ends, crashes and power losses. What was told durable and not confirmed must come back, in order, whole.
/// </summary>
public sealed class SpoolModelTests
{
    [Test]
    [Arguments(1, false)]
    [Arguments(2, false)]
    [Arguments(3, true)]
    [Arguments(4, true)]
    [Arguments(5, true)]
    [Arguments(6, true)]
    public async Task Nothing_durable_is_lost_and_order_is_kept(int seed, bool failing)
    {
        using TemporaryDirectory directory = new();
        Random random = new(seed);
        SpoolOptions options = new() { Directory = directory.File(""), MaxSize = 2 * 1024 * 1024, MemoryLimit = 600_000 };
        Life life = new(random, failing);
        for (int process = 0; process < 40; process++)
        {
            life.Run(options);
        }

        using SpoolUnderTest last = new(options);
        long final = last.Spool.Last;
        List<long> rest = last.ReadAll();
        await Assert.That(rest).IsEquivalentTo(
            Enumerable.Range(0, rest.Count).Select(i => final - rest.Count + 1 + i), TUnit.Assertions.Enums.CollectionOrdering.Matching);
        await Assert.That(last.Spool.IsEmpty).IsTrue();
        await Assert.That(life.Appended).IsGreaterThan(5_000);
        await Assert.That(life.Restarts).IsGreaterThan(10);
    }

    private sealed class Life(Random random, bool failing)
    {
        // Each record's seq is the number that it is expected to get.
        private long _last;

        // The last record that was told durable and is not confirmed, and the last one that was ever confirmed.
        private long _mustHave;
        private long _mayStartAt;

        public long Appended { get; private set; }

        public int Restarts { get; private set; }

        public void Run(SpoolOptions options)
        {
            using SpoolUnderTest spool = new(options);
            if (spool.Spool.Last < _mustHave)
            {
                throw new InvalidDataException($"{_mustHave} was durable, and the files end at {spool.Spool.Last}");
            }

            if (spool.Spool.Lost > 0 || spool.SegmentFiles.Any(file => file.Contains(SpoolSegment.BrokenMark, StringComparison.Ordinal)))
            {
                throw new InvalidDataException("something counts as damaged, and nothing is");
            }

            // What was not durable may be gone, so numbers of it may be given again.
            _last = spool.Spool.Last;
            long expected = 0;
            bool isFirst = true;
            long confirmed = spool.Spool.Confirmed;
            long read = confirmed;
            int steps = random.Next(50, 600);
            for (int step = 0; step < steps; step++)
            {
                switch (random.Next(12))
                {
                    case < 5:
                        for (int i = random.Next(40); i > 0 && spool.TryAppend(_last + 1, SpoolUnderTest.SizeOf(_last + 1), out long number); i--)
                        {
                            _last = number;
                            Appended++;
                        }

                        break;
                    case < 8:
                        for (int i = random.Next(60); i > 0 && spool.Spool.TryRead(out SpoolRecord record); i--)
                        {
                            long seq = SpoolUnderTest.Check(record, SpoolUnderTest.SizeOf(record.Seq));
                            if (seq != record.Number || (isFirst ? seq > _mayStartAt + 1 : seq != expected))
                            {
                                throw new InvalidDataException($"seq {seq} came, and {(isFirst ? _mayStartAt + 1 : expected)} was expected");
                            }

                            isFirst = false;
                            expected = seq + 1;
                            read = seq;
                        }

                        break;
                    case 8 when read > confirmed:
                        confirmed += random.NextInt64(1, read - confirmed + 1);
                        spool.Spool.Confirm(confirmed);
                        _mayStartAt = Math.Max(_mayStartAt, confirmed);
                        break;
                    case 9 when random.Next(3) == 0:
                        spool.PassTime();
                        break;
                    case 10 when failing:
                        Fail(spool);
                        break;
                    default:
                        spool.Thread.RunOne();
                        break;
                }

                if (spool.DiskBytes > options.MaxSize)
                {
                    throw new InvalidDataException($"{spool.DiskBytes} bytes on the disk");
                }
            }

            End(spool);
        }

        private void Fail(SpoolUnderTest spool)
        {
            string call = new[] { "", "", "write", "sync", "create", "delete", "truncate", "syncdirectory" }[random.Next(8)];
            spool.Files.WrittenBeforeFault = random.Next(20_000);
            spool.Files.Fault = (at, _) => at == call ? FaultyFiles.InputOutput : 0;
        }

        private void End(SpoolUnderTest spool)
        {
            Restarts++;
            switch (random.Next(3))
            {
                case 0:
                    spool.Files.Fault = (_, _) => 0;
                    if (spool.Close() != 0)
                    {
                        throw new InvalidDataException("a clean end left something behind");
                    }

                    _mustHave = Math.Max(spool.Spool.Last, _mustHave);
                    break;
                case 1:
                    _mustHave = spool.Spool.Durable;
                    break;
                default:
                    _mustHave = spool.Spool.Durable;
                    spool.Files.LosePower(random);
                    break;
            }

            // What was confirmed and is no more on the disk leaves nothing behind that tells its number.
            _mustHave = _mustHave > spool.Spool.Confirmed ? _mustHave : 0;
        }
    }
}
