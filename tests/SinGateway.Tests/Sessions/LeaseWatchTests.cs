using SinGateway.Sessions;

namespace SinGateway.Tests.Sessions;

/// <summary>When a lease may be taken (G18), as a table of what was seen twice a second.</summary>
public sealed class LeaseWatchTests
{
    private const long Period = 500;
    private const long Answer = 10;

    /// <summary>The words are what a look shows; <c>*n</c> repeats it. The result is the number of the first look after which the lease may be taken, -1 for never.</summary>
    [Test]
    [Arguments("free*30", 16)]
    [Arguments("free*16", -1)]
    [Arguments("held*30", -1)]
    [Arguments("held*4 free*30", 20)]
    [Arguments("free*15 held free*30", 32)]
    [Arguments("free*15 away free*30", 32)]
    [Arguments("away*4 free*30", 20)]
    [Arguments("free*15 restarted*30", 31)]
    [Arguments("free*15 restarted free*30", 32)]
    [Arguments("free*15 fenced*30", 31)]
    [Arguments("young*20 free*3", 20)]
    [Arguments("free*10 pause2s free*30", 12)]
    [Arguments("free*10 pause4s free*30", 26)]
    [Arguments("free*10 slow4s free*30", 27)]
    [Arguments("vacated", 0)]
    [Arguments("held*3 vacated", 3)]
    [Arguments("young vacatedYoung", 1)]
    [Arguments("away vacated", 1)]
    public async Task A_lease_may_be_taken_after_8_s_of_absence_or_at_once_when_it_was_vacated(string looks, int expected)
    {
        LeaseWatch watch = new(1);
        long now = 1_000_000;
        int number = 0;
        int found = -1;
        foreach (string word in Words(looks))
        {
            if (word.StartsWith("pause", StringComparison.Ordinal))
            {
                now += (word[5] - '0') * 1000;
                continue;
            }

            long answeredAt = now + (word == "slow4s" ? 4_000 : Answer);
            if (word == "away")
            {
                watch.LoseContact();
            }
            else
            {
                watch.Look(Look(word, View(word)), now, answeredAt);
            }

            if (found < 0 && watch.Next(answeredAt) is not null)
            {
                found = number;
            }

            now = Math.Max(now + Period, answeredAt);
            number++;
        }

        await Assert.That(found).IsEqualTo(expected);
    }

    [Test]
    public async Task What_was_seen_too_long_ago_allows_nothing()
    {
        LeaseWatch watch = new(1);
        watch.Look(Look("vacated", View("vacated")), 0, 10);
        await Assert.That(watch.Next(3_000)).IsEqualTo(0);
        await Assert.That(watch.Next(3_001)).IsNull();
    }

    [Test]
    public async Task Of_several_the_first_free_one_is_taken_and_a_refused_one_waits_for_the_next_look()
    {
        LeaseWatch watch = new(3);
        watch.Look(Look("free", View("held"), View("vacated"), View("vacated")), 0, 10);
        await Assert.That(watch.Next(10)).IsEqualTo(1);
        watch.Refused(1);
        await Assert.That(watch.Next(10)).IsEqualTo(2);
        watch.Refused(2);
        await Assert.That(watch.Next(10)).IsNull();
    }

    [Test]
    public async Task A_refused_one_is_waited_for_anew()
    {
        LeaseWatch watch = new(1);
        for (long now = 0; now <= 8_000; now += Period)
        {
            watch.Look(Look("free", View("free")), now, now);
        }

        await Assert.That(watch.Next(8_000)).IsEqualTo(0);
        watch.Refused(0);
        watch.Look(Look("free", View("free")), 8_500, 8_500);
        await Assert.That(watch.Next(8_500)).IsNull();
    }

    private static IEnumerable<string> Words(string looks) => looks.Split(' ').SelectMany(word =>
        word.Split('*') is [var what, var count] ? Enumerable.Repeat(what, int.Parse(count, System.Globalization.CultureInfo.InvariantCulture)) : [word]);

    private static LeaseView View(string word) => word switch
    {
        "held" => new LeaseView("1:a:1:h", "1", false),
        "vacated" or "vacatedYoung" => new LeaseView(null, "1", true),
        "fenced" => new LeaseView(null, "2", false),
        _ => new LeaseView(null, "1", false),
    };

    private static LeaseLook Look(string word, params LeaseView[] views) =>
        new(word == "restarted" ? "run2" : "run1", word is "young" or "vacatedYoung" ? 8 : 9, null, views);
}
