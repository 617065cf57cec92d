using Microsoft.Extensions.Logging;
using SinGateway.Loop;
using SinGateway.Sessions;

namespace SinGateway.Discord;

/// <summary>
/// Lets the shards of a loop identify together with the bot's other processes (G15-G17): asks <see cref="ISharedPermits"/>, off the loop, for
/// what <see cref="IdentifyWaiters"/> says is worth asking, and brings the answers to the shards. One question is under way at a time, beside
/// permits that are being spent. While the store is away nothing is granted and nothing is sent; who holds a permit keeps it, and finds out
/// directly before op 2 whether it is still the owner. Belongs to the loop's thread.
/// </summary>
internal sealed partial class SharedIdentifyQueue : IIdentifyQueue
{
    /// <summary>Between two questions (ms), so that many buckets are asked about together.</summary>
    private const long Spacing = 200;

    /// <summary>How long nothing is asked after a question without an answer, in ms.</summary>
    private const long HoldAfterFailure = 1_000;

    /// <summary>How often it is tried to spend a permit when the answer comes too late each time.</summary>
    private const int MostSpendings = 5;

    /// <summary>By how much (ms) the pace of a bucket is drawn out for a slow store, at most.</summary>
    private const long MostSlack = 3_000;

    private readonly EventLoop _loop;
    private readonly ISharedPermits _permits;
    private readonly ILogger _logger;
    private readonly IdentifyReport _report;
    private readonly IdentifyWaiters _waiters;
    private readonly LoopTimer _timer;
    private readonly Dictionary<int, Action> _granted = [];
    private readonly Dictionary<int, PermitClaim> _held = [];
    private readonly Dictionary<int, Spending> _spending = [];
    private SessionStartRefresh _refresh;
    private SessionStartLimit? _limit;
    private long _limitAt;
    private SharedBudget? _budget;
    private long _budgetAt;
    private bool _isSynced;
    private bool _isAsking;
    private bool _isAway;
    private long _askAt = long.MinValue;

    /// <param name="loop">The loop.</param>
    /// <param name="permits">Where all processes of the bot ask.</param>
    /// <param name="newOwner">Makes the owner of a permit: random hexadecimal digits, never the same twice in any process.</param>
    /// <param name="logger">Told what becomes of the budget.</param>
    public SharedIdentifyQueue(EventLoop loop, ISharedPermits permits, Func<string> newOwner, ILogger logger)
    {
        _loop = loop;
        _permits = permits;
        _logger = logger;
        _report = new IdentifyReport(logger);
        _waiters = new IdentifyWaiters(newOwner, permits.Times.Pace);
        _timer = new LoopTimer(loop, OnDue);
    }

    public event Action? RefreshWanted;

    public int Remaining => _budget?.Remaining ?? 0;

    public SessionStarts? Starts => _budget is { } budget
        ? new SessionStarts(budget.Total, budget.Remaining, SessionStartBudget.ReserveOf(budget.Total), Math.Max(ResetAt(budget) - _loop.Now, 0))
        : null;

    public int Waiting => _waiters.Count;

    public long EstimatedWait
    {
        get
        {
            if (_waiters.Count == 0 || _budget is not { } budget)
            {
                return 0;
            }

            long wait = Math.Max(_waiters.EstimatedWait(_loop.Now), 0);
            bool isTooLittle = budget.Remaining - _waiters.Count < SessionStartBudget.ReserveOf(budget.Total);
            wait = isTooLittle ? Math.Max(wait, ResetAt(budget) - _loop.Now) : wait;
            return Obstacle == IdentifyObstacle.Extras ? Math.Max(wait, NextExtraAt(budget) - _loop.Now) : wait;
        }
    }

    /// <summary>The worst that holds up shards that wait.</summary>
    private IdentifyObstacle Obstacle => _budget is not { } budget
        ? IdentifyObstacle.Unknown
        : _waiters.Count == 0
            ? IdentifyObstacle.None
            : budget.Remaining <= SessionStartBudget.ReserveOf(budget.Total)
                ? IdentifyObstacle.Reserve
                : _waiters.IsAnyBlocked(_loop.Now) ? IdentifyObstacle.Extras : IdentifyObstacle.None;

    public void Update(SessionStartLimit limit)
    {
        (_limit, _limitAt) = (limit, _loop.Now);
        _isSynced = false;
        _refresh.Answered(_loop.Now);
        _timer.Start(0);
    }

    public void Request(int shardId, Action granted)
    {
        GiveUp(shardId);
        _waiters.Add(shardId);
        _granted[shardId] = granted;
        _timer.Start(0);
    }

    public void Return(int shardId)
    {
        GiveUp(shardId);
        _timer.Start(0);
    }

