using Microsoft.Extensions.Time.Testing;
using SinGateway.Operations;
using SinGateway.Singyeong;
using SinGateway.Tests.Loop;

namespace SinGateway.Tests.Singyeong;

/// <summary>On a loop whose clock stands still but for the test; each step of the loop is a turn.</summary>
public sealed class BrokerTimesTests
{
    [Test]
    public async Task Dispatches_of_a_turn_are_timed_by_the_write_that_takes_the_last_of_them()
    {
        using Times times = new();
        await times.AddAsync(100, 200, 300);
        await times.AdvanceAsync(milliseconds: 2);

        await times.WrittenAsync(299);
        await Assert.That(times.Counts()).IsEmpty();

        await times.WrittenAsync(300);
        await Assert.That(times.Counts()).IsEqualTo("2500: 3");
    }

    [Test]
    public async Task Each_turn_has_its_own_time()
    {
        using Times times = new();
        await times.AddAsync(100);
        await times.AdvanceAsync(milliseconds: 20);
        await times.AddAsync(200, 300);
        await times.AdvanceAsync(milliseconds: 4);

        await times.WrittenAsync(300);

        await Assert.That(times.Counts()).IsEqualTo("5000: 2, 25000: 1");
    }

    [Test]
    public async Task What_is_written_again_is_not_counted_again()
    {
        using Times times = new();
        await times.AddAsync(100);
        await times.WrittenAsync(100);

        await times.WrittenAsync(50);
        await times.WrittenAsync(100);

        await Assert.That(times.Latencies.Count(0)).IsEqualTo(1);
    }

    [Test]
    public async Task A_long_absence_of_the_broker_is_counted_whole_and_none_too_short()
    {
        const int Turns = 100_000;
        using Times times = new();

        // One dispatch each millisecond; the exact sum of their times is known.
        for (int i = 1; i <= Turns; i++)
        {
            times.Time.Advance(TimeSpan.FromMilliseconds(1));
            await times.AddAsync(i * 100L);
        }

        await times.WrittenAsync(Turns * 100L);

        double exact = Turns * (Turns - 1.0) / 2 * 1_000;
        await Assert.That(Enumerable.Range(0, Histogram.Seconds.Length + 1).Sum(times.Latencies.Count)).IsEqualTo(Turns);
        await Assert.That(times.Latencies.Sum / exact).IsGreaterThanOrEqualTo(1).And.IsLessThan(1.01);
    }

    [Test]
    public async Task What_waited_elsewhere_is_timed_since_it_was_read_whatever_stands_before_it()
    {
        using Times times = new();
        await times.AdvanceAsync(milliseconds: 10_000);
        await times.AddAsync(100);
        await times.Running.RunAsync(() => times.Broker.Added(200, times.Running.Loop.TimestampAt(1_000)));
        await times.AddAsync(300);

        await times.WrittenAsync(300);

        await Assert.That(times.Counts()).IsEqualTo("100: 2, 10000000: 1");
    }

    [Test]
    public async Task Times_in_any_order_are_counted_whole()
    {
        const int Dispatches = 50_000;
        using Times times = new();
        await times.AdvanceAsync(milliseconds: 100_000);
        Random random = new(3);
        long exact = 0;
        await times.Running.RunAsync(() =>
        {
            for (int i = 1; i <= Dispatches; i++)
            {
                int age = random.Next(100_000);
                exact += age * 1_000L;
                times.Broker.Added(i * 100L, times.Running.Loop.TimestampAt(100_000 - age));
            }
        });

        await times.WrittenAsync(Dispatches * 100L);

        await Assert.That(Enumerable.Range(0, Histogram.Seconds.Length + 1).Sum(times.Latencies.Count)).IsEqualTo(Dispatches);
        await Assert.That(times.Latencies.Sum).IsGreaterThanOrEqualTo(exact);
    }

    [Test]
    public async Task A_barrier_is_timed_from_its_heartbeat_to_its_ack()
    {
        using Times times = new();
        await times.Running.RunAsync(times.Broker.HeartbeatSent);
        await times.AdvanceAsync(milliseconds: 40);

        await times.Running.RunAsync(times.Broker.Acknowledged);

        await Assert.That(times.Broker.BarrierTime.Sum).IsEqualTo(40_000);
    }

    [Test]
    public async Task Heartbeats_of_a_lost_connection_time_nothing()
    {
        using Times times = new();
        await times.Running.RunAsync(times.Broker.HeartbeatSent);
        await times.Running.RunAsync(times.Broker.Lost);

        await times.Running.RunAsync(times.Broker.Acknowledged);

        await Assert.That(times.Broker.BarrierTime.Count(0)).IsEqualTo(0);
    }

    private sealed class Times : IDisposable
    {
        public Times()
        {
            Running = new RunningLoop(Time);
            Broker = new BrokerTimes(Running.Loop);
        }

        public FakeTimeProvider Time { get; } = new();

        public RunningLoop Running { get; }

        public BrokerTimes Broker { get; }

        public Histogram Latencies => Broker.EventLatency;

        public Task AddAsync(params long[] ends) => Running.RunAsync(() => Array.ForEach(ends, end => Broker.Added(end, Running.Loop.Timestamp)));

        public Task WrittenAsync(long sent) => Running.RunAsync(() => Broker.Written(sent));

        public Task AdvanceAsync(long milliseconds) => Running.AdvanceAsync(milliseconds);

        /// <summary>Buckets that are not empty, by their bounds in µs.</summary>
        public string Counts() => string.Join(
            ", ", Enumerable.Range(0, Histogram.Seconds.Length).Where(i => Latencies.Count(i) > 0).Select(i => $"{Histogram.Seconds[i]}: {Latencies.Count(i)}"));

        public void Dispose() => Running.Dispose();
    }
}
