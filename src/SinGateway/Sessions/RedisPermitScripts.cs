using System.Globalization;
using SinGateway.Discord;

namespace SinGateway.Sessions;

/// <summary>
/// The four steps of <see cref="RedisPermits"/> as Redis runs them, each whole or not at all, with Redis' own clock. What they keep:
/// <list type="bullet">
/// <item><c>budget</c>, a hash: <c>total</c>, <c>remaining</c>, <c>reset</c> of the window, <c>early</c> (spent between the reset and the
/// first answer of the new window), <c>concurrency</c> and <c>concurrency_at</c> (of the newest answer), <c>free_at</c> (before that, no
/// bucket is free), <c>run</c> (Redis' run_id) and <c>fresh</c> (0: Discord has to be asked before anything is granted);</item>
/// <item><c>firsts</c>, <c>last</c>, sorted sets: when a shard had its first IDENTIFY of the day, and its last; <c>extras</c>: when each
/// other one of the day was, by owner;</item>
/// <item><c>held</c> and <c>held:extras</c>, sorted sets: the permits that are held unspent, and those of them that would be extras, by
/// owner, until when; they are taken off the budget when another permit is granted;</item>
/// <item><c>N</c>, a string: the permit of bucket N: <c>OWNER:CONCURRENCY</c>, and with <c>:spent</c> behind it while the pace runs;</item>
/// <item><c>N:waiting</c>, a hash: of each process that waits there, its first shard, until when that is believed, and how many more.</item>
/// </list>
/// A clock of Redis that is set back moves all of these into the future, since Redis keeps when a key ends: what lies further ahead than
/// it could counts as of now.
/// </summary>
internal sealed class RedisPermitScripts(PermitTimes times)
{
    /// <summary>Keys before those of the buckets.</summary>
    public const int FixedKeys = 6;

    /// <summary>Limits of Discord that are older (ms) do not tell what other processes have spent since.</summary>
    public const int FreshFor = 15_000;

    // What one Redis knows need not be what was: it was restarted, or another one has taken over that was behind. Its run_id tells. Then the
    // pace of all buckets begins anew, and Discord is asked what is left. Whoever may not read INFO has no run_id, and not this safety.
    private const string Prologue =
        """
        local budget, firsts, last, extras, held, held_extras = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
        local clock = redis.call('TIME')
        local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
        local info = redis.pcall('INFO', 'server')
        local run = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
        local b, changed = {run = '', free_at = 0, early = 0, fresh = 0}, false
        local stored = redis.call('HGETALL', budget)
        for i = 1, #stored, 2 do b[stored[i]] = stored[i] == 'run' and stored[i + 1] or tonumber(stored[i + 1]) end
        if b.run ~= run then
          b.run, b.free_at, b.fresh, changed = run, now + PACE, 0, true
        end
        b.free_at = math.min(b.free_at, now + PACE)
        if b.total and now >= b.reset + GRACE then
          b.remaining, b.reset, b.early, changed = b.total - b.early, now + WINDOW, 0, true
        end
        redis.call('ZREMRANGEBYSCORE', extras, '-inf', now - DAY)
        local extra_count = redis.call('ZCARD', extras)
        local allowed, reserve = 0, 0
        if b.total then
          allowed, reserve = math.floor(b.total / EXTRA_SHARE), math.max(MINIMUM_RESERVE, math.ceil(b.total / RESERVE_SHARE))
        end

        local function is_known() return b.total and b.fresh == 1 end

        local function first_again_at(shard)
          local first = redis.call('ZSCORE', firsts, shard)
          return first and first + DAY or 0
        end

        local function next_extra_in()
          if allowed == 0 or extra_count < allowed then return -1 end
          local oldest = redis.call('ZRANGE', extras, extra_count - allowed, extra_count - allowed, 'WITHSCORES')
          return oldest[2] + DAY - now
        end

        local function expire(key, time) redis.call('PEXPIRE', key, time) end

        local function answer(first)
          if changed then
            local fields = {}
            for name, value in pairs(b) do
              fields[#fields + 1] = name
              fields[#fields + 1] = value
            end
            redis.call('HSET', budget, unpack(fields))
            expire(budget, 2 * DAY)
          end
          if not is_known() then return {first, 0, 0, 0, 0, 0, 0} end
          return {first, b.concurrency, b.total, b.remaining, b.reset - now, extra_count, next_extra_in()}
        end

        """;

