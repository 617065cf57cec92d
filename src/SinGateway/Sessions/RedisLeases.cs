using System.Globalization;
using StackExchange.Redis;

namespace SinGateway.Sessions;

/// <summary>
/// Leases of cluster indexes in Redis, each step of them one script (G18). An index has three keys: <c>cluster:N:holder</c>, the lease with
/// its expiry; <c>cluster:N:fence</c>, the last fence given out; <c>cluster:N:vacated</c>, the mark of a clean stop.
/// </summary>
/// <param name="connection">The process' one; stays its owner's.</param>
/// <param name="prefix">Put before every key (<c>redisPrefix</c>).</param>
/// <param name="bot">A <see cref="BotId"/>.</param>
/// <param name="generation">Put behind <paramref name="prefix"/> for the keys of clusters: <c>gen:N:</c>, or nothing.</param>
internal sealed class RedisLeases(RedisConnection connection, string prefix, string bot, string generation = "")
{
    /// <summary>The last two keys of a script that a holder runs, and the last two arguments: see <see cref="OwnKeys"/>.</summary>
    public const string RequireOwnership =
        """
        local held = redis.call('GET', KEYS[#KEYS - 1])
        local anew = false
        if held ~= ARGV[#ARGV - 1] then
          if held or (tonumber(redis.call('GET', KEYS[#KEYS])) or 0) > tonumber(ARGV[#ARGV]) then
            return {'lost', held or ''}
          end
          redis.call('SET', KEYS[#KEYS - 1], ARGV[#ARGV - 1], 'PX', 4000)
          redis.call('SET', KEYS[#KEYS], ARGV[#ARGV])
          anew = true
        end

        """;

    private const string Instance =
        """
        local info = redis.call('INFO', 'server')
        local run = string.match(info, 'run_id:(%w+)')

        """;

    // A clock of Redis that is set back would keep a dead holder's lease, since Redis keeps when a key ends; nobody holds one for longer.
    private const string LookScript = Instance +
        """
        local answer = {run, string.match(info, 'uptime_in_seconds:(%d+)'), redis.call('GET', KEYS[1])}
        for i = 2, #KEYS, 3 do
          if redis.call('PTTL', KEYS[i]) > 4000 then redis.call('PEXPIRE', KEYS[i], 4000) end
          local fence = redis.call('GET', KEYS[i + 1]) or ''
          table.insert(answer, redis.call('GET', KEYS[i]))
          table.insert(answer, fence)
          table.insert(answer, redis.call('GET', KEYS[i + 2]) == fence .. ':' .. run and 1 or 0)
        end
        return answer
        """;

    // The fence is the time, but never less than the last one and one more, and goes through the remainders by four in their order.
    private const string TakeScript = Instance +
        """
        local owner = redis.call('GET', KEYS[1])
        if owner and owner ~= ARGV[1] then return {'bot', owner} end
        local last = redis.call('GET', KEYS[3]) or ''
        local vacated = redis.call('GET', KEYS[4]) == last .. ':' .. run
        if redis.call('EXISTS', KEYS[2]) == 1 or run ~= ARGV[3] or last ~= ARGV[4] or (ARGV[5] == '1' and not vacated) then
          return {'changed'}
        end
        local time = redis.call('TIME')
        local before = tonumber(last) or 0
        local fence = math.max(before + 1, time[1] * 1000 + math.floor(time[2] / 1000))
        fence = string.format('%.0f', fence + (before + 1 - fence) % 4)
        local token = fence .. ':' .. ARGV[2]
        redis.call('SET', KEYS[1], ARGV[1])
        redis.call('SET', KEYS[2], token, 'PX', 4000)
        redis.call('SET', KEYS[3], fence)
        redis.call('DEL', KEYS[4])
        return {'taken', token}
        """;

    private const string RenewScript = RequireOwnership + Instance +
        """
        local owner = redis.call('GET', KEYS[1])
        if owner and owner ~= ARGV[1] then return {'bot', owner} end
        if not owner then redis.call('SET', KEYS[1], ARGV[1]) end
        redis.call('PEXPIRE', KEYS[2], 4000)
        return {anew and 'anew' or 'renewed', run}
        """;

    // Also when the lease has run out: as long as its fence is the last one, nobody has held the index since.
    private const string VacateScript = Instance +
        """
        local held = redis.call('GET', KEYS[1])
        if held == ARGV[1] or (not held and redis.call('GET', KEYS[2]) == ARGV[2]) then
          redis.call('DEL', KEYS[1])
          redis.call('SET', KEYS[3], ARGV[2] .. ':' .. run)
        end
        """;

    private const CommandFlags Flags = CommandFlags.NoScriptCache | CommandFlags.DemandMaster;

    private readonly RedisKey _botKey = $"{prefix}bot";

    /// <summary>Reads the leases of <paramref name="indexes"/>. Throws <see cref="IOException"/> with a message for the operator.</summary>
    public async Task<LeaseLook> LookAsync(IReadOnlyList<int> indexes, CancellationToken cancellationToken)
    {
        RedisKey[] keys = [_botKey, .. indexes.SelectMany(KeysOf)];
        RedisResult[] answer = await EvaluateAsync(LookScript, keys, [], cancellationToken).ConfigureAwait(false);
        var leases = new LeaseView[indexes.Count];
        for (int i = 0; i < leases.Length; i++)
        {
            ReadOnlySpan<RedisResult> view = answer.AsSpan(3 + (i * 3), 3);
            leases[i] = new LeaseView((string?)view[0], (string?)view[1] ?? "", (int)view[2] == 1);
        }

        return new LeaseLook(
            (string?)answer[0] ?? "", long.Parse((string?)answer[1] ?? "0", CultureInfo.InvariantCulture), (string?)answer[2], leases);
    }

