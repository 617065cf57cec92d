using SinGateway.Operations;

namespace SinGateway.Tests.Operations;

public sealed class HistogramTests
{
    [Test]
    [Arguments(-5L, 0)]
    [Arguments(0L, 0)]
    [Arguments(10L, 0)]
    [Arguments(11L, 1)]
    [Arguments(100L, 1)]
    [Arguments(101L, 2)]
    [Arguments(long.MaxValue / 4, 2)]
    public async Task A_bound_is_in_its_bucket(long microseconds, int bucket)
    {
        Histogram histogram = new([10, 100]);

        histogram.Observe(microseconds, times: 2);

        await Assert.That(Enumerable.Range(0, 3).Select(histogram.Count)).IsEquivalentTo(Enumerable.Range(0, 3).Select(i => i == bucket ? 2L : 0));
    }

    [Test]
    public async Task The_sum_counts_each_occurrence()
    {
        Histogram histogram = new([10, 100]);

        histogram.Observe(7, times: 3);
        histogram.Observe(500);

        await Assert.That(histogram.Sum).IsEqualTo(521);
    }

    [Test]
    public async Task Adding_one_to_another_leaves_it_as_it_is()
    {
        Histogram one = new([10]), total = new([10]);
        one.Observe(5);
        total.Observe(50);

        one.AddTo(total);

        await Assert.That((one.Count(0), one.Count(1), one.Sum)).IsEqualTo((1, 0, 5));
        await Assert.That((total.Count(0), total.Count(1), total.Sum)).IsEqualTo((1, 1, 55));
    }
}
