using System.Globalization;
using System.Text;
using SinGateway.Sandbox.Discord;
using SinGateway.Sandbox.Net;
using SinGateway.Sandbox.Singyeong;
using SinGateway.Sandbox.Verification;

namespace SinGateway.Sandbox.Control;

/// <summary>
/// What the control API can do. <c>shard</c> is a number or <c>all</c> (the default); commands on shards answer how many connections they
/// hit, <c>{"affected":1}</c>. Commands on 신경 take <c>application</c> to spare the other clients.
/// </summary>
internal sealed class ControlCommands
{
    private readonly DiscordServer _discord;
    private readonly SingyeongServer _singyeong;
    private readonly Ledger _ledger;
    private readonly EventLoad _load;
    private readonly StatisticsWriter _statistics;
    private readonly List<string> _help = [];

    public ControlCommands(DiscordServer discord, SingyeongServer singyeong, Ledger ledger, EventLoad load)
    {
        _discord = discord;
        _singyeong = singyeong;
        _ledger = ledger;
        _load = load;
        _statistics = new StatisticsWriter(discord, singyeong, ledger, load);
        DiscordFaults faults = discord.Faults;
        Add("GET", "/stats", "", "all that was seen and counted", Read(_ => _statistics.Write()));
        Add("GET", "/help", "", "this list", Read(_ => Encoding.UTF8.GetBytes(Help)));
        Add("GET", "/ledger/missing", "shard rule limit", "ranges of message numbers that have not arrived and could have",
            Read(x => StatisticsWriter.WriteRanges(_ledger.Missing(Stream(x).Index, Int(x, "rule", 0), Int(x, "limit", 20)))));
        Add("GET", "/discord/commands", "", "the last gateway commands received",
            Read(_ => StatisticsWriter.WriteCommands(discord.Statistics.Commands)));
        Add("POST", "/ledger/reset", "", "counts anew", Act(_ => _ledger.Reset()));

        Add("POST", "/discord/drop", "shard count", "TCP reset", OnShards((_, connection) => connection.Reset()));
        Add("POST", "/discord/fin", "shard count", "FIN without a close frame", OnShards((_, connection) => connection.Finish()));
        Add("POST", "/discord/disconnect-all", "", "TCP reset, also of connections without a session",
            OnShards((_, connection) => connection.Reset(), onlyIdentified: false));
        Add("POST", "/discord/close", "shard count code reason ends", "close frame; codes after which Discord resumes no session (4001, 4003, "
            + "4005-4007, 4009) end it, unless ends=false", OnShards(CloseConnection));
        Add("POST", "/discord/op7", "shard count", "asks to reconnect", OnShards((_, connection) => connection.SendNow(OpcodeOnly(7))));
        Add("POST", "/discord/op9", "shard count resumable", "invalid session; false ends it", OnShards(InvalidateSession));
        Add("POST", "/discord/heartbeat-request", "shard count", "opcode 1", OnShards((_, connection) => connection.SendNow(OpcodeOnly(1))));
        Add("POST", "/discord/stall-acks", "shard count on", "heartbeats are not acknowledged",
            OnShards((x, connection) => connection.StallAcks = On(x)));
        Add("POST", "/discord/deaf", "shard count on", "events are kept for the next connection while all else goes on; off sends them on this one",
            OnShards((x, connection) => connection.Session?.SetDeaf(connection, On(x))));
        Add("POST", "/discord/stop-reading", "shard count on", "nothing is read", OnShards((x, connection) => connection.StopReading(On(x))));
        Add("POST", "/discord/corrupt", "shard count", "a message that cannot be inflated", OnShards((_, connection) => connection.SendCorrupt()));
        Add("POST", "/discord/send-raw", "shard count", "the body as one message", OnShards((x, connection) => connection.SendNow(x.Body)));
        Add("POST", "/discord/dispatch", "shard event", "an event whose d is the body", OnSessions(DispatchGiven));
        Add("POST", "/discord/kill-session", "shard", "forgets the session in silence", OnSessions((_, session) => _discord.Kill(session, "killed")));
        Add("POST", "/discord/expire-session", "shard", "the same; a RESUME gets 4009",
            OnSessions((_, session) => _discord.Expire(session, "expired")));

        Add("POST", "/discord/burst", "shard events wait", "so many messages on each shard at once", BurstAsync);
        Add("POST", "/discord/rate", "events", "messages a second over all shards", Act(x => _load.Rate = Int(x, "events", 0)));

        Add("POST", "/discord/refuse-resume", "count shard code", "opcode 9 false, or a close code; the session ends",
            Act(x => Script(x, faults.RefuseResume, () => faults.RefuseResumeCode = Int(x, "code", 0))));
        Add("POST", "/discord/refuse-identify", "count shard code", "opcode 9 false, or a close code",
            Act(x => Script(x, faults.RefuseIdentify, () => faults.RefuseIdentifyCode = Int(x, "code", 0))));
        Add("POST", "/discord/refuse-upgrade", "count status retry_after", "an HTTP status in place of 101", Act(RefuseUpgrades));
        Add("POST", "/discord/garbage", "count", "bytes that are neither TLS nor HTTP in place of a handshake", Act(x => Script(x, faults.Garbage)));
        Add("POST", "/discord/reconnect-before-hello", "count", "opcode 7 in place of HELLO", Act(x => Script(x, faults.ReconnectBeforeHello)));
        Add("POST", "/discord/rest", "count status retry_after html", "REST answers so", Act(ScriptRest));
        Add("POST", "/discord/hello-delay", "ms", "HELLO comes late", Act(x => faults.HelloDelay = Int(x, "ms", 0)));
        Add("POST", "/discord/hold-hello", "count", "no HELLO until the release", Act(x => Script(x, faults.Hello.Countdown)));
        Add("POST", "/discord/hold-ready", "count shard", "no answer to IDENTIFY until the release", Act(x => Script(x, faults.Ready.Countdown)));
        Add("POST", "/discord/hold-resumed", "count shard", "no answer to RESUME until the release", Act(x => Script(x, faults.Resumed.Countdown)));
        Add("POST", "/discord/release", "", "ends all holds; what they withheld comes now", Act(_ => ReleaseHolds(faults)));
        Add("POST", "/discord/fragment", "bytes empty", "messages come in frames of so many bytes",
            Act(x => (faults.FragmentBytes, faults.FragmentEndsEmpty) = (Int(x, "bytes", 0), On(x, "empty", false))));

        Add("POST", "/singyeong/stop", "", "drops everybody and listens no more", Act(_ => _singyeong.Stop()));
        Add("POST", "/singyeong/start", "", "listens again", Act(_ => _singyeong.Start()));
        Add("POST", "/singyeong/drop", "application", "TCP reset", OnClients((_, connection) => connection.Reset()));
        Add("POST", "/singyeong/close", "application code", "close frame", OnClients((x, connection) => connection.Close(Int(x, "code", 1000))));
        Add("POST", "/singyeong/goodbye", "application", "opcode 7", OnClients((_, connection) => connection.Goodbye()));
        Add("POST", "/singyeong/stop-reading", "application on", "nothing is read", OnClients((x, connection) => connection.StopReading(On(x))));
        Add("POST", "/singyeong/rate", "messages", "messages a second that are processed; 0: no limit",
            Act(x => _singyeong.Throttle.Rate = Int(x, "messages", 0)));
        Add("POST", "/singyeong/poison", "shard number on", "closes with 1011 at this message, as the real server does when it fails on one",
            Act(SetPoison));
        Add("POST", "/singyeong/sink", "on", "the sink's application is there", Act(x => _singyeong.OpenSink(On(x))));
    }

