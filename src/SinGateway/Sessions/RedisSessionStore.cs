using System.Globalization;
using StackExchange.Redis;

namespace SinGateway.Sessions;

/// <summary>
/// Sessions in Redis, under the keys of the Python program and two more. It writes only while the process holds its lease. The connection
/// stays its owner's.
/// </summary>
/// <param name="connection">Shared with permits and leases.</param>
/// <param name="prefix">Put before every key (<c>redisPrefix</c>, and <c>gen:N:</c> of a second generation).</param>
/// <param name="leases">Where the lease stands.</param>
/// <param name="token">The lease under which sessions are written.</param>
internal sealed class RedisSessionStore(RedisConnection connection, string prefix, RedisLeases leases, LeaseToken token) : ISessionStore
{
    private const int KeysPerShard = 7;

    /// <summary>Shards in one command, so that no save holds Redis up for longer than a millisecond or so.</summary>
    private const int ShardsPerCommand = 128;

    // One step a tuple, all that a shard has or nothing, and nothing under a foreign fence (G20). An absent session or URL is an empty
    // argument.
    private const string SaveScript = RedisLeases.RequireOwnership +
        """
        for first = 1, #KEYS - 2, 7 do
          if ARGV[first] == '' then
            redis.call('DEL', unpack(KEYS, first, first + 6))
          else
            for i = first, first + 6 do
              if ARGV[i] == '' then redis.call('DEL', KEYS[i]) else redis.call('SET', KEYS[i], ARGV[i]) end
            end
          end
        end
        """;

    private static readonly string[] Names = ["session_id", "seq", "last_heartbeat", "last_heartbeat_ack", "latency", "resume_url", "shard_count"];

    /// <summary>Its own lock: saves of several loops may overlap.</summary>
    private readonly Dictionary<int, RedisKey[]> _keysOfShard = [];
    private readonly RedisKey[] _leaseKeys = leases.OwnKeys(token.Index);
    private readonly RedisValue[] _leaseArguments = RedisLeases.OwnArguments(token);

    // Kept from save to save: the same shards change every second.
    private Command[] _commands = [];

    public async ValueTask<IReadOnlyList<SessionRecord>> LoadAsync(int firstShard, int count, CancellationToken cancellationToken)
    {
        int[][] chunks = [.. Enumerable.Range(firstShard, count).Chunk(ShardsPerCommand)];
        RedisValue[][] answers = await connection.DoAsync(
            database => Task.WhenAll(chunks.Select(shards => database.StringGetAsync([.. shards.SelectMany(KeysOf)]))),
            cancellationToken).ConfigureAwait(false);

        List<SessionRecord> sessions = [];
        for (int chunk = 0; chunk < chunks.Length; chunk++)
        {
            for (int i = 0; i < chunks[chunk].Length; i++)
            {
                SessionRecord record = Parse(chunks[chunk][i], answers[chunk].AsSpan(i * KeysPerShard, KeysPerShard));
                if (record.SessionId is not null)
                {
                    sessions.Add(record);
                }
            }
        }

        return sessions;
    }

    public async ValueTask SaveAsync(ReadOnlyMemory<SessionRecord> records, CancellationToken cancellationToken)
    {
        if (records.IsEmpty)
        {
            return;
        }

        // Not ours until the answers are in: after a failure the client may still hold the arrays.
        Command[] commands = Fill(Interlocked.Exchange(ref _commands, []), records.Span);
        RedisResult[] answers = await connection.DoAsync(
            database => Task.WhenAll(commands.Select(command =>
                database.ScriptEvaluateAsync(SaveScript, command.Keys, command.Values, CommandFlags.NoScriptCache | CommandFlags.DemandMaster))),
            cancellationToken).ConfigureAwait(false);
        foreach (RedisResult answer in answers)
        {
            RedisLeases.RequireOwner(answer, token);
        }

        _commands = commands;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static SessionRecord Parse(int shardId, ReadOnlySpan<RedisValue> values) => new()
    {
        ShardId = shardId,
        SessionId = TextOf(values[0]),
        Seq = NumberOf(values[1]),
        LastHeartbeat = NumberOf(values[2]),
        LastHeartbeatAck = NumberOf(values[3]),
        Latency = NumberOf(values[4]),
        ResumeUrl = TextOf(values[5]),
        ShardCount = (int)Math.Min(NumberOf(values[6]), int.MaxValue),
    };

    private static string? TextOf(RedisValue value) => value.IsNullOrEmpty ? null : value.ToString();

    // Python wrote some of these as fractions. What is no number counts as absent.
    private static long NumberOf(RedisValue value) =>
        double.TryParse(value.ToString(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number is > 0 and < (1L << 53)
            ? (long)number
            : 0;

    private Command[] Fill(Command[] commands, ReadOnlySpan<SessionRecord> records)
    {
        int needed = (records.Length + ShardsPerCommand - 1) / ShardsPerCommand;
        if (commands.Length != needed)
        {
            commands = new Command[needed];
        }

        for (int i = 0; i < needed; i++)
        {
            int first = i * ShardsPerCommand;
            ReadOnlySpan<SessionRecord> chunk = records.Slice(first, Math.Min(ShardsPerCommand, records.Length - first));
            int keys = chunk.Length * KeysPerShard;
            if (commands[i]?.Keys.Length != keys + _leaseKeys.Length)
            {
                commands[i] = new Command(new RedisKey[keys + _leaseKeys.Length], new RedisValue[keys + _leaseArguments.Length]);
                _leaseKeys.CopyTo(commands[i].Keys, keys);
                _leaseArguments.CopyTo(commands[i].Values, keys);
            }

            for (int shard = 0; shard < chunk.Length; shard++)
            {
                KeysOf(chunk[shard].ShardId).CopyTo(commands[i].Keys, shard * KeysPerShard);
                Fill(commands[i].Values.AsSpan(shard * KeysPerShard, KeysPerShard), chunk[shard]);
            }
        }

        return commands;
    }

    private static void Fill(Span<RedisValue> values, in SessionRecord record)
    {
        values[0] = record.SessionId ?? "";
        values[1] = record.Seq;
        values[2] = record.LastHeartbeat;
        values[3] = record.LastHeartbeatAck;
        values[4] = record.Latency;
        values[5] = record.ResumeUrl ?? "";
        values[6] = record.ShardCount;
    }

    private RedisKey[] KeysOf(int shardId)
    {
        lock (_keysOfShard)
        {
            if (!_keysOfShard.TryGetValue(shardId, out RedisKey[]? keys))
            {
                keys = [.. Names.Select(name => (RedisKey)string.Create(CultureInfo.InvariantCulture, $"{prefix}shard:{shardId}:{name}"))];
                _keysOfShard.Add(shardId, keys);
            }

            return keys;
        }
    }

    private sealed record Command(RedisKey[] Keys, RedisValue[] Values);
}