    // SessionStartBudget.Update, for all processes.
    private const string SyncBody =
        """
        local total, remaining, reset_after, concurrency, age = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
        if total and age <= FRESH_FOR then
          local reset = now - age + reset_after
          if not b.total then
            b.remaining, b.reset, b.free_at = remaining, reset, now + PACE
          elseif now >= b.reset then
            b.remaining, b.reset = math.min(remaining, total - b.early), reset
          elseif reset - b.reset > ANOTHER_WINDOW and remaining > b.remaining then
            b.remaining, b.reset = remaining, reset
          else
            b.remaining, b.reset = math.min(remaining, b.remaining), math.min(reset, b.reset)
          end
          if now < b.reset then b.early = 0 end
          local known_at = b.concurrency_at or 0
          if now - age >= known_at or known_at > now then
            if b.concurrency and b.concurrency ~= concurrency then b.free_at = now + PACE end
            b.concurrency, b.concurrency_at = concurrency, now - age
          end
          b.total, b.fresh, changed = total, 1, true
          allowed = math.floor(total / EXTRA_SHARE)
        end
        for _, times in ipairs({firsts, last, extras}) do
          redis.call('ZREMRANGEBYSCORE', times, '-inf', now - DAY)
          for _, who in ipairs(redis.call('ZRANGEBYSCORE', times, '(' .. string.format('%d', now), '+inf')) do redis.call('ZADD', times, now, who) end
        end
        local result = answer(1)
        for _, value in ipairs(redis.call('ZRANGE', last, 0, -1, 'WITHSCORES')) do result[#result + 1] = value end
        return result
        """;

    // Of the processes that wait in a bucket, the one goes first whose first shard identified least recently, then the lower shard.
    private const string ClaimBody =
        """
        local process, concurrency = ARGV[1], ARGV[2]
        local result = answer(1)
        if not is_known() or b.concurrency ~= tonumber(concurrency) then return result end
        for _, until_when in ipairs({held, held_extras}) do
          redis.call('ZREMRANGEBYSCORE', until_when, '-inf', now)
          redis.call('ZREMRANGEBYSCORE', until_when, string.format('%d', now + LIFETIME + 1), '+inf')
        end
        local held_count, held_extra_count = redis.call('ZCARD', held), redis.call('ZCARD', held_extras)

        local function hold(permit, owner, is_extra)
          redis.call('SET', permit, owner, 'PX', LIFETIME)
          redis.call('ZADD', held, now + LIFETIME, owner)
          expire(held, LIFETIME)
          if is_extra then
            redis.call('ZADD', held_extras, now + LIFETIME, owner)
            expire(held_extras, LIFETIME)
          end
        end

        local function last_of(shard) return tonumber(redis.call('ZSCORE', last, shard) or 0) end

        local function wait(waiting, shard, count)
          redis.call('HSET', waiting, process, shard .. ' ' .. string.format('%d', now + WAITING_FOR) .. ' ' .. count)
          expire(waiting, WAITING_FOR)
          local mine, is_first, all = last_of(shard), true, 0
          local entries = redis.call('HGETALL', waiting)
          for i = 1, #entries, 2 do
            local other, believed, more = string.match(entries[i + 1], '^(%d+) (%d+) (%d+)$')
            if tonumber(believed) <= now or tonumber(believed) > now + WAITING_FOR then
              redis.call('HDEL', waiting, entries[i])
            else
              all = all + more
              if other ~= shard then
                local theirs = last_of(other)
                if theirs < mine or (theirs == mine and tonumber(other) < tonumber(shard)) then is_first = false end
              end
            end
          end
          return is_first, all
        end

        for i = FIXED_KEYS + 1, #KEYS, 2 do
          local at = 3 + (i - FIXED_KEYS - 1) / 2 * 3
          local permit, waiting, shard, owner, count = KEYS[i], KEYS[i + 1], ARGV[at], ARGV[at + 1], ARGV[at + 2]
          local value = redis.call('GET', permit)
          if value and string.match(value, '^%x+:(%d+)') ~= concurrency then
            redis.call('DEL', permit)
            value = false
          end
          local is_spent = value and string.sub(value, -6) == ':spent'
          if redis.call('PTTL', permit) > LIFETIME then expire(permit, is_spent and PACE or LIFETIME) end
          local state, time, all = TAKEN, 0, tonumber(count)
          local again_at = first_again_at(shard)
          local is_extra = again_at > now
          if value == owner then
            hold(permit, owner, is_extra)
            state = GRANTED
          elseif is_extra and extra_count >= allowed then
            redis.call('HDEL', waiting, process)
            local next_extra = next_extra_in()
            state, time = EXTRA, again_at - now
            if next_extra >= 0 then time = math.min(time, next_extra) end
          else
            local is_first
            is_first, all = wait(waiting, shard, count)
            local paced = b.free_at - now
            if is_spent then paced = math.max(paced, redis.call('PTTL', permit)) end
            if paced > 0 then
              state, time = PACED, paced
            elseif value then
              time = redis.call('PTTL', permit)
            elseif b.remaining <= reserve then
              state, time = RESERVE, math.max(b.reset - now, 0)
            elseif is_first and b.remaining - held_count > reserve and not (is_extra and extra_count + held_extra_count >= allowed) then
              hold(permit, owner, is_extra)
              redis.call('HDEL', waiting, process)
              held_count = held_count + 1
              if is_extra then held_extra_count = held_extra_count + 1 end
              state = GRANTED
            end
          end
          result[#result + 1] = state
          result[#result + 1] = time
          result[#result + 1] = all
        end
        return result
        """;

