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
            faults.Add("shard", $"{i}");
        }

        await Assert.That(faults.Newest().Select(fault => fault.Cause)).IsEquivalentTo(Enumerable.Range(4, FaultLog.Capacity).Reverse().Select(i => $"{i}"));
        await Assert.That(faults.Newest()[0]).IsEqualTo(new Fault(FaultLog.Capacity + 3, "shard", $"{FaultLog.Capacity + 3}"));
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
                faults.Add("a", "b");
                if (i % 100 == 0)
                {
                    faults.Newest();
                }
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());

        await Assert.That(faults.Newest().Length).IsEqualTo(FaultLog.Capacity);
    }
}
