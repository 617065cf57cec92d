using Microsoft.Extensions.Logging;
using SinGateway.Loop;
using SinGateway.Sessions;

namespace SinGateway.Discord;

/// <summary>
/// Lets the shards of a loop identify: brings <see cref="IdentifyPermits"/>, which decides
/// (https://docs.discord.com/developers/events/gateway#rate-limiting), together with the clock, the ledger and the log. An IDENTIFY is in
/// the ledger before it is sent (G15), so that a process which is killed at any moment and started again keeps the pace. Belongs to the
/// loop's thread.
/// </summary>
internal sealed partial class IdentifyQueue
{
    /// <summary>How long nothing is granted after the ledger could not be written (ms); doubled up to the maximum while it fails again.</summary>
    private const long FirstHold = 5_000;
    private const long MaximumHold = 60_000;

    private readonly EventLoop _loop;
    private readonly ILogger _logger;
    private readonly IdentifyPermits _permits = new();
    private readonly IdentifyCounting _counting;
    private readonly LoopTimer _timer;
    private readonly Dictionary<int, Action> _granted = [];
    private readonly List<int> _grants = [];
    private SessionStartRefresh _refresh;
    private long _holdUntil = long.MinValue;
    private long _hold;
    private long? _saidReserveUntil;
    private long? _saidExtrasUntil;

    public IdentifyQueue(EventLoop loop, IIdentifyLedger ledger, ILogger logger)
    {
        _loop = loop;
        _logger = logger;
        _timer = new LoopTimer(loop, OnDue);
        _counting = new IdentifyCounting(loop, ledger, () => _permits.Snapshot(loop.Now, loop.UnixNow), OnCounted, OnSaveEnded);
        _permits.Restore(ledger.Load(), loop.Now, loop.UnixNow);
    }

    /// <summary>Asks the owner for GET /gateway/bot and then <see cref="Update"/>. On the loop, and not more often than is good.</summary>
    public event Action? RefreshWanted;

    /// <summary>Session starts that are left, as far as this process knows; 0 before the first update.</summary>
    public int Remaining => _permits.Budget.Remaining;

    /// <summary>What Discord grants, for who watches; to be read only.</summary>
    public SessionStartBudget Budget => _permits.Budget;

    /// <summary>Shards that wait for a permit.</summary>
    public int Waiting => _permits.Waiting;

    /// <summary>
    /// In how many ms the last who waits is granted, if all goes well: by pace, budget and the day's limit. 0 when nobody waits.
    /// </summary>
    public long EstimatedWait => _permits.EstimatedWait(_loop.Now);

    /// <summary>Takes each answer of GET /gateway/bot. Before the first one nothing is granted.</summary>
    public void Update(SessionStartLimit limit)
    {
        if (_permits.Budget.IsKnown && limit.MaxConcurrency != _permits.MaxConcurrency)
        {
            LogConcurrency(limit.MaxConcurrency, _permits.MaxConcurrency);
        }

        _permits.Update(limit, _loop.Now);
        _refresh.Answered(_loop.Now);
        _timer.Start(0);
    }

    /// <summary>
    /// Queues a shard; <paramref name="granted"/> is called, in a later call of the loop, when it may open its socket. The permit is then
    /// to be spent or returned within 45 s.
    /// </summary>
    public void Request(int shardId, Action granted)
    {
        _counting.Forget(shardId);
        _permits.Request(shardId);
        _granted[shardId] = granted;
        _timer.Start(0);
    }

    /// <summary>
    /// The shard needs no permit any more, or its connection failed: nothing is called any more. A permit that is being spent counts as used.
    /// </summary>
    public void Return(int shardId)
    {
        _counting.Forget(shardId);
        _permits.Return(shardId);
        _granted.Remove(shardId);
        _timer.Start(0);
    }

    /// <summary>
    /// To be called directly before op 2: counts it and makes that durable. <paramref name="answered"/> is called in a later call of the
    /// loop: with true, op 2 is to be written at once; with false nothing may be sent, and the permit is gone.
    /// </summary>
    public void Spend(int shardId, Action<bool> answered)
    {
        if (_permits.TrySpend(shardId, _loop.Now))
        {
            _counting.Add(shardId, answered);
            SayBudgetIsLow();
        }
        else
        {
            _counting.Deny(shardId, answered);
        }

        _timer.Start(0);
    }

