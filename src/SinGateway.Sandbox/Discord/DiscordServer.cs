using System.Collections.Concurrent;
using System.Net.Security;
using SinGateway.Sandbox.Net;

namespace SinGateway.Sandbox.Discord;

/// <summary>A Discord of one bot: REST and gateway on one port, its sessions, and the events that happen in its guilds.</summary>
internal sealed class DiscordServer : IDisposable
{
    /// <summary>Resume URLs lead to the same port, under this path, so that it shows whether they were used.</summary>
    public const string ResumePath = "/resume/";

    private const int ResumesBeforeGivingUp = 3;

    /// <summary>Between two looks for heartbeats that are missing, in ms.</summary>
    private const int SweepPeriod = 1000;

    /// <summary>A look that comes so many ms late means that this process or its machine stood still.</summary>
    private const int StoodStill = 500;

    private readonly ConcurrentDictionary<string, DiscordSession> _sessions = new();
    private readonly ConcurrentDictionary<string, bool> _expired = new();
    private readonly ConcurrentDictionary<DiscordConnection, bool> _connections = new();
    private readonly Listener _listener;
    private readonly Timer _sweep;
    private long _sweptAt;

    public DiscordServer(SandboxOptions options, SslStreamCertificateContext? certificate)
    {
        Options = options;
        Guilds = new GuildCatalogue(options.Shards, options.Guilds);
        Templates = new MessageTemplates(Guilds, options.PayloadBytes, options.Seed);
        GuildText = new GuildText(Guilds, options);
        IdentifyLimits = new IdentifyLimits(options);
        Streams = [.. Enumerable.Range(0, options.Shards).Select(index => new EventStream(index, Guilds))];
        _listener = new Listener(options.GatewayPort, certificate, ServeAsync, () => Faults.Garbage.Take());
        _sweep = new Timer(_ => Sweep());
    }

    public SandboxOptions Options { get; }

    public GuildCatalogue Guilds { get; }

    public MessageTemplates Templates { get; }

    public GuildText GuildText { get; }

    public IdentifyLimits IdentifyLimits { get; }

    public MemberRequests MemberRequests { get; } = new();

    public DiscordFaults Faults { get; } = new();

    public DiscordStatistics Statistics { get; } = new();

    public EventStream[] Streams { get; }

    public ICollection<DiscordConnection> Connections => _connections.Keys;

    public ICollection<DiscordSession> Sessions => _sessions.Values;

    /// <summary>What a client must put before the path: with TLS a name, because certificates of gateways are made out to names.</summary>
    public string Authority => $"{Options.Host}:{_listener.Port}";

    public string GatewayUrl => $"{(Options.Tls ? "wss" : "ws")}://{Authority}";

    public string ApiUrl => $"{(Options.Tls ? "https" : "http")}://{Authority}/api/v10";

    public void Start()
    {
        _listener.Start();
        _sweptAt = Environment.TickCount64;
        _sweep.Change(SweepPeriod, SweepPeriod);
    }

    public void Dispose()
    {
        _sweep.Dispose();
        _listener.Dispose();
        foreach (DiscordConnection connection in Connections)
        {
            connection.Reset();
        }
    }

    public string? ResumeUrl(int shardId) => Options.ResumeUrl switch
    {
        "off" => null,
        "on" => $"{GatewayUrl}{ResumePath}{shardId}",
        string given => given,
    };

    public bool IsToken(string token) => Options.Token is null ? token.Length > 0 : token == Options.Token;

    public DiscordSession CreateSession(int shardId, int shardCount, long intents)
    {
        DiscordSession session = new(this, shardId, shardCount, intents);
        _sessions[session.Id] = session;
        return session;
    }

    /// <summary>
    /// Starts a session, and lets the numbered messages flow to it if it asked for them. Its streams stand still meanwhile: no message may
    /// fall between the moment in which the session is seen to be there and the one in which it gets messages.
    /// </summary>
    public void Start(DiscordSession session, DiscordConnection connection)
    {
        EventStream[] streams = (session.Intents & Intents.GuildMessages) == 0
            ? []
            : [.. session.Guilds().Select(guild => guild.Stream).Distinct().Order().Select(stream => Streams[stream])];
        foreach (EventStream stream in streams)
        {
            stream.Gate.Enter();
        }
        try
        {
            session.Start(connection);
            foreach (EventStream stream in streams)
            {
                stream.Subscribe(session);
            }
        }
        finally
        {
            foreach (EventStream stream in streams)
            {
                stream.Gate.Exit();
            }
        }
    }