    public void Spend(int shardId, Action<bool> answered)
    {
        bool holds = _held.Remove(shardId, out PermitClaim permit);
        var spending = new Spending(shardId, permit, answered);
        _spending[shardId] = spending;
        if (holds)
        {
            Spend(spending);
        }
        else
        {
            _loop.Post(() => Answer(spending, false));
        }
    }

    private long ResetAt(in SharedBudget budget) => _budgetAt + budget.ResetIn;

    private long NextExtraAt(in SharedBudget budget) => budget.NextExtraIn < 0 ? _loop.Now + DailyIdentifies.Day : _budgetAt + budget.NextExtraIn;

    private void GiveUp(int shardId)
    {
        _waiters.Remove(shardId);
        _granted.Remove(shardId);
        _spending.Remove(shardId);
        if (_held.Remove(shardId, out PermitClaim permit))
        {
            GiveBack(permit);
        }
    }

    private void OnDue()
    {
        if (!_isAsking && AskAt() <= _loop.Now)
        {
            Ask();
        }

        long next = Math.Min(_isAsking ? long.MaxValue : AskAt(), RefreshAt());
        if (next != long.MaxValue)
        {
            _timer.Start(next - _loop.Now);
        }
    }

    /// <summary>When there is something to ask of the store.</summary>
    private long AskAt()
    {
        bool canSync = _limit is not null && !_isSynced;
        long due = canSync ? long.MinValue : _isSynced && _budget is not null ? _waiters.DueAt() : long.MaxValue;
        return due == long.MaxValue ? due : Math.Max(due, _askAt);
    }

    private void Ask()
    {
        if (!_isSynced)
        {
            _isAsking = _isSynced = true;
            SessionStartLimit? limit = _limit;
            long age = _loop.Now - _limitAt;
            Off(() => _permits.SyncAsync(limit, age), OnSynced);
            return;
        }

        PermitClaim[] claims = _waiters.Due(_loop.Now);
        if (claims.Length > 0)
        {
            _isAsking = true;
            int maxConcurrency = _waiters.MaxConcurrency;
            Off(() => _permits.ClaimAsync(maxConcurrency, claims), (answer, problem) => OnClaimed(claims, answer, problem));
        }
    }

    private void OnSynced(PermitSync? sync, string? problem)
    {
        if (!EndAsking(problem))
        {
            return;
        }

        foreach ((int shardId, long at) in sync!.LastIdentifies)
        {
            _waiters.NoteLast(shardId, at);
        }

        _waiters.Forget();
        bool isNewestLimit = _isSynced;
        TakeBudget(sync.Budget);
        if (sync.Budget is null && isNewestLimit)
        {
            // What we know is too old to begin with: whoever waits makes Discord be asked now.
            _limit = null;
            _refresh = default;
        }
    }

    private void OnClaimed(PermitClaim[] claims, PermitClaims? answer, string? problem)
    {
        if (!EndAsking(problem))
        {
            return;
        }

        _askAt = _loop.Now + Spacing;
        List<int> granted = [];
        for (int i = 0; i < answer!.Answers.Length; i++)
        {
            ClaimAnswer result = answer.Answers[i];
            if (_waiters.Answer(claims[i], result, _loop.Now))
            {
                _held[claims[i].ShardId] = claims[i];
                granted.Add(claims[i].ShardId);
            }
            else if (result.Result == ClaimResult.Granted)
            {
                GiveBack(claims[i]);
            }
        }

        TakeBudget(answer.Budget);
        SayObstacle();
        foreach (int shardId in granted)
        {
            // One of those before may have ended this one.
            if (_held.ContainsKey(shardId) && _granted.Remove(shardId, out Action? action))
            {
                action();
            }
        }
    }

    private void Spend(Spending spending)
    {
        spending.Tries++;
        long askedAt = _loop.ReadTimestamp(), slack = spending.Slack;

        // Not the clock of the turn, which may have begun long before the answer's turn comes.
        Off(
            () => _permits.SpendAsync(spending.Permit, slack),
            (answer, problem) => OnSpent(spending, answer, problem, _loop.Microseconds(askedAt, _loop.ReadTimestamp()) / 1_000));
    }

    private void OnSpent(Spending spending, PermitSpending answer, string? problem, long took)
    {
        NoteProblem(problem);
        if (problem is not null)
        {
            // Perhaps it was not spent, and then another shard may have it. It is not known whether it was counted; then it stays so.
            GiveBack(spending.Permit);
            Answer(spending, false);
            return;
        }

        if (answer.IsSpent)
        {
            _waiters.NoteLast(spending.ShardId, answer.At);
        }

        TakeBudget(answer.Budget);
        bool isLate = took > _permits.Times.Patience + spending.Slack;
        if (answer.IsSpent && isLate && spending.Tries < MostSpendings && IsCurrent(spending))
        {
            // The bucket's pace runs since it was counted: it has to begin anew, or the next IDENTIFY would come too close. For a store
            // that is always so slow, it is longer.
            spending.Slack = Math.Min(took * 2, MostSlack);
            Spend(spending);
            return;
        }

        if (answer.IsSpent && isLate)
        {
            LogSlow(took);
        }

        Answer(spending, answer.IsSpent && !isLate);
    }

