using SinGateway.Spooling;

namespace SinGateway.Tests.SpoolFeeding;

public sealed class SpoolWindowTests
{
    [Test]
    public async Task A_record_is_open_until_its_last_copy_is_settled()
    {
        SpoolWindow window = new();
        window.Add(7, copies: 2);
        window.Settle(7);
        await Assert.That((window.IsEmpty, window.First)).IsEqualTo((false, 7L));

        window.Settle(7);
        await Assert.That(window.IsEmpty).IsTrue();
    }

    [Test]
    public async Task What_is_not_open_is_ignored()
    {
        SpoolWindow window = new();
        window.Add(5, copies: 1);
        window.Add(9, copies: 1);
        window.Settle(4);
        window.Settle(7);
        window.Settle(9);
        window.Settle(9);
        window.Settle(10);

        await Assert.That((window.First, window.Open)).IsEqualTo((5L, 1));
    }

    [Test]
    public async Task One_record_that_is_open_for_long_does_not_make_it_grow()
    {
        SpoolWindow window = new();
        window.Add(1, copies: 1);
        Pass(window, 2, 100_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Pass(window, 100_001, 200_000);

        await Assert.That(GC.GetAllocatedBytesForCurrentThread() - before).IsLessThan(10_000);
        await Assert.That(window.First).IsEqualTo(1);
    }

    [Test]
    [Arguments(1)]
    [Arguments(2)]
    [Arguments(3)]
    public async Task Its_first_is_always_the_smallest_that_is_open(int seed)
    {
        Random random = new(seed);
        SpoolWindow window = new();
        SortedDictionary<long, int> open = [];
        long number = 0;
        string? wrong = null;
        for (int step = 0; step < 20_000 && wrong is null; step++)
        {
            if (random.Next(2) == 0)
            {
                number += random.Next(1, 4);
                open[number] = random.Next(1, 4);
                window.Add(number, open[number]);
            }
            else if (open.Count > 0)
            {
                // Mostly the front, as confirmations come.
                long settled = open.Keys.ElementAt(random.Next(4) > 0 ? 0 : random.Next(open.Count));
                window.Settle(settled);
                if (--open[settled] == 0)
                {
                    open.Remove(settled);
                }
            }

            bool same = window.Open == open.Count && window.IsEmpty == (open.Count == 0) && (open.Count == 0 || window.First == open.Keys.First());
            wrong = same ? null : $"step {step}: {window.Open} open instead of {open.Count}";
        }

        await Assert.That(wrong).IsNull();
    }

    private static void Pass(SpoolWindow window, long from, long through)
    {
        for (long number = from; number <= through; number++)
        {
            window.Add(number, copies: 1);
            window.Settle(number);
        }
    }
}
