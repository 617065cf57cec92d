using Microsoft.Extensions.Logging;
using SinGateway.Operations;

namespace SinGateway.Tests.Operations;

public sealed class RepeatedEntriesTests
{
    private readonly RepeatedEntries _repeated = new();

    [Test]
    public async Task The_first_ten_of_a_kind_are_written()
    {
        bool[] written = [.. Enumerable.Range(0, 12).Select(i => MayBeWritten(i, now: i))];

        await Assert.That(written.Count(w => w)).IsEqualTo(RepeatedEntries.Burst);
        await Assert.That(written[RepeatedEntries.Burst..]).IsEquivalentTo([false, false]);
    }

    [Test]
    public async Task The_last_of_those_kept_back_is_written_with_their_number_when_the_window_ends()
    {
        Offer(count: RepeatedEntries.Burst + 41, now: 5);

        await Assert.That(_repeated.NextEnd).IsEqualTo(5 + RepeatedEntries.Window);
        await Assert.That(_repeated.TakeEnded(RepeatedEntries.Window + 4)).IsEmpty();
        LogEntry last = _repeated.TakeEnded(RepeatedEntries.Window + 5).Single();
        await Assert.That(last.Repeated).IsEqualTo(41);
        await Assert.That(last.Text).IsEqualTo($"entry {RepeatedEntries.Burst + 40}");
        await Assert.That(_repeated.NextEnd).IsNull();
    }

    [Test]
    public async Task After_its_window_a_kind_is_written_again()
    {
        Offer(count: 20, now: 0);
        _repeated.TakeEnded(RepeatedEntries.Window);

        await Assert.That(MayBeWritten(0, now: RepeatedEntries.Window)).IsTrue();
    }

    [Test]
    public async Task Nothing_is_said_of_a_window_that_kept_nothing_back()
    {
        Offer(count: RepeatedEntries.Burst, now: 0);

        await Assert.That(_repeated.NextEnd).IsNull();
        await Assert.That(_repeated.TakeEnded(long.MaxValue)).IsEmpty();
    }

    [Test]
    [Arguments("redis", 7, LogLevel.Warning)]
    [Arguments("shard", 8, LogLevel.Warning)]
    [Arguments("shard", 7, LogLevel.Error)]
    public async Task Another_category_event_or_level_is_another_kind(string category, int id, LogLevel level)
    {
        Offer(count: 20, now: 0);

        await Assert.That(_repeated.MayBeWritten(Entry("text", category, id, level), 0)).IsTrue();
    }

    [Test]
    [Arguments(0, LogLevel.Warning)]
    [Arguments(7, LogLevel.Critical)]
    public async Task What_has_no_event_or_is_critical_is_always_written(int id, LogLevel level)
    {
        for (int i = 0; i < 100; i++)
        {
            await Assert.That(_repeated.MayBeWritten(Entry("text", "shard", id, level), 0)).IsTrue();
        }
    }

    [Test]
    public async Task Beyond_as_many_kinds_as_are_watched_everything_is_written()
    {
        for (int id = 1; id <= RepeatedEntries.MaximumKinds; id++)
        {
            _repeated.MayBeWritten(Entry("text", "shard", id, LogLevel.Warning), 0);
        }

        for (int i = 0; i < 100; i++)
        {
            await Assert.That(_repeated.MayBeWritten(Entry("text", "shard", 5000, LogLevel.Warning), 0)).IsTrue();
        }
    }

    [Test]
    public async Task A_random_flow_is_accounted_for_to_the_last_entry()
    {
        Random random = new(8_112);
        int offered = 0, written = 0, counted = 0;
        for (long now = 0; now < 20 * RepeatedEntries.Window; now += random.Next(3_000))
        {
            counted += _repeated.TakeEnded(now).Sum(entry => entry.Repeated);
            offered++;
            written += _repeated.MayBeWritten(Entry("text", "shard", random.Next(1, 4), LogLevel.Warning), now) ? 1 : 0;
        }

        counted += _repeated.TakeEnded(long.MaxValue).Sum(entry => entry.Repeated);
        await Assert.That(written + counted).IsEqualTo(offered);
        await Assert.That(counted).IsGreaterThan(0);
    }

    private static LogEntry Entry(string text, string category = "shard", int id = 7, LogLevel level = LogLevel.Warning) =>
        new(default, level, category, new EventId(id), text);

    private bool MayBeWritten(int number, long now) => _repeated.MayBeWritten(Entry($"entry {number}"), now);

    private void Offer(int count, long now)
    {
        for (int i = 0; i < count; i++)
        {
            MayBeWritten(i, now);
        }
    }
}