    private const string SpendBody =
        """
        local permit, owner, shard, concurrency, slack = KEYS[FIXED_KEYS + 1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
        local spent = owner .. ':spent'
        local value = redis.call('GET', permit)
        redis.call('ZREM', held, owner)
        redis.call('ZREM', held_extras, owner)

        local function deny()
          if value == owner then redis.call('DEL', permit) end
          local result = answer(0)
          result[8] = now
          return result
        end

        if (value ~= owner and value ~= spent) or not is_known() or b.free_at > now or b.concurrency ~= tonumber(concurrency) then
          return deny()
        end
        if value == owner then
          local is_extra = first_again_at(shard) > now
          if b.remaining <= reserve or (is_extra and extra_count >= allowed) then return deny() end
          b.remaining, changed = b.remaining - 1, true
          if now >= b.reset then b.early = b.early + 1 end
          if is_extra then
            redis.call('ZADD', extras, now, owner)
            extra_count = extra_count + 1
            expire(extras, DAY)
          else
            redis.call('ZADD', firsts, now, shard)
            expire(firsts, DAY)
          end
        end
        redis.call('ZADD', last, now, shard)
        expire(last, DAY)
        redis.call('SET', permit, spent, 'PX', PACE + slack)
        local result = answer(1)
        result[8] = now
        return result
        """;

    public string Sync { get; } = With(times, Prologue + SyncBody);

    public string Claim { get; } = With(times, Prologue + ClaimBody);

    public string Spend { get; } = With(times, Prologue + SpendBody);

    /// <summary>Keys: the permit, held, held:extras.</summary>
    public string Return { get; } =
        """
        if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
        redis.call('ZREM', KEYS[2], ARGV[1])
        redis.call('ZREM', KEYS[3], ARGV[1])
        """;

    private static string With(PermitTimes times, string script)
    {
        (string Name, long Value)[] constants =
        [
            ("ANOTHER_WINDOW", SessionStartBudget.AnotherWindow), ("WINDOW", SessionStartBudget.Window), ("GRACE", SessionStartBudget.ResetGrace),
            ("MINIMUM_RESERVE", SessionStartBudget.MinimumReserve), ("RESERVE_SHARE", SessionStartBudget.ReserveShare),
            ("EXTRA_SHARE", IdentifyPermits.ExtraShare), ("DAY", DailyIdentifies.Day), ("PACE", times.Pace), ("LIFETIME", times.Lifetime),
            ("FRESH_FOR", FreshFor), ("WAITING_FOR", times.Waiting), ("FIXED_KEYS", FixedKeys), ("GRANTED", (long)ClaimResult.Granted),
            ("PACED", (long)ClaimResult.Paced), ("TAKEN", (long)ClaimResult.Taken), ("EXTRA", (long)ClaimResult.Extra), ("RESERVE", (long)ClaimResult.Reserve),
        ];

        // They are locals of the script, so that its text stays what stands above.
        string names = string.Join(", ", constants.Select(constant => constant.Name));
        string values = string.Join(", ", constants.Select(constant => constant.Value.ToString(CultureInfo.InvariantCulture)));
        return $"local {names} = {values}\n{script}";
    }
}
