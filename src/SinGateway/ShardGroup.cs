using System.Diagnostics;
using Microsoft.Extensions.Logging;
using SinGateway.Discord;
using SinGateway.Forwarding;
using SinGateway.Loop;
using SinGateway.Sessions;
using SinGateway.Singyeong;

namespace SinGateway;

/// <summary>
/// A 신경 connection and the shards whose events it carries, on one loop (G24): starts them, hands their committed seqs to the store about
/// once a second, lets them wait while the outbox is full, and ends them so that nothing is lost. Belongs to the loop's thread.
/// </summary>
internal sealed partial class ShardGroup
{
    private const int SavePeriod = 1_000;

    /// <summary>After how long a save has usually ended, in ms; one that has not is asked about again at the next one.</summary>
    private const int UsualSave = 50;

    /// <summary>
    /// How long identifying and resuming wait for 신경 at the start, in ms: it might refuse us, and IDENTIFYs would be spent in vain.
    /// </summary>
    private const int BrokerPatience = 5_000;

    /// <summary>How long the outbox may take to be confirmed at the end, in ms.</summary>
    private const int FlushPatience = 10_000;

    /// <summary>
    /// How often malloc's free pages go back to the kernel, in ms. zlib and OpenSSL take their buffers from it, and after a burst it keeps
    /// some 17 KB a shard.
    /// </summary>
    private const int TrimPeriod = 30_000;

    private readonly EventLoop _loop;
    private readonly SingyeongClient _client;
    private readonly Forwarder _forwarder;
    private readonly Shard[] _shards;
    private readonly StartProgress _progress;
    private readonly int _shardCount;
    private readonly SessionWriter _writer;
    private readonly ILogger _logger;
    private readonly CommandRouter _commands;
    private readonly Backpressure _pressure;
    private readonly SavedShard[] _saved;
    private readonly LoopTimer _saveTimer;
    private readonly LoopTimer _storedTimer;
    private readonly LoopTimer _trimTimer;
    private readonly LoopTimer _patienceTimer;
    private readonly long _startedAt;
    private Action? _stopped;
    private bool _hasStarted;

    public ShardGroup(
        EventLoop loop, SingyeongClient client, Forwarder forwarder, Shard[] shards, StartProgress progress, int shardCount, SessionWriter writer, ILogger logger,
        WhenFull whenFull, bool takesCommands = false)
    {
        _loop = loop;
        _client = client;
        _forwarder = forwarder;
        _shards = shards;
        _progress = progress;
        _shardCount = shardCount;
        _writer = writer;
        _logger = logger;
        _saved = new SavedShard[shards.Length];
        _saveTimer = new LoopTimer(loop, Save);
        _storedTimer = new LoopTimer(loop, MarkStored);
        _trimTimer = new LoopTimer(loop, Trim);
        _patienceTimer = new LoopTimer(loop, OnPatienceEnded);
        _startedAt = loop.Now;
        client.Ready += StartShards;
        _pressure = new Backpressure(loop, forwarder, shards, whenFull, logger);
        client.HasRoom += _pressure.RoomCame;
        client.Confirmed += OnConfirmed;
        Dictionary<int, Action<GatewayCommand>> senders = shards.ToDictionary(shard => shard.Id, shard => (Action<GatewayCommand>)shard.Send);
        _commands = new CommandRouter(senders, shardCount, () => loop.Now, logger);
        client.CommandReceived += takesCommands ? _commands.Receive : new IgnoredCommands(logger).Receive;
    }

    /// <summary>What became of the commands of workers.</summary>
    public CommandCounts Commands => _commands.Counts;

    /// <summary>Connects to 신경, and then, or after five seconds, the shards.</summary>
    public void Start()
    {
        _client.Connect();
        _patienceTimer.Start(BrokerPatience);
        _saveTimer.Start(SavePeriod);
        _trimTimer.Start(TrimPeriod);
        _pressure.Start();
    }

    /// <summary>
    /// Ends every shard with its session alive, waits until 신경 has confirmed everything (at most ten seconds), and calls <paramref
    /// name="stopped"/>; the records for the store are then what <see cref="FinalRecords"/> answers.
    /// </summary>
    public void Stop(Action stopped)
    {
        if (_stopped is not null)
        {
            return;
        }

        _stopped = stopped;
        _hasStarted = true;
        foreach (Shard shard in _shards)
        {
            shard.Stop();
        }

        _progress.Stop();
        _pressure.Stop();
        _saveTimer.Stop();
        _trimTimer.Stop();
        _patienceTimer.Start(FlushPatience);
        _client.BeginBarrier();
        OnConfirmed();
    }