    private void OnDue()
    {
        var pass = new IdentifyPass(_holdUntil, IdentifyObstacle.None);
        if (_loop.Now >= _holdUntil)
        {
            _grants.Clear();
            pass = _permits.Grant(_loop.Now, _grants);
        }

        SayObstacle(pass.Obstacle);
        SayBudgetIsLow();
        SessionStartBudget budget = _permits.Budget;
        long refreshAt = _refresh.DueAt(_permits.Waiting > 0, pass.Obstacle, budget.IsKnown ? budget.ResetAt : null);
        if (refreshAt <= _loop.Now)
        {
            _refresh.Asked(_loop.Now);
            RefreshWanted?.Invoke();
            refreshAt = _refresh.DueAt(_permits.Waiting > 0, pass.Obstacle, budget.IsKnown ? budget.ResetAt : null);
        }

        long next = Math.Min(refreshAt, pass.NextAt);
        if (next != long.MaxValue)
        {
            _timer.Start(next - _loop.Now);
        }

        // What these do restarts the timer.
        foreach (int shardId in _grants)
        {
            if (_granted.Remove(shardId, out Action? granted))
            {
                granted();
            }
        }

        _grants.Clear();
    }

    private void OnCounted(int shardId, string? problem, Action<bool> answered)
    {
        bool mayBeSent = problem is null && _permits.Confirm(shardId, _loop.Now);
        if (problem is not null)
        {
            _permits.Cancel(shardId, _loop.Now);
        }

        _timer.Start(0);
        answered(mayBeSent);
    }

    private void OnSaveEnded(string? problem)
    {
        if (problem is not null)
        {
            if (_hold == 0)
            {
                LogNotCounted(problem);
            }

            _hold = Math.Clamp(_hold * 2, FirstHold, MaximumHold);
            _holdUntil = _loop.Now + _hold;
        }
        else if (_hold > 0)
        {
            _hold = 0;
            LogCountedAgain();
        }
    }

    private void SayObstacle(IdentifyObstacle obstacle)
    {
        SessionStartBudget budget = _permits.Budget;
        if (obstacle == IdentifyObstacle.Reserve && !(_loop.Now < _saidReserveUntil))
        {
            _saidReserveUntil = Math.Max(budget.ResetAt, _loop.Now + SessionStartBudget.ResetGrace);
            LogReserve(budget.Remaining, budget.Reserve, MinutesUntil(budget.ResetAt));
        }
        else if (obstacle == IdentifyObstacle.Extras && !(_loop.Now < _saidExtrasUntil))
        {
            // Each extra that is a day old lets one shard through, so this obstacle comes and goes: once a day is enough.
            _saidExtrasUntil = _loop.Now + DailyIdentifies.Day;
            LogExtras(_permits.AllowedExtras, budget.Total, _permits.Waiting, MinutesUntil(_permits.NextExtraAt));
        }
    }

    private void SayBudgetIsLow()
    {
        SessionStartBudget budget = _permits.Budget;
        if (budget.TakeWarning())
        {
            LogLow(budget.Remaining, budget.Total, MinutesUntil(budget.ResetAt));
        }
    }

    // Rounded up: "0 minutes" would say that it goes on now. An end that is not in sight (none is allowed at all) is a day.
    private long MinutesUntil(long at) => (Math.Clamp(at - _loop.Now, 0, DailyIdentifies.Day) + 59_999) / 60_000;

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Remaining} of {Total} session starts are left for the next {Minutes} minutes: sessions were lost, or the bot was started often. Find out why before they are used up")]
    private partial void LogLow(int remaining, int total, long minutes);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Only {Remaining} session starts are left today and {Reserve} are kept in reserve: no shard identifies for {Minutes} minutes. Resumes go on.")]
    private partial void LogReserve(int remaining, int reserve, long minutes);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Sessions die young: {Allowed} IDENTIFYs (a quarter of {Total}) within a day went to shards that had identified before, which is the limit. {Waiting} shards wait, the first for {Minutes} minutes. The lines above say why sessions ended; a restart does not help.")]
    private partial void LogExtras(int allowed, int total, int waiting, long minutes);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "No shard can identify, since the IDENTIFY cannot be noted first: {Cause}. Make the file writable and its disk not full; it is tried again each minute at least.")]
    private partial void LogNotCounted(string cause);

    [LoggerMessage(Level = LogLevel.Information, Message = "IDENTIFYs can be noted again; shards identify")]
    private partial void LogCountedAgain();

    [LoggerMessage(Level = LogLevel.Information, Message = "Discord lets {Now} shards identify at a time from now on, not {Before}")]
    private partial void LogConcurrency(int now, int before);
}
