using SinGateway.Sessions;

namespace SinGateway.Tests.Sessions;

/// <summary>
/// Some processes and one Redis in virtual time: processes are killed, stopped and restarted, stand still, or lose touch with Redis; Redis
/// is away, and comes back with its data, without it, or without its last second. Requests and answers take their time and get lost. The
/// decisions are those of the real <see cref="LeaseWatch"/>, <see cref="LeaseHold"/> and <see cref="LeaseGate"/>; after each step it is
/// checked who forwards.
/// </summary>
internal sealed class LeaseModel
{
    private const int Step = 50;
    private const int Timeout = 3_000;

    private readonly Random _random;
    private readonly bool _isStrict;
    private readonly Member[] _members;
    private readonly Queue<(long At, Data Data)> _lastSecond = new();
    private long _now = 1_000_000;
    private Data _data = new(null, 0, 0, "");
    private string _runId = "run0";
    private long _redisSince;
    private long _redisBackAt;
    private bool _keeps = true;
    private bool _isPeaceful;
    private int _runs;

    public LeaseModel(int seed, bool isStrict, int members)
    {
        _random = new Random(seed);
        _isStrict = isStrict;
        _members = [.. Enumerable.Range(0, members).Select(number => new Member(this, number))];
        _redisSince = _now;
    }

    public int Takes { get; private set; }

    /// <summary>Steps in which two forwarded, all of them allowed: the older one could not reach Redis.</summary>
    public int Doubles { get; private set; }

    public int Forwarding => _members.Count(member => member.Forwards);

    /// <summary>Runs for a time; returns what rule was broken, or null.</summary>
    public string? Run(TimeSpan duration, bool faults)
    {
        _isPeaceful = !faults;
        for (long end = _now + (long)duration.TotalMilliseconds; _now < end; _now += Step)
        {
            if (faults)
            {
                Fault();
            }

            RunRedis();
            foreach (Member member in _members)
            {
                member.Run();
            }

            if (Check() is { } broken)
            {
                return $"{_now}: {broken}";
            }
        }

        return null;
    }

    /// <summary>
    /// Of those that forward, one may have had Redis' word since it, or another one, last got hold of the lease; the others must have run
    /// all the time without it. One that was taken from in the common way had no word for 8 s before.
    /// </summary>
    private string? Check()
    {
        Member[] forwarding = [.. _members.Where(member => member.Forwards).OrderBy(member => member.WrittenAt)];
        if (forwarding.Length < 2)
        {
            return null;
        }

        if (_isStrict)
        {
            return $"members {string.Join(" and ", forwarding.Select(member => member.Number))} forward";
        }

        Doubles++;
        Member newest = forwarding[^1];
        long silentSince = newest.WrittenAt - (newest.HasTaken ? LeaseHold.Patience : 0);
        return forwarding[..^1].FirstOrDefault(other => other.Hold!.RenewedAt > silentSince || other.StoodStillUntil > other.Hold.RenewedAt) is { } wrong
            ? $"member {wrong.Number}, renewed at {wrong.Hold!.RenewedAt}, stood still until {wrong.StoodStillUntil}, forwards beside {newest.Number}, whose lease was written at {newest.WrittenAt}"
            : null;
    }

    private bool Chance(double perMinute) => _random.NextDouble() < perMinute * Step / 60_000;

    private void Fault()
    {
        if (Chance(1) && _now >= _redisBackAt)
        {
            _redisBackAt = _now + (_random.Next(3) == 0 ? 0 : _random.Next(20_000));
            _keeps = _random.Next(3) > 0;
            if (_keeps && _random.Next(2) == 0)
            {
                _data = _lastSecond.Count > 0 ? _lastSecond.Peek().Data : _data;
            }

            _runId = $"run{++_runs}";
            _redisSince = _redisBackAt;
            if (!_keeps)
            {
                _data = new Data(null, 0, 0, "");
            }

            foreach (Member member in _members)
            {
                member.Disconnect(_redisBackAt + _random.Next(4_000));
            }
        }

        foreach (Member member in _members)
        {
            if (Chance(1))
            {
                member.StandStill(_now + (_random.Next(2) == 0 ? _random.Next(6_000) : _random.Next(40_000)));
            }

            if (Chance(1))
            {
                member.Disconnect(_now + _random.Next(30_000));
            }

            if (Chance(0.5))
            {
                member.End(_random.Next(2) == 0, _now + _random.Next(10_000));
            }
        }
    }