    public DiscordSession? Find(string id, out bool isExpired)
    {
        isExpired = _expired.ContainsKey(id);
        return _sessions.GetValueOrDefault(id);
    }

    /// <summary>Ends a session: no RESUME finds it, and no event reaches it.</summary>
    public void Kill(DiscordSession session, string cause)
    {
        _sessions.TryRemove(session.Id, out _);
        if (!session.Kill())
        {
            return;
        }
        DiscordStatistics.Count(Statistics.SessionsEnded, cause);
        foreach (EventStream stream in Streams)
        {
            stream.Unsubscribe(session);
        }
    }

    /// <summary>Ends a session so that a RESUME is answered with 4009.</summary>
    public void Expire(DiscordSession session, string cause)
    {
        _expired[session.Id] = true;
        Kill(session, cause);
    }

    /// <summary>
    /// A shard identifies: what of its older sessions? One that the client cannot know of (its connection was cut before READY was
    /// taken in), or whose RESUMEs went unanswered three times, ends. One that could have been resumed makes the IDENTIFY a needless one.
    /// </summary>
    public void Supersede(int shardId, int shardCount)
    {
        foreach (DiscordSession older in Sessions.Where(session => session.ShardId == shardId && session.ShardCount == shardCount))
        {
            if (older.UnansweredResumes >= ResumesBeforeGivingUp)
            {
                Kill(older, "resumes_unanswered");
            }
            else if (older.IsKnown)
            {
                Interlocked.Increment(ref Statistics.IdentifiesNeedless);
            }
            else if (older.Connection is null)
            {
                Kill(older, "never_known");
            }
        }
    }

    private void Sweep()
    {
        long now = Environment.TickCount64;
        bool stoodStill = now - Interlocked.Exchange(ref _sweptAt, now) > SweepPeriod + StoodStill;
        foreach (DiscordSession session in Sessions)
        {
            if (session.Connection is null && now - session.DetachedAt > Options.ReplaySeconds * 1000L && session.DetachedAt != 0)
            {
                Expire(session, "timed_out");
            }
        }
        foreach (DiscordConnection connection in Connections)
        {
            if (stoodStill)
            {
                // Heartbeats may wait unread, and clients may have stood still with us.
                connection.ForgiveHeartbeat();
            }
            else if (!connection.IsReadingStopped && connection.MissedHeartbeat(now))
            {
                Interlocked.Increment(ref Statistics.HeartbeatTimeouts);
                connection.Close(4000, "heartbeat missed");
            }
        }
    }

    private async Task ServeAsync(Connection connection)
    {
        while (await HttpExchange.ReadAsync(connection).ConfigureAwait(false) is { } exchange)
        {
            if (!exchange.IsUpgrade)
            {
                DiscordRest.Answer(this, exchange);
                continue;
            }
            if (Faults.RefuseUpgrade.Take())
            {
                string retry = Faults.RefuseUpgradeRetryAfter > 0 ? $"Retry-After: {Faults.RefuseUpgradeRetryAfter}\r\n" : "";
                exchange.Answer(Faults.RefuseUpgradeStatus, default, $"{retry}Connection: close\r\n");
                await connection.FinishAsync().ConfigureAwait(false);
                return;
            }
            await ServeGatewayAsync(connection, exchange).ConfigureAwait(false);
            return;
        }
    }

    private async Task ServeGatewayAsync(Connection connection, HttpExchange exchange)
    {
        if (exchange.AcceptWebSocket() is { } wrong)
        {
            Interlocked.Increment(ref Statistics.ProtocolErrors);
            Statistics.Violation($"upgrade: {wrong}");
            await connection.FinishAsync().ConfigureAwait(false);
            return;
        }
        Interlocked.Increment(ref Statistics.ConnectionsTotal);
        DiscordConnection gateway = new(this, connection, exchange);
        if (exchange.Query("v") != "10")
        {
            gateway.Close(4012, "Invalid API version.");
        }
        else if (exchange.Query("encoding") is not "json" || !TransportCompression.IsKnown(exchange.Query("compress")))
        {
            Statistics.Violation($"upgrade: encoding {exchange.Query("encoding")}, compress {exchange.Query("compress")}");
            gateway.Close(4002, "encoding or compress");
        }
        _connections[gateway] = true;
        try
        {
            await gateway.RunAsync().ConfigureAwait(false);
        }
        finally
        {
            _connections.TryRemove(gateway, out _);
        }
    }
}
