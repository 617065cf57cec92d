using SinGateway.Operations;

namespace SinGateway.Tests.Operations;

public sealed class RateHistoryTests
{
    [Test]
    public async Task The_first_snapshot_tells_no_rate() =>
        await Assert.That(new RateHistory().Next(5_000, new StatusTotals { Events = 9 }).Events).IsEqualTo(0);

    [Test]
    public async Task A_rate_is_taken_over_the_last_ten_seconds()
    {
        RateHistory history = new();
        StatusRates rates = default;

        // 30 events a second for a while, then 10: after five of those seconds half of the ten are slow.
        for (int second = 0; second <= 100; second++)
        {
            rates = history.Next(second * 1_000, new StatusTotals { Events = second * 30 });
        }

        await Assert.That(rates.Events).IsEqualTo(30);
        for (int second = 1; second <= 5; second++)
        {
            rates = history.Next((100 + second) * 1_000, new StatusTotals { Events = 3_000 + second * 10 });
        }

        await Assert.That(rates.Events).IsEqualTo(20);
    }

    [Test]
    public async Task A_clock_that_stands_still_tells_no_rate()
    {
        RateHistory history = new();
        history.Next(1_000, default);

        await Assert.That(history.Next(1_000, new StatusTotals { Events = 9 }).Events).IsEqualTo(0);
    }
}