    private void RunRedis()
    {
        _lastSecond.Enqueue((_now, _data));
        while (_lastSecond.Peek().At < _now - 1_000)
        {
            _lastSecond.Dequeue();
        }
    }

    private bool IsUp => _now >= _redisBackAt;

    private string? Holder => _data.Holder is { } holder && _data.ExpiresAt > _now ? holder : null;

    private LeaseLook Look() => new(
        _runId, (_now - _redisSince) / 1000, null,
        [new LeaseView(Holder, $"{_data.Fence}", _data.Vacated == $"{_data.Fence}:{_runId}")]);

    // What follows does as the scripts of RedisLeases.
    private long? Take(LeaseLook look, Member member)
    {
        LeaseView seen = look.Leases[0];
        if (Holder is not null || look.RunId != _runId || seen.LastFence != $"{_data.Fence}"
            || (seen.IsVacated && _data.Vacated != $"{_data.Fence}:{_runId}"))
        {
            return null;
        }

        long fence = Math.Max(_data.Fence + 1, _now);
        fence += (((_data.Fence + 1 - fence) % 4) + 4) % 4;
        _data = new Data($"{fence}:{member.Number}", _now + LeaseHold.Length, fence, "");
        Takes++;
        return fence;
    }

    private Answer Renew(string token, long fence)
    {
        bool anew = Holder != token;
        if (anew && (Holder is not null || _data.Fence > fence))
        {
            return new Answer(IsLost: true);
        }

        _data = _data with { Holder = token, ExpiresAt = _now + LeaseHold.Length, Fence = fence };
        return new Answer(RunId: _runId, Anew: anew);
    }

    private void Vacate(string token, long fence)
    {
        if (Holder == token || (Holder is null && _data.Fence == fence))
        {
            _data = _data with { Holder = null, Vacated = $"{fence}:{_runId}" };
        }
    }

    private sealed record Data(string? Holder, long ExpiresAt, long Fence, string Vacated);

    private sealed record Answer(bool IsLost = false, string RunId = "", bool Anew = false, LeaseLook? Look = null, long? Fence = null);

    /// <summary>A request on its way: executed by Redis at a time, answered at another, or never.</summary>
    private sealed class Request
    {
        public required Func<Answer> Execute { get; init; }

        public long AskedAt { get; init; }

        public long ExecutedAt { get; init; }

        public long AnsweredAt { get; init; }

        public bool IsExecuted { get; set; }

        public Answer? Answer { get; set; }
    }

    private sealed class Member(LeaseModel model, int number)
    {
        private LeaseWatch _watch = new(1);
        private LeaseLook? _look;
        private LeaseGate? _gate;
        private Request? _request;
        private string _token = "";
        private long _fence;
        private long _standsStillUntil;
        private long _disconnectedUntil;
        private long _startsAt;
        private long _nextAt;
        private bool _stopsCleanly;

        public int Number => number;

        public LeaseHold? Hold { get; private set; }

        public bool Forwards { get; private set; }

        /// <summary>When Redis wrote its lease: as it was taken, or anew since Redis had forgotten it.</summary>
        public long WrittenAt { get; private set; }

        /// <summary>Else it was written anew.</summary>
        public bool HasTaken { get; private set; }

        /// <summary>The end of the last standstill that was longer than a lease.</summary>
        public long StoodStillUntil { get; private set; }

        private long Now => model._now;

        public void StandStill(long until)
        {
            if (until > _standsStillUntil)
            {
                StoodStillUntil = until - Math.Max(Now, _standsStillUntil) > LeaseHold.Length + Step ? until : StoodStillUntil;
                _standsStillUntil = until;
            }
        }

        public void Disconnect(long until) => _disconnectedUntil = Math.Max(_disconnectedUntil, until);

        public void End(bool cleanly, long startsAgainAt)
        {
            if (_startsAt > Now || _standsStillUntil > Now)
            {
                return;
            }

            if (cleanly && Hold is not null)
            {
                _stopsCleanly = true;
                return;
            }

            Die(startsAgainAt);
        }

