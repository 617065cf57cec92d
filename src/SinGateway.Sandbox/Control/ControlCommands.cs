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

    public ControlCommands(DiscordServer discord, SingyeongServer singyeong, Ledger ledger, EventLoad load)
    {
        _discord = discord;
        _singyeong = singyeong;
        _ledger = ledger;
        _load = load;
        _statistics = new StatisticsWriter(discord, singyeong, ledger, load);
        DiscordFaults faults = discord.Faults;
        Table = new(StringComparer.Ordinal)
        {
            ["GET /stats"] = Read(_ => _statistics.Write()),
            ["GET /ledger/missing"] = Read(x => StatisticsWriter.WriteRanges(_ledger.Missing(Stream(x).Index, Int(x, "rule", 0), Int(x, "limit", 20)))),
            ["GET /discord/commands"] = Read(_ => StatisticsWriter.WriteCommands(discord.Statistics.Commands)),
            ["POST /ledger/reset"] = Act(_ => _ledger.Reset()),

            ["POST /discord/drop"] = OnShards((_, connection) => connection.Reset()),
            ["POST /discord/disconnect-all"] = OnShards((_, connection) => connection.Reset(), onlyIdentified: false),
            ["POST /discord/close"] = OnShards((x, connection) => connection.Close(Int(x, "code", 4000), x.Query("reason") ?? "")),
            ["POST /discord/op7"] = OnShards((_, connection) => connection.SendNow("{\"t\":null,\"s\":null,\"op\":7,\"d\":null}"u8)),
            ["POST /discord/op9"] = OnShards(InvalidateSession),
            ["POST /discord/heartbeat-request"] = OnShards((_, connection) => connection.SendNow("{\"t\":null,\"s\":null,\"op\":1,\"d\":null}"u8)),
            ["POST /discord/stall-acks"] = OnShards((x, connection) => connection.StallAcks = On(x)),
            ["POST /discord/stop-reading"] = OnShards((x, connection) => connection.StopReading(On(x))),
            ["POST /discord/corrupt"] = OnShards((_, connection) => connection.SendCorrupt()),
            ["POST /discord/send-raw"] = OnShards((x, connection) => connection.SendNow(x.Body)),
            ["POST /discord/dispatch"] = OnSessions(DispatchGiven),
            ["POST /discord/kill-session"] = OnSessions((_, session) => _discord.Kill(session)),
            ["POST /discord/expire-session"] = OnSessions((_, session) => _discord.Expire(session)),

            ["POST /discord/burst"] = BurstAsync,
            ["POST /discord/rate"] = Act(x => _load.Rate = Int(x, "events", 0)),

            ["POST /discord/refuse-resume"] = Act(x => Script(x, faults.RefuseResume, () => faults.RefuseResumeCode = Int(x, "code", 0))),
            ["POST /discord/refuse-identify"] = Act(x => Script(x, faults.RefuseIdentify, () => faults.RefuseIdentifyCode = Int(x, "code", 0))),
            ["POST /discord/refuse-upgrade"] = Act(x => Script(x, faults.RefuseUpgrade, () => faults.RefuseUpgradeStatus = Int(x, "status", 503))),
            ["POST /discord/reconnect-before-hello"] = Act(x => Script(x, faults.ReconnectBeforeHello)),
            ["POST /discord/rest"] = Act(ScriptRest),
            ["POST /discord/hello-delay"] = Act(x => faults.HelloDelay = Int(x, "ms", 0)),
            ["POST /discord/fragment"] = Act(x => (faults.FragmentBytes, faults.FragmentEndsEmpty) = (Int(x, "bytes", 0), On(x, "empty", false))),

            ["POST /singyeong/stop"] = Act(_ => _singyeong.Stop()),
            ["POST /singyeong/start"] = Act(_ => _singyeong.Start()),
            ["POST /singyeong/drop"] = OnClients((_, connection) => connection.Reset()),
            ["POST /singyeong/close"] = OnClients((x, connection) => connection.Close(Int(x, "code", 1000))),
            ["POST /singyeong/goodbye"] = OnClients((_, connection) => connection.Goodbye()),
            ["POST /singyeong/stop-reading"] = OnClients((x, connection) => connection.StopReading(On(x))),
            ["POST /singyeong/rate"] = Act(x => _singyeong.Throttle.Rate = Int(x, "messages", 0)),
            ["POST /singyeong/sink"] = Act(x => _singyeong.OpenSink(On(x))),
        };
    }

    /// <summary>Method and path, and what they do.</summary>
    public SortedDictionary<string, Func<HttpExchange, Task<byte[]>>> Table { get; }

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
            _discord.Kill(session);
        }
        connection.SendNow(isResumable ? "{\"t\":null,\"s\":null,\"op\":9,\"d\":true}"u8 : "{\"t\":null,\"s\":null,\"op\":9,\"d\":false}"u8);
    }

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

    private void ScriptRest(HttpExchange exchange) => Script(exchange, _discord.Faults.Rest, () =>
    {
        _discord.Faults.RestStatus = Int(exchange, "status", 429);
        _discord.Faults.RestRetryAfter = double.Parse(exchange.Query("retry_after") ?? "0", CultureInfo.InvariantCulture);
        _discord.Faults.RestHtml = On(exchange, "html", false);
    });

    private static void Script(HttpExchange exchange, Countdown countdown, Action? configure = null)
    {
        configure?.Invoke();
        countdown.Set(Int(exchange, "count", 1));
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