    /// <summary>
    /// Takes the lease of <paramref name="index"/> if it is still as it was seen; null when it is not. Throws <see cref="OtherBotException"/>,
    /// and <see cref="IOException"/> when it is not known whether it was taken.
    /// </summary>
    /// <param name="index">The cluster.</param>
    /// <param name="runId">The instance that was looked at.</param>
    /// <param name="seen">What it showed: nobody holds it.</param>
    /// <param name="owner">See <see cref="LeaseToken.NewOwner"/>.</param>
    /// <param name="cancellationToken">Ends the wait, not the take.</param>
    public async Task<LeaseToken?> TakeAsync(int index, string runId, LeaseView seen, string owner, CancellationToken cancellationToken)
    {
        RedisResult[] answer = await EvaluateAsync(
            TakeScript, [_botKey, .. KeysOf(index)], [bot, owner, runId, seen.LastFence, seen.IsVacated ? "1" : "0"], cancellationToken).ConfigureAwait(false);
        RequireBot(answer);
        return (string?)answer[0] == "taken" ? LeaseToken.Parse(index, (string)answer[1]!) : null;
    }

    /// <summary>
    /// Renews the lease, or writes it anew when Redis does not know it any more and nobody has held it since; by which instance. Throws <see
    /// cref="LeaseLostException"/>, <see cref="OtherBotException"/>, and <see cref="IOException"/> when Redis is out of reach.
    /// </summary>
    public async Task<(bool Anew, string RunId)> RenewAsync(LeaseToken token, CancellationToken cancellationToken)
    {
        RedisResult[] answer = await EvaluateAsync(
            RenewScript, [_botKey, .. OwnKeys(token.Index)], [bot, .. OwnArguments(token)], cancellationToken).ConfigureAwait(false);
        RequireOwner(answer, token);
        RequireBot(answer);
        return ((string?)answer[0] == "anew", (string?)answer[1] ?? "");
    }

    /// <summary>
    /// Gives the lease back, with the mark that its holder forwards nothing more: the next one need not wait. Nothing happens when it is
    /// another's.
    /// </summary>
    public Task VacateAsync(LeaseToken token, CancellationToken cancellationToken) => connection.DoAsync(
        database => database.ScriptEvaluateAsync(VacateScript, [.. KeysOf(token.Index)], [token.Text, token.Fence], Flags), cancellationToken);

    /// <summary>Throws unless the keys are this bot's.</summary>
    public void RequireBot(string? owner)
    {
        if (owner is not null && owner != bot)
        {
            throw new OtherBotException(prefix, owner, bot);
        }
    }

    /// <summary>The last keys of a script that begins with <see cref="RequireOwnership"/>.</summary>
    public RedisKey[] OwnKeys(int index) => KeysOf(index)[..2];

    /// <summary>The last arguments of such a script.</summary>
    public static RedisValue[] OwnArguments(LeaseToken token) => [token.Text, token.Fence];

    /// <summary>Throws when the answer of such a script says that the lease is another's.</summary>
    public static void RequireOwner(RedisResult answer, LeaseToken token)
    {
        if (!answer.IsNull)
        {
            RequireOwner((RedisResult[])answer!, token);
        }
    }

    private static void RequireOwner(RedisResult[] answer, LeaseToken token)
    {
        if (answer is [var verdict, var holder] && (string?)verdict == "lost")
        {
            throw new LeaseLostException(token, (string?)holder ?? "");
        }
    }

    private void RequireBot(RedisResult[] answer) => RequireBot((string?)answer[0] == "bot" ? (string?)answer[1] : null);

    private async Task<RedisResult[]> EvaluateAsync(string script, RedisKey[] keys, RedisValue[] arguments, CancellationToken cancellationToken) =>
        (RedisResult[]?)await connection.DoAsync(database => database.ScriptEvaluateAsync(script, keys, arguments, Flags), cancellationToken).ConfigureAwait(false)
        ?? [];

    private RedisKey[] KeysOf(int index)
    {
        string key = string.Create(CultureInfo.InvariantCulture, $"{prefix}{generation}cluster:{index}:");
        return [key + "holder", key + "fence", key + "vacated"];
    }
}

/// <summary>A write was refused since the lease under which it was to be done is another process' by now, or has been (G20).</summary>
internal sealed class LeaseLostException(LeaseToken token, string holder)
    : Exception($"cluster {token.Index} is held by {(holder.Length > 0 ? LeaseToken.Describe(holder) : "another process, which has ended since")}")
{
    /// <summary>Whose it is, as that one wrote it; empty when nobody holds it any more.</summary>
    public string Holder => holder;
}

/// <summary>The keys in Redis are another bot's: a configuration error.</summary>
internal sealed class OtherBotException(string prefix, string owner, string bot) : IOException(
    $"Redis keeps bot {owner} under redisPrefix \"{prefix}\", and this token is of bot {bot}: give each bot its own redisPrefix (or delete the key \"{prefix}bot\" if {owner} is gone)");
