using System.Globalization;
using System.Security.Cryptography;
using SinGateway.Discord;
using StackExchange.Redis;

namespace SinGateway.Sessions;

/// <summary>
/// Permits and budget in Redis, under <c>identify:</c> (<see cref="RedisPermitScripts"/> says what each key holds). The connection stays its
/// owner's. Callable from any thread.
/// </summary>
internal sealed class RedisPermits : ISharedPermits
{
    /// <summary>Fields of every answer that tells the budget: a 1 or 0, and <see cref="SharedBudget"/>.</summary>
    private const int BudgetFields = 7;

    private readonly RedisConnection _connection;
    private readonly RedisPermitScripts _scripts;
    private readonly string _prefix;
    private readonly RedisKey[] _fixed;
    private readonly RedisValue _process = RandomNumberGenerator.GetHexString(16, lowercase: true);

    /// <param name="connection">Shared with sessions and leases.</param>
    /// <param name="prefix">Put before every key (<c>redisPrefix</c>).</param>
    /// <param name="times">Those of Discord, but in tests.</param>
    /// <param name="generation">
    /// <c>gen:N:</c>, or nothing: a shard of another count is another shard, with a first IDENTIFY of the day of its own. All else is shared.
    /// </param>
    public RedisPermits(RedisConnection connection, string prefix, PermitTimes times, string generation = "")
    {
        _connection = connection;
        Times = times;
        _scripts = new RedisPermitScripts(times);
        _prefix = prefix + "identify:";
        string own = $"{prefix}{generation}identify:";
        _fixed = [_prefix + "budget", own + "firsts", own + "last", _prefix + "extras", _prefix + "held", _prefix + "held:extras"];
    }

    public PermitTimes Times { get; }

    public async Task<PermitSync> SyncAsync(SessionStartLimit? limit, long age)
    {
        RedisValue[] arguments = limit is null ? [] : [limit.Total, limit.Remaining, limit.ResetAfterMs, limit.MaxConcurrency, age];
        RedisValue[] answer = await RunAsync(_scripts.Sync, _fixed, arguments).ConfigureAwait(false);
        var last = new (int, long)[(answer.Length - BudgetFields) / 2];
        for (int i = 0; i < last.Length; i++)
        {
            last[i] = ((int)answer[BudgetFields + i * 2], (long)(double)answer[BudgetFields + i * 2 + 1]);
        }

        return new(BudgetOf(answer), last);
    }

    public async Task<PermitClaims> ClaimAsync(int maxConcurrency, PermitClaim[] claims)
    {
        const int KeysOfClaim = 2, ValuesOfClaim = 3, FixedValues = 2;
        var keys = new RedisKey[_fixed.Length + claims.Length * KeysOfClaim];
        var values = new RedisValue[FixedValues + claims.Length * ValuesOfClaim];
        _fixed.CopyTo(keys, 0);
        (values[0], values[1]) = (_process, maxConcurrency);
        for (int i = 0; i < claims.Length; i++)
        {
            PermitClaim claim = claims[i];
            int key = _fixed.Length + i * KeysOfClaim, value = FixedValues + i * ValuesOfClaim;
            keys[key] = KeyOf(claim.Bucket);
            keys[key + 1] = KeyOf(claim.Bucket).Append(":waiting");
            (values[value], values[value + 1], values[value + 2]) = (claim.ShardId, OwnerOf(claim), claim.Waiting);
        }

        RedisValue[] answer = await RunAsync(_scripts.Claim, keys, values).ConfigureAwait(false);
        var answers = new ClaimAnswer[(answer.Length - BudgetFields) / 3];
        for (int i = 0; i < answers.Length; i++)
        {
            int at = BudgetFields + i * 3;
            answers[i] = new((ClaimResult)(int)answer[at], (long)answer[at + 1], (int)answer[at + 2]);
        }

        return new(BudgetOf(answer), answers);
    }

    public async Task<PermitSpending> SpendAsync(PermitClaim permit, long slack)
    {
        RedisValue[] values = [OwnerOf(permit), permit.ShardId, permit.MaxConcurrency, slack];
        RedisValue[] answer = await RunAsync(_scripts.Spend, [.. _fixed, KeyOf(permit.Bucket)], values).ConfigureAwait(false);
        return new((int)answer[0] == 1, (long)answer[BudgetFields], BudgetOf(answer));
    }

    public Task ReturnAsync(PermitClaim permit) =>
        RunAsync(_scripts.Return, [KeyOf(permit.Bucket), _fixed[4], _fixed[5]], [OwnerOf(permit)]);

    private async Task<RedisValue[]> RunAsync(string script, RedisKey[] keys, RedisValue[] values)
    {
        RedisResult result = await _connection.DoAsync(
            database => database.ScriptEvaluateAsync(script, keys, values, CommandFlags.NoScriptCache | CommandFlags.DemandMaster), default).ConfigureAwait(false);
        return result.IsNull ? [] : (RedisValue[])result!;
    }

    private static SharedBudget? BudgetOf(RedisValue[] answer) => (int)answer[1] == 0
        ? null
        : new((int)answer[1], (int)answer[2], (int)answer[3], (long)answer[4], (int)answer[5], (long)answer[6]);

    // Permits of another number of buckets are void; so that any process sees that, the number is part of the owner.
    private static string OwnerOf(in PermitClaim claim) => string.Create(CultureInfo.InvariantCulture, $"{claim.Owner}:{claim.MaxConcurrency}");

    private RedisKey KeyOf(int bucket) => string.Create(CultureInfo.InvariantCulture, $"{_prefix}{bucket}");
}
