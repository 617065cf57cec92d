using Microsoft.Extensions.Logging;
using SinGateway.Loop;
using SinGateway.Sessions;

namespace SinGateway.Discord;

/// <summary>
/// Lets the shards of a bot's only process identify: brings <see cref="IdentifyPermits"/>, which decides
/// (https://docs.discord.com/developers/events/gateway#rate-limiting), together with the clock, the ledger and the log. An IDENTIFY is in
/// the ledger before it is sent (G15), so that a process which is killed at any moment and started again keeps the pace. Belongs to the
/// loop's thread.
/// </summary>
internal sealed partial class IdentifyQueue : IIdentifyQueue
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
    private readonly IdentifyReport _report;
    private SessionStartRefresh _refresh;
    private long _holdUntil = long.MinValue;
    private long _hold;

    public IdentifyQueue(EventLoop loop, IIdentifyLedger ledger, ILogger logger)
    {
        _loop = loop;
        _logger = logger;
        _report = new IdentifyReport(logger);
        _timer = new LoopTimer(loop, OnDue);
        _counting = new IdentifyCounting(loop, ledger, () => _permits.Snapshot(loop.Now, loop.UnixNow), OnCounted, OnSaveEnded);
        _permits.Restore(ledger.Load(), loop.Now, loop.UnixNow);
    }

    public event Action? RefreshWanted;

    public int Remaining => _permits.Budget.Remaining;

    public SessionStarts? Starts =>
        _permits.Budget is { IsKnown: true } budget ? new SessionStarts(budget.Total, budget.Remaining, budget.Reserve, Math.Max(budget.ResetAt - _loop.Now, 0)) : null;

    public int Waiting => _permits.Waiting;

    public long EstimatedWait => _permits.EstimatedWait(_loop.Now);

    public void Update(SessionStartLimit limit)
    {
        if (_permits.Budget.IsKnown && limit.MaxConcurrency != _permits.MaxConcurrency)
        {
            _report.SayConcurrency(limit.MaxConcurrency, _permits.MaxConcurrency);
        }

        _permits.Update(limit, _loop.Now);
        _refresh.Answered(_loop.Now);
        _timer.Start(0);
    }

    public void Request(int shardId, Action granted)
    {
        _counting.Forget(shardId);
        _permits.Request(shardId);
        _granted[shardId] = granted;
        _timer.Start(0);
    }

    public void Return(int shardId)
    {
        _counting.Forget(shardId);
        _permits.Return(shardId);
        _granted.Remove(shardId);
        _timer.Start(0);
    }

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
        // Not the clock of the turn, which may have begun long before: the pace is from op 2 to op 2.
        bool mayBeSent = problem is null && _permits.Confirm(shardId, _loop.ReadNow());
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
        if (obstacle == IdentifyObstacle.Reserve)
        {
            _report.SayReserve(budget.Remaining, budget.Reserve, budget.ResetAt, _loop.Now);
        }
        else if (obstacle == IdentifyObstacle.Extras)
        {
            _report.SayExtras(_permits.AllowedExtras, budget.Total, _permits.Waiting, _permits.NextExtraAt, _loop.Now);
        }
    }

    private void SayBudgetIsLow()
    {
        if (_permits.Budget is { IsKnown: true } budget)
        {
            _report.SayLow(budget.Remaining, budget.Total, budget.ResetAt, _loop.Now);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "No shard can identify, since the IDENTIFY cannot be noted first: {Cause}. Make the file writable and its disk not full; it is tried again each minute at least.")]
    private partial void LogNotCounted(string cause);

    [LoggerMessage(Level = LogLevel.Information, Message = "IDENTIFYs can be noted again; shards identify")]
    private partial void LogCountedAgain();
}
