using SinGateway.Discord;
using SinGateway.Sessions;

namespace SinGateway.Tests.Discord;

public sealed class IdentifyWaitersTests
{
    private const int Pace = IdentifyBuckets.Pace;

    private readonly IdentifyWaiters _waiters;
    private int _owners;

    public IdentifyWaitersTests() => _waiters = new IdentifyWaiters(() => $"{_owners++}", Pace);

    [Test]
    public async Task The_first_of_each_bucket_is_asked_for_by_its_last_IDENTIFY_and_then_by_its_number()
    {
        Wait(maxConcurrency: 2, 0, 1, 2, 3, 5);
        _waiters.NoteLast(1, 900);
        _waiters.NoteLast(0, 700);

        await Assert.That(Due(0)).IsEqualTo("2 3");
    }

    [Test]
    public async Task A_bucket_is_not_asked_about_again_before_its_pace_is_over()
    {
        Wait(maxConcurrency: 1, 0, 1);
        Answer(0, ClaimResult.Paced, 1_200, now: 0);

        await Assert.That(Due(1_199)).IsEqualTo("");
        await Assert.That(_waiters.DueAt()).IsEqualTo(1_200);
        await Assert.That(Due(1_200)).IsEqualTo("0");
    }

    [Test]
    public async Task The_estimate_knows_what_it_was_told_and_nothing_before()
    {
        const long Now = 1_000_000;
        Wait(maxConcurrency: 2, 0, 1);

        await Assert.That(_waiters.EstimatedWait(Now)).IsEqualTo(0);
        Answer(0, ClaimResult.Paced, 1_200, now: Now);
        await Assert.That(_waiters.EstimatedWait(Now)).IsEqualTo(1_200);
        await Assert.That(_waiters.EstimatedWait(Now + 1_300)).IsEqualTo(0);
    }

    [Test]
    public async Task However_long_the_pace_others_hear_every_two_seconds_that_it_waits()
    {
        Wait(maxConcurrency: 1, 0);
        Answer(0, ClaimResult.Paced, Pace, now: 0);

        await Assert.That(_waiters.DueAt()).IsEqualTo(IdentifyWaiters.WhilePaced);
    }

    [Test]
    public async Task A_bucket_that_somebody_holds_is_asked_about_soon()
    {
        Wait(maxConcurrency: 1, 0);
        Answer(0, ClaimResult.Taken, 45_000, now: 0);

        await Assert.That(_waiters.DueAt()).IsEqualTo(IdentifyWaiters.WhileTaken);
    }

    [Test]
    public async Task Who_is_granted_waits_no_more_and_the_next_is_asked_for_a_little_later()
    {
        Wait(maxConcurrency: 1, 0, 1);
        await Assert.That(Answer(0, ClaimResult.Granted, 0, now: 0)).IsTrue();

        await Assert.That(_waiters.Count).IsEqualTo(1);
        await Assert.That(Due(IdentifyWaiters.WhileTaken)).IsEqualTo("1");
    }

    [Test]
    public async Task A_grant_for_an_owner_of_before_is_nobodys()
    {
        Wait(maxConcurrency: 1, 0);
        PermitClaim before = _waiters.Due(0).Single();
        _waiters.Add(0);

        await Assert.That(_waiters.Answer(before, new(ClaimResult.Granted, 0, 1), 0)).IsFalse();
        await Assert.That(_waiters.Count).IsEqualTo(1);
    }

    [Test]
    public async Task A_shard_with_too_many_today_lets_the_next_of_its_bucket_go_at_once()
    {
        Wait(maxConcurrency: 1, 0, 1);
        Answer(0, ClaimResult.Extra, 3_600_000, now: 0);

        await Assert.That(Due(0)).IsEqualTo("1");
        await Assert.That(_waiters.IsAnyBlocked(0)).IsTrue();
        await Assert.That(Due(IdentifyWaiters.WhileStuck)).IsEqualTo("0");
    }

    [Test]
    public async Task Another_number_of_buckets_makes_other_claims()
    {
        Wait(maxConcurrency: 1, 0, 1);
        string before = _waiters.Due(0).Single().Owner;
        _waiters.Resize(2);

        await Assert.That(Due(0)).IsEqualTo("0 1");
        await Assert.That(_waiters.Due(0)[0].Owner).IsNotEqualTo(before);
    }

    [Test]
    public async Task What_is_due_is_asked_whatever_was_asked_at_random_before()
    {
        Random random = new(1);
        Wait(maxConcurrency: 7, [.. Enumerable.Range(0, 60)]);
        long now = 0;
        for (int step = 0; step < 5_000; step++)
        {
            long due = _waiters.DueAt();
            now = Math.Max(now, due == long.MaxValue ? now : due);
            PermitClaim[] claims = _waiters.Due(now);
            await Assert.That(claims.Length > 0).IsEqualTo(_waiters.Count > 0).Because("a machine that is due and asks nothing would spin");
            foreach (PermitClaim claim in claims)
            {
                _waiters.Answer(claim, new((ClaimResult)random.Next(5), random.Next(Pace), 1), now);
            }

            int shard = random.Next(60);
            if (random.Next(2) == 0)
            {
                _waiters.NoteLast(shard, random.Next(100));
                _waiters.Add(shard);
            }
            else if (random.Next(4) == 0)
            {
                _waiters.Remove(shard);
            }
        }
    }

    private void Wait(int maxConcurrency, params int[] shards)
    {
        _waiters.Resize(maxConcurrency);
        Array.ForEach(shards, _waiters.Add);
    }

    private string Due(long now) => string.Join(' ', _waiters.Due(now).Select(claim => claim.ShardId));

    private bool Answer(int shard, ClaimResult result, long wait, long now) =>
        _waiters.Answer(_waiters.Due(now).Single(claim => claim.ShardId == shard), new(result, wait, 1), now);
}
