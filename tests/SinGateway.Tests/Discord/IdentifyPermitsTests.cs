using FsCheck;
using FsCheck.Fluent;
using SinGateway.Discord;
using SinGateway.Sessions;

namespace SinGateway.Tests.Discord;

public sealed class IdentifyPermitsTests
{
    private const long Day = 24 * 60 * 60 * 1_000L;
    private const int Shards = 24;

    /// <summary>Requests, returns, connections that fail, answers of Discord, restarts and time, in any order.</summary>
    [Test]
    public void No_interleaving_breaks_the_pace_the_reserve_or_the_days_limit() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed =>
        {
            Driver driver = new(seed);
            driver.Run(steps: 3_000);
            return (driver.Problem.Length == 0).Label($"seed {seed}: {driver.Problem}");
        }).QuickCheckThrowOnFailure();

    [Test]
    public async Task Nobody_starves_while_others_lose_their_sessions_again_and_again()
    {
        IdentifyPermits permits = Known(new SessionStartLimit(1_000, 1_000, Day, 1));
        int[] identified = new int[Shards];
        Enumerable.Range(0, Shards).ToList().ForEach(permits.Request);
        List<int> granted = [];
        long now = 0;
        for (int i = 0; i < 4 * Shards; i++)
        {
            granted.Clear();
            permits.Grant(now, granted);
            int shard = granted.Single();
            identified[shard] += permits.TrySpend(shard, now) && permits.Confirm(shard, now) ? 1 : 0;
            permits.Request(shard);
            now += IdentifyBuckets.Pace;
        }

        await Assert.That(identified.Distinct()).IsEquivalentTo([4]);
    }

    [Test]
    [Arguments(0)]
    [Arguments(1_000_000)]
    public async Task The_estimate_is_when_the_last_is_granted(long start)
    {
        IdentifyPermits permits = Known(new SessionStartLimit(1_000, 1_000, Day, 4));
        Enumerable.Range(0, Shards).ToList().ForEach(permits.Request);
        long estimate = permits.EstimatedWait(start);
        List<int> granted = [];
        long now = start, last = start;
        while (permits.Waiting > 0)
        {
            granted.Clear();
            IdentifyPass pass = permits.Grant(now, granted);
            last = now;
            granted.ForEach(shard => permits.TrySpend(shard, now));
            granted.ForEach(shard => permits.Confirm(shard, now));
            now += IdentifyBuckets.Pace;
        }

        await Assert.That(estimate).IsEqualTo(last - start);
        await Assert.That(permits.EstimatedWait(now)).IsEqualTo(0);
    }

    [Test]
    public async Task The_estimate_of_a_first_IDENTIFY_does_not_depend_on_extras_that_a_larger_total_allowed()
    {
        const long Start = 1_000_000;
        IdentifyPermits permits = new();
        permits.Update(new SessionStartLimit(1_000, 1_000, Day, 1), Start);
        long now = Start;
        for (int i = 0; i <= 30; i++, now += IdentifyBuckets.Pace)
        {
            Identify(permits, 0, now);
        }

        permits.Update(new SessionStartLimit(100, 100, Day, 1), now);
        permits.Request(1);

        await Assert.That(permits.EstimatedWait(now)).IsEqualTo(0);
    }

    [Test]
    public async Task Fewer_buckets_keep_the_distance_to_what_any_of_the_old_ones_sent()
    {
        IdentifyPermits permits = Known(new SessionStartLimit(1_000, 1_000, Day, 16));
        await Assert.That(Identify(permits, 3, 0)).IsTrue();
        permits.Request(5);
        List<int> granted = [];
        permits.Grant(1_000, granted);
        permits.Update(new SessionStartLimit(1_000, 999, Day, 1), 1_000);
        await Assert.That(permits.TrySpend(5, 1_500)).IsFalse().Because("it is a permit of a bucket that is no more");

        await Assert.That(Identify(permits, 5, IdentifyBuckets.Pace - 1)).IsFalse();
        await Assert.That(Identify(permits, 5, IdentifyBuckets.Pace)).IsTrue();
    }

    [Test]
    public async Task Of_two_numbers_of_a_window_the_smaller_is_believed()
    {
        IdentifyPermits permits = Known(new SessionStartLimit(1_000, 500, Day, 1));
        Identify(permits, 0, 0);
        permits.Update(new SessionStartLimit(1_000, 500, Day - 1_000, 1), 1_000);
        await Assert.That(permits.Budget.Remaining).IsEqualTo(499);
        permits.Update(new SessionStartLimit(1_000, 300, Day - 2_000, 1), 2_000);
        await Assert.That(permits.Budget.Remaining).IsEqualTo(300);
        permits.Update(new SessionStartLimit(1_000, 1_000, Day, 1), Day + 1);
        await Assert.That(permits.Budget.Remaining).IsEqualTo(1_000);
    }

    [Test]
    public async Task A_new_window_that_began_earlier_than_expected_is_noticed()
    {
        IdentifyPermits permits = Known(new SessionStartLimit(1_000, 20, Day, 1));
        permits.Update(new SessionStartLimit(1_000, 1_000, Day, 1), Day - 5_000_000);
        await Assert.That(permits.Budget.Remaining).IsEqualTo(1_000);
    }

    [Test]
    public async Task A_wall_clock_that_was_set_back_locks_a_bucket_no_longer_than_the_pace()
    {
        IdentifyPermits before = Known(new SessionStartLimit(1_000, 1_000, Day, 1));
        Identify(before, 0, 0);
        IdentifyPermits after = new();
        after.Restore(before.Snapshot(0, unixNow: 2_000_000_000_000), 0, unixNow: 1_000_000_000_000);
        after.Update(new SessionStartLimit(1_000, 1_000, Day, 1), 0);

        await Assert.That(Identify(after, 1, IdentifyBuckets.Pace - 1)).IsFalse();
        await Assert.That(Identify(after, 1, IdentifyBuckets.Pace)).IsTrue();
    }

    [Test]
    public async Task A_lost_record_locks_every_bucket_for_one_pace()
    {
        IdentifyPermits permits = new();
        permits.Restore(new IdentifyRecord { IsLost = true }, 0, 1_000_000_000_000);
        permits.Update(new SessionStartLimit(1_000, 1_000, Day, 16), 0);
        await Assert.That(Identify(permits, 7, IdentifyBuckets.Pace - 1)).IsFalse();
        await Assert.That(Identify(permits, 7, IdentifyBuckets.Pace)).IsTrue();
    }

    [Test]
    public async Task Counting_that_took_too_long_sends_nothing()
    {
        IdentifyPermits permits = Known(new SessionStartLimit(1_000, 1_000, Day, 1));
        permits.Request(0);
        permits.Grant(0, []);
        permits.TrySpend(0, 0);
        await Assert.That(permits.Confirm(0, IdentifyPermit.MaximumCounting + 1)).IsFalse();
    }

    private static IdentifyPermits Known(SessionStartLimit limit)
    {
        IdentifyPermits permits = new();
        permits.Update(limit, 0);
        return permits;
    }

    private static bool Identify(IdentifyPermits permits, int shard, long now)
    {
        permits.Request(shard);
        List<int> granted = [];
        permits.Grant(now, granted);
        return granted.Contains(shard) && permits.TrySpend(shard, now) && permits.Confirm(shard, now);
    }

    /// <summary>Drives the permits at random, and keeps Discord's books beside them.</summary>
    private sealed class Driver
    {
        private const int Total = 200;
        private const int Reserve = 10;
        private const long UnixStart = 1_800_000_000_000;

        private readonly Random _random;
        private readonly List<(long At, int Shard)> _sent = [];
        private readonly HashSet<int> _holding = [];
        private readonly HashSet<int> _spending = [];
        private IdentifyPermits _permits = new();
        private IdentifyRecord _record = new();
        private long _now;
        private long _windowEnds = Day;
        private int _used;
        private int _maxConcurrency;

        public Driver(int seed)
        {
            _random = new Random(seed);
            _maxConcurrency = Concurrency();
            _used = _random.Next(Total - Reserve);
        }

        public string Problem { get; private set; } = "";

        public void Run(int steps)
        {
            _permits.Update(Limit(), 0);
            for (int i = 0; i < steps && Problem.Length == 0; i++)
            {
                Step(_random.Next(Shards));
            }
        }

        private void Step(int shard)
        {
            switch (_random.Next(100))
            {
                case < 30:
                    Forget(shard);
                    _permits.Request(shard);
                    break;
                case < 36:
                    Forget(shard);
                    _permits.Return(shard);
                    break;
                case < 56 when _holding.Count > 0:
                    Spend(_holding.ElementAt(_random.Next(_holding.Count)));
                    break;
                case < 76 when _spending.Count > 0:
                    Confirm(_spending.ElementAt(_random.Next(_spending.Count)));
                    break;
                case < 80:
                    // Answers are asked for at the latest when the budget's end is reached.
                    _permits.Update(Limit(), _now);
                    break;
                case 80:
                    Restart();
                    break;
                case 81:
                    Pass(_random.NextInt64(Day / 3));
                    break;
                case 82:
                    _maxConcurrency = Concurrency();
                    _permits.Update(Limit(), _now);
                    Forget();
                    break;
                default:
                    Pass(_random.NextInt64(3_000));
                    break;
            }

            Grant();
        }

        private int Concurrency() => _random.Next(3) switch { 0 => 1, 1 => 4, _ => 16 };

        private void Pass(long milliseconds)
        {
            _now += milliseconds;
            if (_now >= _windowEnds)
            {
                _windowEnds = _now + Day;
                _used = 0;
                _permits.Update(Limit(), _now);
            }
        }

        private SessionStartLimit Limit() => new(Total, Total - _used, _windowEnds - _now, _maxConcurrency);

        private void Grant()
        {
            List<int> granted = [];
            _permits.Grant(_now, granted);
            _holding.UnionWith(granted);
        }

        private void Forget(int shard)
        {
            _holding.Remove(shard);
            _spending.Remove(shard);
        }

        // Permits of the old buckets are void; that the permits know this is what the books show.
        private void Forget() => _holding.RemoveWhere(_ => _random.Next(2) == 0);

        private void Spend(int shard)
        {
            _holding.Remove(shard);
            if (_permits.TrySpend(shard, _now))
            {
                _spending.Add(shard);
                _record = _permits.Snapshot(_now, UnixStart + _now);
            }
        }

        private void Confirm(int shard)
        {
            _spending.Remove(shard);
            if (_random.Next(10) == 0)
            {
                _permits.Cancel(shard, _now);
            }
            else if (_permits.Confirm(shard, _now))
            {
                _used++;
                Check(shard);
                _sent.Add((_now, shard));
            }
        }

        private void Check(int shard)
        {
            if (_sent.Exists(sent => _now - sent.At < 5_000 && sent.Shard % _maxConcurrency == shard % _maxConcurrency))
            {
                Problem = $"two IDENTIFYs of bucket {shard % _maxConcurrency} within 5 s";
            }
            else if (Total - _used < Reserve)
            {
                Problem = $"only {Total - _used} are left";
            }
            else if (_sent.Count(sent => _now - sent.At < Day) + 1 > Shards + Total / 4)
            {
                Problem = "more within 24 h than each shard's first and a quarter";
            }
        }

        /// <summary>Killed and started again, with what was written last.</summary>
        private void Restart()
        {
            _holding.Clear();
            _spending.Clear();
            _permits = new IdentifyPermits();
            _permits.Restore(_record, _now, UnixStart + _now);
            _permits.Update(Limit(), _now);
        }
    }
}
