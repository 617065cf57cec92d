using SinGateway.Discord;
using SinGateway.Sessions;

namespace SinGateway.Tests.Discord;

/// <summary>Permits that answer what the test says, when the test lets them.</summary>
internal sealed class ScriptedPermits : ISharedPermits
{
    private readonly Lock _gate = new();
    private readonly List<string> _calls = [];
    private TaskCompletionSource _open = Opened();

    public PermitTimes Times => PermitTimes.OfDiscord;

    /// <summary>What the store knows; null: nothing.</summary>
    public SharedBudget? Budget { get; set; } = new(1, 1_000, 1_000, 86_400_000, 0, -1);

    public (int ShardId, long At)[] LastIdentifies { get; set; } = [];

    public Func<PermitClaim, ClaimAnswer> Claimed { get; set; } = _ => new(ClaimResult.Granted, 0, 1);

    public Func<bool> Spent { get; set; } = () => true;

    /// <summary>Every call fails with this.</summary>
    public string? Problem { get; set; }

    /// <summary>The calls so far: <c>sync</c>, <c>claim 0 1</c> (shards), <c>spend 0 slack 0</c>, <c>return 0</c>.</summary>
    public string[] Calls
    {
        get
        {
            lock (_gate)
            {
                return [.. _calls];
            }
        }
    }

    /// <summary>The claims of the last question.</summary>
    public PermitClaim[] LastClaims { get; private set; } = [];

    public int Count(string call) => Calls.Count(known => known.StartsWith(call, StringComparison.Ordinal));

    /// <summary>Answers are held back until <see cref="Open"/>.</summary>
    public void Close() => _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Open() => _open.TrySetResult();

    /// <summary>Those that are held back come; later ones are held back too.</summary>
    public void OpenForWhoWaits()
    {
        TaskCompletionSource before = _open;
        Close();
        before.TrySetResult();
    }

    public Task<PermitSync> SyncAsync(SessionStartLimit? limit, long age) => AnswerAsync("sync", () => new PermitSync(Budget, LastIdentifies));

    public Task<PermitClaims> ClaimAsync(int maxConcurrency, PermitClaim[] claims)
    {
        LastClaims = claims;
        return AnswerAsync(
            $"claim {string.Join(' ', claims.Select(claim => claim.ShardId))}",
            () => new PermitClaims(Budget, Budget?.MaxConcurrency == maxConcurrency ? [.. claims.Select(Claimed)] : []));
    }

    public Task<PermitSpending> SpendAsync(PermitClaim permit, long slack) => AnswerAsync($"spend {permit.ShardId} slack {slack}", () => new PermitSpending(Spent(), 1_000, Budget));

    public Task ReturnAsync(PermitClaim permit) => AnswerAsync($"return {permit.ShardId}", () => true);

    private static TaskCompletionSource Opened()
    {
        TaskCompletionSource opened = new();
        opened.SetResult();
        return opened;
    }

    private async Task<T> AnswerAsync<T>(string call, Func<T> answer)
    {
        lock (_gate)
        {
            _calls.Add(call);
        }

        await _open.Task;
        return Problem is { } problem ? throw new IOException(problem) : answer();
    }
}
