using System.Globalization;
using SinGateway.Sessions;
using StackExchange.Redis;

namespace SinGateway.Generations;

/// <summary>
/// Generations in Redis, behind <c>redisPrefix</c>: <c>generation:active</c> and <c>generation:first</c> (<see cref="GenerationView"/>);
/// <c>generation:unmuting</c>, a set: the clusters of the active one that do not forward yet; <c>generation:forwarding</c>, a sorted set:
/// who forwards (<c>COUNT:CLUSTER</c>) and when it last said so; and, under the generation's own prefix, <c>cluster:N:ready</c>, the token of
/// a muted process whose shards are ready, which runs out as its lease does.
/// </summary>
/// <param name="connection">The process' one; stays its owner's.</param>
/// <param name="prefix">Put before every key (<c>redisPrefix</c>).</param>
internal sealed class RedisGenerations(RedisConnection connection, string prefix)
{
    // A store of before there were generations has no count but that of its sessions.
    private const string LookScript =
        """
        local active, first = redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2])
        if not active then
          active = redis.call('GET', KEYS[3])
          if active == '0' then active = false end
          first = active
        end
        return {active or '', first or ''}
        """;

    // Whoever forwarded seconds ago and does not now has died, or is being restarted: events wait for it at Discord, which it alone can get.
    private const string ReportScript = RedisLeases.RequireOwnership +
        """
        local count, state, index, is_first, is_automatic = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1', ARGV[5] == '1'
        local active, first = redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2])
        local clock = redis.call('TIME')
        local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
        local absent = ''
        if state == 'forwards' or state == 'begins' then
          if not active or (is_automatic and is_first and active == first) then
            redis.call('SET', KEYS[1], count)
            if is_first then redis.call('SET', KEYS[2], count) end
            active = count
          end
          if active == count and state == 'forwards' then redis.call('SREM', KEYS[3], index) end
          redis.call('ZADD', KEYS[4], now, count .. ':' .. index)
        elseif state == 'gone' then
          redis.call('ZREM', KEYS[4], count .. ':' .. index)
        end
        if state ~= 'ready' then
          redis.call('DEL', KEYS[5])
        else
          redis.call('SET', KEYS[5], ARGV[#ARGV - 1], 'PX', 4000)
          if active ~= count then
            local clusters = (#KEYS - 7) / 2
            for i = 0, clusters - 1 do
              local holder = redis.call('GET', KEYS[6 + 2 * i])
              if not holder or redis.call('GET', KEYS[7 + 2 * i]) ~= holder then absent = count .. ':' .. i end
            end
            redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now - 30000)
            for _, other in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now - 3000)) do
              if string.match(other, '^%d+') ~= count then absent = other end
            end
            if absent == '' then
              redis.call('SET', KEYS[1], count)
              redis.call('DEL', KEYS[3])
              for i = 0, clusters - 1 do redis.call('SADD', KEYS[3], i) end
              active = count
            end
          end
        end
        return {active or '', redis.call('SCARD', KEYS[3]), absent}
        """;

    private const CommandFlags Flags = CommandFlags.NoScriptCache | CommandFlags.DemandMaster;

    private readonly RedisKey[] _keys = [prefix + "generation:active", prefix + "generation:first", prefix + "generation:unmuting", prefix + "generation:forwarding"];

    /// <summary>Throws <see cref="IOException"/> with a message for the operator.</summary>
    public async Task<GenerationView> LookAsync(CancellationToken cancellationToken)
    {
        RedisResult[] answer = await EvaluateAsync(LookScript, [_keys[0], _keys[1], prefix + "shard:0:shard_count"], [], cancellationToken).ConfigureAwait(false);
        return new(CountOf(answer[0]), CountOf(answer[1]));
    }

    /// <summary>
    /// Tells what this process does and learns who forwards. The muted process whose report makes its generation complete makes it the active
    /// one, in the same step. Throws <see cref="LeaseLostException"/>, and <see cref="IOException"/> when Redis is out of reach.
    /// </summary>
    /// <param name="report">By whom.</param>
    /// <param name="state">What it does.</param>
    /// <param name="cancellationToken">Ends the wait, not the report.</param>
    public async Task<GenerationSight> ReportAsync(GenerationReport report, GenerationState state, CancellationToken cancellationToken)
    {
        string own = prefix + report.Choice.Prefix;
        RedisKey[] keys =
        [
            .. _keys,
            Key(own, report.Token.Index, "ready"),
            .. Enumerable.Range(0, report.Clusters).SelectMany(index => (RedisKey[])[Key(own, index, "holder"), Key(own, index, "ready")]),
            Key(own, report.Token.Index, "holder"),
            Key(own, report.Token.Index, "fence"),
        ];
        RedisValue[] arguments =
        [
            report.Count,
            state switch
            {
                GenerationState.Begins => "begins",
                GenerationState.Forwards => "forwards",
                GenerationState.Ready => "ready",
                GenerationState.Gone => "gone",
                _ => "waits",
            },
            report.Token.Index,
            report.Choice.IsFirst,
            report.Choice.IsAutomatic,
            .. RedisLeases.OwnArguments(report.Token),
        ];
        RedisResult[] answer = await EvaluateAsync(ReportScript, keys, arguments, cancellationToken).ConfigureAwait(false);
        if (answer.Length < 3)
        {
            throw new LeaseLostException(report.Token, (string?)answer[1] ?? "");
        }

        return new(CountOf(answer[0]), (int)answer[1], (string?)answer[2] ?? "");
    }

    private static int? CountOf(RedisResult value) => int.TryParse((string?)value, NumberStyles.None, CultureInfo.InvariantCulture, out int count) ? count : null;

    private static RedisKey Key(string own, int index, string name) => string.Create(CultureInfo.InvariantCulture, $"{own}cluster:{index}:{name}");

    private async Task<RedisResult[]> EvaluateAsync(string script, RedisKey[] keys, RedisValue[] arguments, CancellationToken cancellationToken) =>
        (RedisResult[]?)await connection.DoAsync(database => database.ScriptEvaluateAsync(script, keys, arguments, Flags), cancellationToken).ConfigureAwait(false)
        ?? [];
}

/// <summary>Who reports: a process that holds a cluster of a generation.</summary>
/// <param name="Choice">The generation.</param>
/// <param name="Count">Its shards.</param>
/// <param name="Clusters">Its processes.</param>
/// <param name="Token">The lease of this one.</param>
internal sealed record GenerationReport(GenerationChoice Choice, int Count, int Clusters, LeaseToken Token);

/// <summary>What a process tells of itself.</summary>
internal enum GenerationState
{
    /// <summary>It is muted, and not all of its shards are ready; or it leaves.</summary>
    Waits,

    /// <summary>It is muted, and could forward.</summary>
    Ready,

    /// <summary>Its events are forwarded, and not all of its shards have been ready yet: whoever is to be replaced must not rely on it.</summary>
    Begins,

    Forwards,

    /// <summary>It forwards nothing any more, and has nothing left that would be lost.</summary>
    Gone,
}

/// <summary>What a report is answered.</summary>
/// <param name="Active">The shard count of the generation that forwards; null when Redis has forgotten it.</param>
/// <param name="Unmuting">How many of its clusters do not forward yet.</param>
/// <param name="Absent">Who keeps a generation that is otherwise ready from being the active one, <c>COUNT:CLUSTER</c>; empty for nobody.</param>
internal readonly record struct GenerationSight(int? Active, int Unmuting, string Absent);