    private void Answer(Spending spending, bool mayBeSent)
    {
        if (IsCurrent(spending))
        {
            _spending.Remove(spending.ShardId);
            spending.Answered(mayBeSent);
        }
    }

    // The shard may have given up, or be on its way to another IDENTIFY.
    private bool IsCurrent(Spending spending) => _spending.TryGetValue(spending.ShardId, out Spending? current) && ReferenceEquals(current, spending);

    private void GiveBack(PermitClaim permit) => Off(
        async () =>
        {
            await _permits.ReturnAsync(permit).ConfigureAwait(false);
            return true;
        },
        (_, _) => { });

    /// <summary>The answer is there, and this is what it says of the store. False when there is none.</summary>
    private bool EndAsking(string? problem)
    {
        _isAsking = false;
        NoteProblem(problem);
        if (problem is not null)
        {
            _isSynced = false;
            _askAt = _loop.Now + HoldAfterFailure;
        }

        _timer.Start(0);
        return problem is null;
    }

    private void NoteProblem(string? problem)
    {
        if (problem is not null && !_isAway)
        {
            LogAway(problem);
        }
        else if (problem is null && _isAway)
        {
            LogBack();
        }

        _isAway = problem is not null;
    }

    private void TakeBudget(SharedBudget? budget)
    {
        if (budget is not { } known)
        {
            // The store has lost what it knew.
            _isSynced = false;
            _budget = null;
            _timer.Start(0);
            return;
        }

        if (_waiters.MaxConcurrency > 0 && _waiters.MaxConcurrency != known.MaxConcurrency)
        {
            _report.SayConcurrency(known.MaxConcurrency, _waiters.MaxConcurrency);
        }

        _waiters.Resize(known.MaxConcurrency);
        (_budget, _budgetAt) = (known, _loop.Now);
        _report.SayLow(known.Remaining, known.Total, ResetAt(known), _loop.Now);
    }

    private void SayObstacle()
    {
        if (_budget is not { } budget)
        {
            return;
        }

        if (Obstacle == IdentifyObstacle.Reserve)
        {
            _report.SayReserve(budget.Remaining, SessionStartBudget.ReserveOf(budget.Total), ResetAt(budget), _loop.Now);
        }
        else if (Obstacle == IdentifyObstacle.Extras)
        {
            _report.SayExtras(budget.Total / IdentifyPermits.ExtraShare, budget.Total, Waiting, NextExtraAt(budget), _loop.Now);
        }
    }

    /// <summary>Asks for GET /gateway/bot when it is time, and answers when it is time again.</summary>
    private long RefreshAt()
    {
        long Due() => _refresh.DueAt(Waiting > 0, Obstacle, _budget is { } budget ? ResetAt(budget) : null);
        if (Due() <= _loop.Now)
        {
            _refresh.Asked(_loop.Now);
            RefreshWanted?.Invoke();
        }

        return Due();
    }

    /// <summary>Does something off the loop; <paramref name="ended"/> is called on it, with what failed in words or null.</summary>
    private void Off<T>(Func<Task<T>> work, Action<T?, string?> ended) => _ = Task.Run(async () =>
    {
        T? result = default;
        string? problem = null;
        try
        {
            result = await work().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Whatever it was: without an answer, no shard would identify again.
            problem = e.Message;
        }

        _loop.Post(() => ended(result, problem));
    });

    [LoggerMessage(Level = LogLevel.Error, Message = "No shard identifies now, since other processes could not know of it: {Cause}. It is tried again each second; resumes go on.")]
    private partial void LogAway(string cause);

    [LoggerMessage(Level = LogLevel.Information, Message = "IDENTIFYs can be agreed on again; shards identify")]
    private partial void LogBack();

    [LoggerMessage(Level = LogLevel.Warning, Message = "Redis takes {Milliseconds} ms to answer, which is too long to keep Discord's pace: an IDENTIFY was not sent and is tried again")]
    private partial void LogSlow(long milliseconds);

    /// <summary>A permit that is being spent.</summary>
    private sealed class Spending(int shardId, PermitClaim permit, Action<bool> answered)
    {
        public int ShardId => shardId;

        public PermitClaim Permit => permit;

        public Action<bool> Answered => answered;

        public int Tries { get; set; }

        /// <summary>How much longer the bucket's pace is to be (ms), so that the answer may be that much later.</summary>
        public long Slack { get; set; }
    }
}