    /// <summary>Method and path, and what they do.</summary>
    public SortedDictionary<string, Func<HttpExchange, Task<byte[]>>> Table { get; } = new(StringComparer.Ordinal);

    /// <summary>The list for people: a line for each command, with its parameters.</summary>
    private string Help => string.Join('\n', _help.Order(StringComparer.Ordinal)) + "\n";

    private void Add(string method, string path, string parameters, string what, Func<HttpExchange, Task<byte[]>> command)
    {
        Table.Add($"{method} {path}", command);
        _help.Add($"{method,-4} {path}{(parameters.Length > 0 ? $"?{parameters.Replace(" ", "=&")}=" : "")}: {what}");
    }

    private static Func<HttpExchange, Task<byte[]>> Read(Func<HttpExchange, byte[]> read) => exchange => Task.FromResult(read(exchange));

    private static Func<HttpExchange, Task<byte[]>> Act(Action<HttpExchange> act) => exchange =>
    {
        act(exchange);
        return Task.FromResult("{}"u8.ToArray());
    };

    private Func<HttpExchange, Task<byte[]>> OnShards(Action<HttpExchange, DiscordConnection> act, bool onlyIdentified = true) => exchange =>
    {
        int? shard = Shard(exchange);
        int left = Int(exchange, "count", int.MaxValue);
        int affected = 0;
        foreach (DiscordConnection connection in _discord.Connections.OrderBy(connection => connection.Session?.ShardId))
        {
            DiscordSession? session = connection.Session;
            if ((session is null ? onlyIdentified : shard is { } wanted && session.ShardId != wanted) || affected == left)
            {
                continue;
            }
            act(exchange, connection);
            affected++;
        }
        return Task.FromResult(Encoding.ASCII.GetBytes($"{{\"affected\":{affected}}}"));
    };

    private Func<HttpExchange, Task<byte[]>> OnSessions(Action<HttpExchange, DiscordSession> act) => exchange =>
    {
        int? shard = Shard(exchange);
        DiscordSession[] sessions = [.. _discord.Sessions.Where(session => shard is null || session.ShardId == shard)];
        Array.ForEach(sessions, session => act(exchange, session));
        return Task.FromResult(Encoding.ASCII.GetBytes($"{{\"affected\":{sessions.Length}}}"));
    };

