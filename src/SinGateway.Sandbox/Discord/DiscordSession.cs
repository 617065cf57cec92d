using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace SinGateway.Sandbox.Discord;

internal enum ResumeVerdict
{
    Resumed,
    Dead,
    SeqAhead,
    SeqTooOld,
}

/// <summary>
/// One gateway session: its seq, its replay buffer, and the connection that it is attached to, if any. While detached it goes on
/// collecting events, which a RESUME then replays in order (https://docs.discord.com/developers/events/gateway#resuming).
/// Locks are taken in the order stream, session, connection.
/// </summary>
internal sealed class DiscordSession
{
    private readonly DiscordServer _server;
    private readonly Lock _gate = new();
    private readonly ReplayBuffer _replay;
    private readonly SortedDictionary<long, byte[]> _given = [];
    private readonly Dictionary<int, long> _acknowledged = [];
    private long _acknowledgedSeq;
    private long _firstUnsent;
    private bool _isDead;

    [ThreadStatic]
    private static byte[]? t_scratch;

    public DiscordSession(DiscordServer server, int shardId, int shardCount, long intents)
    {
        _server = server;
        _replay = new ReplayBuffer(server.Options.ReplayEvents);
        ShardId = shardId;
        ShardCount = shardCount;
        Intents = intents;
        Id = RandomNumberGenerator.GetHexString(32, lowercase: true);
    }

    public string Id { get; }

    public int ShardId { get; }

    public int ShardCount { get; }

    public long Intents { get; }

    public long Seq => _replay.Next - 1;

    public long ReplayFirst => _replay.First;

    /// <summary>The connection in use; null while detached.</summary>
    public DiscordConnection? Connection { get; private set; }

    /// <summary>When it lost its connection, in ms of <see cref="Environment.TickCount64"/>.</summary>
    public long DetachedAt { get; private set; }

    public long? LastHeartbeat { get; private set; }

    /// <summary>The client has named it, in a heartbeat or a RESUME: its READY has arrived.</summary>
    public bool IsKnown { get; private set; }

    /// <summary>RESUMEs in a row that were withheld from an answer.</summary>
    public int UnansweredResumes { get; set; }

    public bool Sees(int stream, int guild) => GuildCatalogue.BelongsTo(_server.Guilds.GuildId(stream, guild), ShardId, ShardCount);

    /// <summary>The guilds that this session's shard tuple entitles it to.</summary>
    public IEnumerable<(int Stream, int Index)> Guilds()
    {
        for (int stream = 0; stream < _server.Guilds.Streams; stream++)
        {
            if (ShardCount == _server.Guilds.Streams && stream != ShardId)
            {
                continue;
            }
            for (int index = 0; index < _server.Guilds.GuildsPerStream; index++)
            {
                if (Sees(stream, index))
                {
                    yield return (stream, index);
                }
            }
        }
    }

    /// <summary>Gives the event the next seq, keeps it for replay, and sends it when a connection is there (without flushing).</summary>
    public void Dispatch(ReplayEntry entry)
    {
        lock (_gate)
        {
            if (_isDead)
            {
                return;
            }
            long seq = _replay.Next;
            _replay.Add(entry);
            if (Connection is { IsDeaf: false } connection)
            {
                Send(connection, entry, seq);
            }
        }
    }

    /// <summary>Keeps events from the connection in use; switched off, it gets what it has missed.</summary>
    public void SetDeaf(DiscordConnection connection, bool on)
    {
        lock (_gate)
        {
            if (Connection != connection || connection.IsDeaf == on)
            {
                return;
            }
            connection.IsDeaf = on;
            if (on)
            {
                _firstUnsent = _replay.Next;
                return;
            }
            for (long seq = Math.Max(_firstUnsent, _replay.First); seq < _replay.Next; seq++)
            {
                Send(connection, _replay[seq], seq);
            }
        }
        connection.Outgoing.Flush();
    }

    /// <summary>The client says, in a heartbeat or a RESUME, that it has everything up to <paramref name="seq"/>.</summary>
    public void Acknowledge(long seq, bool isHeartbeat)
    {
        lock (_gate)
        {
            IsKnown = true;
            LastHeartbeat = isHeartbeat ? seq : LastHeartbeat;
            for (long at = Math.Max(_acknowledgedSeq + 1, _replay.First); at <= Math.Min(seq, Seq); at++)
            {
                if (_replay[at] is { Kind: EventKind.Message } entry)
                {
                    _acknowledged[entry.Stream] = entry.Number;
                }
            }
            _acknowledgedSeq = Math.Max(_acknowledgedSeq, Math.Min(seq, Seq));
        }
    }

    /// <summary>The last message of a stream that the client has said to have; 0 for none.</summary>
    public long Acknowledged(int stream)
    {
        lock (_gate)
        {
            return _acknowledged.GetValueOrDefault(stream);
        }
    }

