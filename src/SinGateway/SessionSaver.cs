using SinGateway.Discord;
using SinGateway.Loop;
using SinGateway.Sessions;

namespace SinGateway;

/// <summary>
/// Hands what changed of the shards' sessions to the store about once a second (G20), and tells the sessions what of them is stored (G5).
/// Belongs to the loop's thread.
/// </summary>
internal sealed class SessionSaver
{
    private const int SavePeriod = 1_000;

    /// <summary>After how long a save has usually ended, in ms; one that has not is asked about again at the next one.</summary>
    private const int UsualSave = 50;

    private readonly EventLoop _loop;
    private readonly Shard[] _shards;
    private readonly int _shardCount;
    private readonly SavedShard[] _saved;
    private readonly LoopTimer _saveTimer;
    private readonly LoopTimer _storedTimer;

    /// <param name="loop">Of the shards.</param>
    /// <param name="shards">All of the loop.</param>
    /// <param name="shardCount">Of the whole bot.</param>
    /// <param name="writer">Has room for all of the shards.</param>
    public SessionSaver(EventLoop loop, Shard[] shards, int shardCount, SessionWriter writer)
    {
        _loop = loop;
        _shards = shards;
        _shardCount = shardCount;
        Writer = writer;
        _saved = new SavedShard[shards.Length];
        _saveTimer = new LoopTimer(loop, Save);
        _storedTimer = new LoopTimer(loop, MarkStored);
    }

    public SessionWriter Writer { get; }

    public void Start() => _saveTimer.Start(SavePeriod);

    public void Stop()
    {
        _saveTimer.Stop();
        _storedTimer.Stop();
    }

    /// <summary>The state of every shard, for the last save.</summary>
    public SessionRecord[] FinalRecords() => [.. _shards.Select(Record)];

    private void Save()
    {
        _saveTimer.Start(SavePeriod);
        MarkStored();
        if (!Writer.TryBegin(out Span<SessionRecord> records, out bool everything))
        {
            return;
        }

        int count = 0;
        for (int i = 0; i < _shards.Length; i++)
        {
            Shard shard = _shards[i];
            var current = new SavedShard(shard.Session, shard.Session?.Committed ?? 0, shard.LastHeartbeat, shard.LastHeartbeatAck);
            if (everything || current != _saved[i])
            {
                _saved[i] = current;
                records[count++] = Record(shard);
            }
        }

        if (count > 0)
        {
            Writer.Submit(count);
            _storedTimer.Start(UsualSave);
        }
    }

    /// <summary>When the save under way has ended well, heartbeats may tell Discord that its events are not needed any more (G5).</summary>
    private void MarkStored()
    {
        if (!Writer.HasSaved)
        {
            return;
        }

        foreach (ref readonly SavedShard saved in _saved.AsSpan())
        {
            saved.Session?.MarkStored(saved.Seq, _loop.Now);
        }
    }

    private SessionRecord Record(Shard shard) => new()
    {
        ShardId = shard.Id,
        ShardCount = _shardCount,
        SessionId = shard.Session?.Id,
        ResumeUrl = shard.Session?.ResumeUrl,
        Seq = Math.Max(shard.Session?.Committed ?? 0, 0),
        LastHeartbeat = shard.LastHeartbeat,
        LastHeartbeatAck = shard.LastHeartbeatAck,
        Latency = shard.Latency,
    };

    /// <summary>What was last handed to the store of a shard.</summary>
    private readonly record struct SavedShard(Session? Session, long Seq, long LastHeartbeat, long LastHeartbeatAck);
}