        public void Run()
        {
            Deliver();
            if (_startsAt > Now || _standsStillUntil > Now)
            {
                Forwards = false;
                return;
            }

            if (Hold is null)
            {
                WaitForLease();
                return;
            }

            // The one who renews and the loop are two threads.
            if (model._random.Next(2) == 0)
            {
                Renew();
                Turn();
            }
            else
            {
                Turn();
                Renew();
            }

            if (Hold.IsLost)
            {
                Forwards = false;
                Hold = null;
                _request = null;
                _watch = new LeaseWatch(1);
            }
            else if (_stopsCleanly && _request is null)
            {
                Forwards = false;
                if (model.IsUp && _disconnectedUntil <= Now)
                {
                    model.Vacate(_token, _fence);
                }

                Die(Now + model._random.Next(5_000));
            }
        }

        private void Die(long startsAgainAt)
        {
            (Hold, _request, _startsAt, _stopsCleanly, Forwards, _watch) = (null, null, startsAgainAt, false, false, new LeaseWatch(1));
        }

        /// <summary>Redis works on while a process stands still.</summary>
        private void Deliver()
        {
            if (_request is { IsExecuted: false } waiting && Now >= waiting.ExecutedAt)
            {
                waiting.IsExecuted = true;
                waiting.Answer = model.IsUp && _disconnectedUntil <= Now ? waiting.Execute() : null;
            }
        }

        private void Ask(Func<Answer> execute)
        {
            bool isSlow = !model._isPeaceful && model._random.Next(20) == 0;
            long executedAt = Now + model._random.Next(isSlow ? 2_800 : 150);
            long answeredAt = executedAt + model._random.Next(isSlow ? 2_800 : 150);
            _request = new Request { AskedAt = Now, Execute = execute, ExecutedAt = executedAt, AnsweredAt = answeredAt };
            Deliver();
        }

        /// <summary>The request when it has ended: with an answer, or without one after its time, or at once while there is no connection.</summary>
        private Request? Ended(long patience)
        {
            if (_request is not { } request)
            {
                return null;
            }

            bool isAnswered = request.Answer is not null && Now >= request.AnsweredAt && _disconnectedUntil <= Now;
            bool hasFailed = Now - request.AskedAt >= patience || (request.IsExecuted && request.Answer is null);
            if (!isAnswered && !hasFailed)
            {
                return null;
            }

            request.Answer = isAnswered ? request.Answer : null;
            _request = null;
            return request;
        }

        private void WaitForLease()
        {
            if (Ended(Timeout) is { } ended)
            {
                _nextAt = ended.AskedAt + 500;
                if (ended.Answer is null)
                {
                    _watch.LoseContact();
                }
                else if (ended.Answer.Look is { } look)
                {
                    _look = look;
                    _watch.Look(look, ended.AskedAt, Now);
                }
                else if (ended.Answer.Fence is { } fence)
                {
                    (_fence, _token) = (fence, $"{fence}:{number}");
                    Hold = new LeaseHold(ended.AskedAt, _look!.RunId, model._isStrict);
                    _gate = new LeaseGate(Hold, () => Now, _ => _nextAt = 0, () => { });
                    _nextAt = Now;
                    return;
                }
                else
                {
                    _watch.Refused(0);
                }

                if (_watch.Next(Now) is not null)
                {
                    LeaseLook seen = _look!;
                    Ask(() =>
                    {
                        long? taken = model.Take(seen, this);
                        (WrittenAt, HasTaken) = taken is null ? (WrittenAt, HasTaken) : (Now, true);
                        return new Answer(Fence: taken);
                    });
                }
            }
            else if (_request is null && Now >= _nextAt)
            {
                Ask(() => new Answer(Look: model.Look()));
            }
        }

        private void Renew()
        {
            LeaseHold hold = Hold!;
            if (Ended(Math.Min(Timeout, hold.TimeLeft(_request?.AskedAt ?? Now) ?? Timeout)) is { } ended)
            {
                _nextAt = Now + 1_000;
                switch (ended.Answer)
                {
                    case null:
                        hold.Failed(Now);
                        break;
                    case { IsLost: true }:
                        hold.Lose(LeaseLoss.Taken);
                        break;
                    case { } granted:
                        hold.Renewed(ended.AskedAt, granted.RunId, granted.Anew, Now);
                        break;
                }
            }
            else if (_request is null && Now >= _nextAt && hold.MayRenew(Now))
            {
                (string token, long fence) = (_token, _fence);
                Ask(() =>
                {
                    Answer answer = model.Renew(token, fence);
                    (WrittenAt, HasTaken) = answer.Anew ? (Now, false) : (WrittenAt, HasTaken);
                    return answer;
                });
            }
        }

        private void Turn() => Forwards = _gate!.IsOpen() && !Hold!.IsLost;
    }
}
