using System.Globalization;
using SinGateway.Discord;
using SinGateway.Loop;
using SinGateway.Sessions;
using SinGateway.Tests.Fixtures;
using SinGateway.Tests.Loop;

namespace SinGateway.Tests.Discord;

/// <summary>One process with four shards that want to identify again and again, and whose connections fail at any step.</summary>
internal sealed class ModelProcess
{
    private const int Shards = 4;

    private readonly ManualResetEventSlim _runs = new(initialState: true);
    private readonly RedisConnection _connection;
    private readonly RunningLoop _running = new();
    private readonly SharedIdentifyQueue _queue;
    private readonly ModelDiscord _discord;
    private readonly Random _random;
    private volatile bool _isDead;

    private ModelProcess(RedisConnection connection, PermitTimes times, ModelDiscord discord, int seed)
    {
        _connection = connection;
        _discord = discord;
        _random = new Random(seed);
        int owners = 0;
        _queue = new SharedIdentifyQueue(
            _running.Loop, new RedisPermits(connection, "", times),
            () => seed.ToString("x8", CultureInfo.InvariantCulture) + owners++.ToString("x8", CultureInfo.InvariantCulture), new RecordingLogger());
        _queue.RefreshWanted += () => _queue.Update(discord.Limit);
    }

    public static async Task<ModelProcess> StartAsync(int index, RedisDsn redis, PermitTimes times, ModelDiscord discord, int seed)
    {
        ModelProcess process = new(await RedisConnection.OpenAsync(redis, new RecordingLogger()), times, discord, seed);
        process._running.Loop.Post(() =>
        {
            process._queue.Update(discord.Limit);
            for (int shard = index * Shards; shard < (index + 1) * Shards; shard++)
            {
                process.Begin(shard);
            }
        });
        return process;
    }

    /// <summary>It was killed in the middle of something, and does nothing any more.</summary>
    public bool IsDead => _isDead;

    /// <summary>Its loop stands still for so many ms, between any two things that it does.</summary>
    public void Stall(int milliseconds)
    {
        _runs.Reset();
        _running.Loop.Post(() => _runs.Wait(milliseconds));
    }

    /// <summary>Ends it as it is: nothing is given back.</summary>
    public async Task KillAsync()
    {
        _isDead = true;
        _runs.Set();
        _running.Dispose();
        await _connection.DisposeAsync();
    }

    private void Begin(int shard)
    {
        if (!_isDead)
        {
            _queue.Request(shard, () => Connect(shard));
        }
    }

    private void Connect(int shard)
    {
        switch (_random.Next(10))
        {
            case 0:
                // The connection fails.
                After(_random.Next(300), () =>
                {
                    _queue.Return(shard);
                    After(_random.Next(500), () => Begin(shard));
                });
                break;
            case 1:
                // HELLO comes when the permit has expired.
                After(3_000, () => Identify(shard));
                break;
            default:
                After(_random.Next(200), () => Identify(shard));
                break;
        }
    }

    private void Identify(int shard)
    {
        int fault = _random.Next(20);
        _queue.Spend(shard, mayBeSent =>
        {
            if (fault == 0 && mayBeSent)
            {
                // Killed between the count and op 2.
                _isDead = true;
            }

            if (mayBeSent && !_isDead)
            {
                _discord.Identify(shard);
            }

            // Sessions die young.
            After(_random.Next(100, 1_500), () => Begin(shard));
        });
        switch (fault)
        {
            case 1:
                // The connection breaks while the IDENTIFY is counted.
                _queue.Return(shard);
                After(_random.Next(500), () => Begin(shard));
                break;
            case 2:
                // Killed while it is counted.
                _isDead = true;
                break;
            case 3:
                // It stands still while it is counted, and the answer is old when it goes on.
                Stall(_random.Next(100, 2_000));
                break;
        }
    }

    private void After(int milliseconds, Action action) => new LoopTimer(_running.Loop, action).Start(milliseconds);
}
