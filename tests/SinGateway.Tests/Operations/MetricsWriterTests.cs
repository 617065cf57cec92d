using System.Text;
using SinGateway.Operations;

namespace SinGateway.Tests.Operations;

public sealed class MetricsWriterTests
{
    private delegate void Writing(ref MetricsWriter metrics);

    [Test]
    public async Task A_metric_has_help_type_and_samples() =>
        await Assert.That(Write((ref MetricsWriter metrics) =>
        {
            metrics.Begin("a_total"u8, MetricKind.Counter, "What a is."u8);
            metrics.Sample(3);
            metrics.Sample("shard"u8, 12, 0.25);
            metrics.Sample("shard"u8, 12, "state"u8, "ready", 1);
            metrics.Sample("op"u8, "8", "result"u8, "sent", 9007199254740993);
        })).IsEqualTo("""
            # HELP a_total What a is.
            # TYPE a_total counter
            a_total 3
            a_total{shard="12"} 0.25
            a_total{shard="12",state="ready"} 1
            a_total{op="8",result="sent"} 9007199254740992

            """);

    [Test]
    public async Task A_label_may_hold_anything() =>
        await Assert.That(Write((ref MetricsWriter metrics) =>
        {
            metrics.Begin("a"u8, MetricKind.Gauge, "b"u8);
            metrics.Sample("event"u8, "신경 \"\\\n", 1);
        })).Contains("""
            a{event="신경 \"\\\n"} 1
            """);

    [Test]
    public async Task A_histogram_counts_what_is_not_longer_in_seconds()
    {
        Histogram histogram = new([100, 1_000_000]);
        histogram.Observe(100);
        histogram.Observe(200, times: 2);
        histogram.Observe(3_000_000);

        await Assert.That(Write((ref MetricsWriter metrics) =>
        {
            metrics.Begin("h_seconds"u8, MetricKind.Histogram, "b"u8);
            metrics.Samples(histogram, "operation"u8, "save");
            metrics.Samples(histogram);
        })).EndsWith("""
            h_seconds_bucket{operation="save",le="0.0001"} 1
            h_seconds_bucket{operation="save",le="1"} 3
            h_seconds_bucket{operation="save",le="+Inf"} 4
            h_seconds_sum{operation="save"} 3.0005
            h_seconds_count{operation="save"} 4
            h_seconds_bucket{le="0.0001"} 1
            h_seconds_bucket{le="1"} 3
            h_seconds_bucket{le="+Inf"} 4
            h_seconds_sum 3.0005
            h_seconds_count 4

            """);
    }

    private static string Write(Writing write)
    {
        PageBuffer page = new();
        MetricsWriter metrics = new(page);
        write(ref metrics);
        return Encoding.UTF8.GetString(page.Bytes);
    }
}