    private Func<HttpExchange, Task<byte[]>> OnClients(Action<HttpExchange, SingyeongConnection> act) => exchange =>
    {
        string? application = exchange.Query("application");
        SingyeongConnection[] connections =
            [.. _singyeong.Connections.Where(connection => application is null || connection.Client?.Application == application)];
        Array.ForEach(connections, connection => act(exchange, connection));
        return Task.FromResult(Encoding.ASCII.GetBytes($"{{\"affected\":{connections.Length}}}"));
    };

    // Not resumable is what it says: the session is gone.
    private void InvalidateSession(HttpExchange exchange, DiscordConnection connection)
    {
        bool isResumable = On(exchange, "resumable", false);
        if (!isResumable && connection.Session is { } session)
        {
            _discord.Kill(session, "op9");
        }
        connection.SendNow(isResumable ? "{\"t\":null,\"s\":null,\"op\":9,\"d\":true}"u8 : "{\"t\":null,\"s\":null,\"op\":9,\"d\":false}"u8);
    }

    private void CloseConnection(HttpExchange exchange, DiscordConnection connection)
    {
        int code = Int(exchange, "code", 4000);
        if (connection.Session is { } session && On(exchange, "ends", code is 4001 or 4003 or (>= 4005 and <= 4007) or 4009))
        {
            _discord.Kill(session, $"close_{code}");
        }
        connection.Close(code, exchange.Query("reason") ?? "");
    }

    private void RefuseUpgrades(HttpExchange exchange) => Script(exchange, _discord.Faults.RefuseUpgrade, () =>
    {
        _discord.Faults.RefuseUpgradeStatus = Int(exchange, "status", 503);
        _discord.Faults.RefuseUpgradeRetryAfter = Int(exchange, "retry_after", 0);
    });

    private static void ReleaseHolds(DiscordFaults faults)
    {
        faults.Hello.Release();
        faults.Ready.Release();
        faults.Resumed.Release();
    }

    private static byte[] OpcodeOnly(int op) => Encoding.ASCII.GetBytes($"{{\"t\":null,\"s\":null,\"op\":{op},\"d\":null}}");

    private static void DispatchGiven(HttpExchange exchange, DiscordSession session)
    {
        session.DispatchGiven(exchange.Query("event") ?? "SANDBOX_EVENT", exchange.Body.Length == 0 ? "{}"u8 : exchange.Body);
        session.Flush();
    }

    private async Task<byte[]> BurstAsync(HttpExchange exchange)
    {
        EventStream[] streams = Shard(exchange) is null ? _discord.Streams : [Stream(exchange)];
        BurstReport report = await _load.BurstAsync(streams, Int(exchange, "events", 1000), On(exchange, "wait", true)).ConfigureAwait(false);
        return Encoding.ASCII.GetBytes(
            $"{{\"events\":{report.Events},\"bytes\":{report.Bytes},\"prepare_us\":{report.PrepareMicroseconds},"
            + $"\"released_at_us\":{report.ReleasedAt},\"write_us\":{report.WriteMicroseconds}}}");
    }

    private void SetPoison(HttpExchange exchange)
    {
        (int, long) message = (Stream(exchange).Index, Int(exchange, "number", 1));
        if (On(exchange))
        {
            _singyeong.Poison[message] = true;
        }
        else
        {
            _singyeong.Poison.TryRemove(message, out _);
        }
    }

    private void ScriptRest(HttpExchange exchange) => Script(exchange, _discord.Faults.Rest, () =>
    {
        _discord.Faults.RestStatus = Int(exchange, "status", 429);
        _discord.Faults.RestRetryAfter = double.Parse(exchange.Query("retry_after") ?? "0", CultureInfo.InvariantCulture);
        _discord.Faults.RestHtml = On(exchange, "html", false);
    });

    private static void Script(HttpExchange exchange, Countdown countdown, Action? configure = null)
    {
        configure?.Invoke();
        countdown.Set(Int(exchange, "count", 1), Shard(exchange));
    }

    private EventStream Stream(HttpExchange exchange)
    {
        int shard = Shard(exchange) ?? 0;
        return shard < _discord.Streams.Length ? _discord.Streams[shard] : throw new FormatException($"there is no shard {shard}");
    }

    private static int? Shard(HttpExchange exchange) => exchange.Query("shard") is null or "all" ? null : Int(exchange, "shard", 0);

    private static int Int(HttpExchange exchange, string name, int fallback) =>
        exchange.Query(name) is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : fallback;

    private static bool On(HttpExchange exchange, string name = "on", bool fallback = true) =>
        exchange.Query(name) is { } given ? given is "true" or "1" or "on" or "" : fallback;
}