    /// <summary>Dispatches an event of a test's own making: its name and the bytes of its <c>d</c>.</summary>
    public void DispatchGiven(string name, ReadOnlySpan<byte> data)
    {
        lock (_gate)
        {
            long seq = _replay.Next;
            byte[] head = Encoding.UTF8.GetBytes($"{{\"t\":\"{name}\",\"s\":{seq},\"op\":0,\"d\":");
            _given[seq] = [.. head, .. data, (byte)'}'];
            while (_given.Count > 1000 || (_given.Count > 0 && _given.First().Key < _replay.First))
            {
                _given.Remove(_given.First().Key);
            }
            Dispatch(new ReplayEntry(EventKind.Given, 0, 0));
        }
    }

    public void Flush() => Connection?.Outgoing.Flush();

    /// <summary>Starts the session on the connection that identified: READY, then a GUILD_CREATE for each guild.</summary>
    public void Start(DiscordConnection connection)
    {
        lock (_gate)
        {
            Connection = connection;
            Dispatch(new ReplayEntry(EventKind.Ready, 0, 0));
            if ((Intents & Discord.Intents.Guilds) != 0)
            {
                foreach ((int stream, int index) in Guilds())
                {
                    Dispatch(new ReplayEntry(EventKind.GuildCreate, stream, index));
                }
            }
        }
        connection.Outgoing.Flush();
    }

    /// <summary>Replays what comes after <paramref name="seq"/>, then RESUMED, and attaches; the older connection is displaced.</summary>
    public ResumeVerdict Resume(DiscordConnection connection, long seq)
    {
        DiscordConnection? older;
        lock (_gate)
        {
            if (_isDead)
            {
                return ResumeVerdict.Dead;
            }
            if (seq > Seq)
            {
                return ResumeVerdict.SeqAhead;
            }
            if (seq + 1 < _replay.First)
            {
                return ResumeVerdict.SeqTooOld;
            }
            older = Connection;
            Connection = connection;
            UnansweredResumes = 0;
            long next = _replay.Next;
            for (long at = seq + 1; at < next; at++)
            {
                Send(connection, _replay[at], at);
            }
            Interlocked.Add(ref _server.Statistics.EventsReplayed, next - seq - 1);
            Dispatch(new ReplayEntry(EventKind.Resumed, 0, 0));
        }
        connection.Outgoing.Flush();
        older?.Displaced();
        return ResumeVerdict.Resumed;
    }

    /// <summary>The connection is gone; the session waits for a RESUME.</summary>
    public void Detach(DiscordConnection connection)
    {
        lock (_gate)
        {
            if (Connection == connection)
            {
                Connection = null;
                DetachedAt = Environment.TickCount64;
            }
        }
    }

    /// <summary>False when it was dead already.</summary>
    public bool Kill()
    {
        lock (_gate)
        {
            bool wasAlive = !_isDead;
            _isDead = true;
            return wasAlive;
        }
    }

    public void TrimTo(long seq)
    {
        lock (_gate)
        {
            _replay.TrimTo(seq);
        }
    }

    private void Send(DiscordConnection connection, ReplayEntry entry, long seq)
    {
        Interlocked.Increment(ref _server.Statistics.EventsSent);
        switch (entry.Kind)
        {
            case EventKind.Message:
                if (t_scratch is null || t_scratch.Length < _server.Templates.MaxLength)
                {
                    t_scratch = new byte[_server.Templates.MaxLength];
                }
                int length = _server.Templates.Render(t_scratch, entry.Stream, entry.Number, seq);
                connection.Send(t_scratch.AsSpan(0, length));
                break;
            case EventKind.GuildCreate:
                ArrayBufferWriter<byte> guild = new(16 * 1024);
                _server.GuildText.WriteGuildCreate(guild, entry.Stream, (int)entry.Number, seq);
                connection.Send(guild.WrittenSpan);
                break;
            case EventKind.Ready:
                ArrayBufferWriter<byte> ready = new(1024);
                _server.GuildText.WriteReady(ready, this, _server.ResumeUrl(ShardId), (Intents & Discord.Intents.Guilds) != 0);
                connection.Send(ready.WrittenSpan);
                break;
            case EventKind.Resumed:
                connection.Send(Encoding.UTF8.GetBytes($"{{\"t\":\"RESUMED\",\"s\":{seq},\"op\":0,\"d\":{{\"_trace\":[\"[\\\"gateway-sandbox\\\",{{\\\"micros\\\":0}}]\"]}}}}"));
                break;
            case EventKind.Given when _given.TryGetValue(seq, out byte[]? bytes):
                connection.Send(bytes);
                break;
            default:
                break;
        }
    }
}