    /// <summary>The state of every shard.</summary>
    public SessionRecord[] FinalRecords()
    {
        var records = new SessionRecord[_shards.Length];
        for (int i = 0; i < records.Length; i++)
        {
            records[i] = Record(_shards[i]);
        }

        return records;
    }

    private void StartShards()
    {
        if (_hasStarted)
        {
            return;
        }

        _hasStarted = true;
        _patienceTimer.Stop();
        _progress.Start();
        foreach (Shard shard in _shards)
        {
            shard.Start();
        }
    }

    private void OnConfirmed()
    {
        if (_stopped is not null && _client.Delivery.IsConfirmed)
        {
            End();
        }
    }

    private void OnPatienceEnded()
    {
        if (_stopped is null)
        {
            LogBrokerLate();
            StartShards();
        }
        else
        {
            LogUnconfirmed(_client.Delivery.UnconfirmedBytes);
            End();
        }
    }

    private void End()
    {
        _patienceTimer.Stop();
        _client.Dispose();
        long identified = 0, resumed = 0;
        foreach (Shard shard in _shards)
        {
            identified += shard.Identified;
            resumed += shard.Resumed;
        }

        if (Commands.Total > 0)
        {
            LogCommands(Commands.ToString());
        }

        LogStopped(
            _forwarder.Events, _forwarder.Forwarded, _client.Delivery.Unrouted, _client.Delivery.Expired, _client.Delivery.Poisonous,
            _forwarder.Oversized, _forwarder.Unencodable, _forwarder.LostToFullOutbox, identified, resumed, (_loop.Now - _startedAt) / 1000, GC.GetTotalAllocatedBytes());
        (Action? stopped, _stopped) = (_stopped, () => { });
        stopped!();
    }

    private void Save()
    {
        _saveTimer.Start(SavePeriod);
        MarkStored();
        if (!_writer.TryBegin(out Span<SessionRecord> records, out bool everything))
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
            _writer.Submit(count);
            _storedTimer.Start(UsualSave);
        }
    }

    /// <summary>When the save under way has ended well, heartbeats may tell Discord that its events are not needed any more (G5).</summary>
    private void MarkStored()
    {
        if (!_writer.HasSaved)
        {
            return;
        }

        foreach (ref readonly SavedShard saved in _saved.AsSpan())
        {
            saved.Session?.MarkStored(saved.Seq, _loop.Now);
        }
    }

    private void Trim()
    {
        _trimTimer.Start(TrimPeriod);
        long start = Stopwatch.GetTimestamp();
        SystemCalls.TrimMalloc();
        LogTrimmed((long)Stopwatch.GetElapsedTime(start).TotalMicroseconds);
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

    [LoggerMessage(Level = LogLevel.Debug, Message = "Gave free memory back to the kernel in {Microseconds} µs")]
    private partial void LogTrimmed(long microseconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "신경 is not ready yet; starting the shards all the same, events wait in the outbox")]
    private partial void LogBrokerLate();

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "신경 did not confirm {Bytes} bytes within ten seconds; the next start resumes before them, so they are not lost")]
    private partial void LogUnconfirmed(long bytes);

    [LoggerMessage(Level = LogLevel.Information, Message = "Commands of workers: {Counts}")]
    private partial void LogCommands(string counts);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Stopped: events={Events} forwarded={Forwarded} unrouted={Unrouted} expired={Expired} poisonous={Poisonous} oversized={Oversized} unencodable={Unencodable} outbox_full={LostToFullOutbox} identified={Identified} resumed={Resumed} seconds={Seconds} allocated={Allocated}")]
    private partial void LogStopped(
        long events, long forwarded, long unrouted, long expired, long poisonous, long oversized, long unencodable, long lostToFullOutbox,
        long identified, long resumed, long seconds, long allocated);

    /// <summary>What was last handed to the store of a shard.</summary>
    private readonly record struct SavedShard(Session? Session, long Seq, long LastHeartbeat, long LastHeartbeatAck);
}
