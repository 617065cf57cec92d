using Microsoft.Extensions.Time.Testing;
using SinGateway.Operations;

namespace SinGateway.Tests.Operations;

public sealed class FaultLogTests
{
    [Test]
    public async Task The_newest_stand_first_and_the_oldest_are_forgotten()
    {
        FakeTimeProvider time = new(DateTimeOffset.UnixEpoch);
        FaultLog faults = new(time);
        for (int i = 1; i <= FaultLog.Capacity + 3; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(1));
            faults.Add("shard", new string('x', i));
        }

        await Assert.That(string.Join(' ', faults.Newest().Select(fault => fault.Cause.Length))).IsEqualTo(string.Join(' ', Enumerable.Range(4, FaultLog.Capacity).Reverse()));
        await Assert.That(faults.Newest()[0]).IsEqualTo(new Fault(FaultLog.Capacity + 3, "shard", new string('x', FaultLog.Capacity + 3), 1, FaultLog.Capacity + 3));
    }

    [Test]
    public async Task What_happens_again_and_again_is_counted_and_drives_nothing_else_out()
    {
        FakeTimeProvider time = new(DateTimeOffset.UnixEpoch);
        FaultLog faults = new(time);
        faults.Add("singyeong-0", "the first cause of it all");
        for (int i = 1; i <= 1_000; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(1));
            faults.Add("shard", $"Shard {i % 512} lost its connection: refused");
            faults.Add($"singyeong-{i % 4}", $"cannot connect; connecting again in {i} ms (attempt {i})");
        }

        Fault[] newest = faults.Newest();

        await Assert.That(newest[^1].Cause).IsEqualTo("the first cause of it all");
        await Assert.That(newest.Length).IsEqualTo((2 * FaultLog.OfAKind) + 1);
        Fault[] lost = [.. newest.Where(fault => fault.Source == "shard")];
        await Assert.That((lost.Sum(fault => fault.Times), lost.Min(fault => fault.Since), lost.Max(fault => fault.At))).IsEqualTo((1_000, 1, 1_000));
        await Assert.That(newest.Where(fault => fault.Source != "shard").Sum(fault => fault.Times)).IsEqualTo(1_001);
    }

    [Test]
    public async Task A_long_cause_is_cut()
    {
        FaultLog faults = new(TimeProvider.System);

        faults.Add("shard", new string('x', 10_000));

        await Assert.That(faults.Newest()[0].Cause.Length).IsLessThan(600);
    }

    [Test]
    public async Task Many_threads_may_add_at_once()
    {
        FaultLog faults = new(TimeProvider.System);
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < 20_000; i++)
            {
                faults.Add("a", i % 2 == 0 ? "b" : $"{i}");
                if (i % 100 == 0)
                {
                    faults.Newest();
                }
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());

        await Assert.That(faults.Newest().Sum(fault => fault.Times)).IsEqualTo(80_000);
    }
}
