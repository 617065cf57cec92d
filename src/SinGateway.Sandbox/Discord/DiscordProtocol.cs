using System.Globalization;
using System.Text;
using System.Text.Json;
using SinGateway.Sandbox.Net;

namespace SinGateway.Sandbox.Discord;

/// <summary>
/// What Discord's gateway does with a client's payloads: https://docs.discord.com/developers/events/gateway and, for the codes,
/// https://docs.discord.com/developers/topics/opcodes-and-status-codes. Runs on the connection's reading loop, and answers that were
/// withheld on the thread of whoever releases them: one lock keeps these apart, taken before all others.
/// </summary>
internal sealed class DiscordProtocol(DiscordServer server, DiscordConnection connection)
{
    private const int InvalidSession = 9;
    private const int MaxPayload = 4096;
    private const int SendLimit = 120;
    private const long SendWindow = 60_000;
    private const int PresenceLimit = 5;
    private const long PresenceWindow = 20_000;

    private readonly Lock _gate = new();
    private readonly SlidingWindow _sends = new(SendLimit, SendWindow);
    private readonly SlidingWindow _presences = new(PresenceLimit, PresenceWindow);
    private long _lastHeartbeat;
    private bool _hasEnded;
    private bool _withholdsReady;

    public DiscordSession? Session { get; private set; }

    public bool MissedHeartbeat(long now) =>
        _lastHeartbeat != 0 && now - _lastHeartbeat > server.Options.HeartbeatInterval * 3L / 2 + 1000;

    /// <summary>The time for the next heartbeat begins now, if it has begun at all: HELLO begins it.</summary>
    public void ForgiveHeartbeat() => _lastHeartbeat = _lastHeartbeat == 0 ? 0 : Environment.TickCount64;

    public void Start()
    {
        _lastHeartbeat = Environment.TickCount64;
        connection.SendNow(Encoding.UTF8.GetBytes(
            $"{{\"t\":null,\"s\":null,\"op\":10,\"d\":{{\"heartbeat_interval\":{server.Options.HeartbeatInterval},\"_trace\":[\"[\\\"gateway-sandbox\\\",{{\\\"micros\\\":0.0}}]\"]}}}}"));
    }

    /// <summary>The connection is gone; the session waits for a RESUME.</summary>
    public void End()
    {
        lock (_gate)
        {
            _hasEnded = true;
            Session?.Detach(connection);
            if (_withholdsReady)
            {
                Interlocked.Increment(ref server.Statistics.IdentifiesUnanswered);
            }
        }
    }

    public void Receive(WebSocketMessage message)
    {
        if (!_sends.TryAdd(Environment.TickCount64))
        {
            Interlocked.Increment(ref server.Statistics.SendLimitViolations);
            Refuse(4008, $"more than {SendLimit} sends in 60 s");
            return;
        }
        if (message.Payload.Length > MaxPayload)
        {
            Refuse(4002, $"a payload of {message.Payload.Length} bytes");
            return;
        }
        try
        {
            using JsonDocument document = JsonDocument.Parse(message.Payload.ToArray());
            lock (_gate)
            {
                Receive(document.RootElement);
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            Refuse(4002, $"not decodable: {Encoding.UTF8.GetString(message.Payload)}");
        }
    }

    private void Receive(JsonElement payload)
    {
        int op = payload.GetProperty("op"u8).GetInt32();
        JsonElement data = payload.GetProperty("d"u8);
        DiscordStatistics.Count(server.Statistics.Received, op);
        switch (op)
        {
            case 1:
                Heartbeat(data);
                break;
            case 2 when Session is not null:
                Refuse(4005, "a second IDENTIFY");
                break;
            case 2:
                Identify(data);
                break;
            case 6 when Session is not null:
                Refuse(4005, "RESUME in a running session");
                break;
            case 6:
                Resume(data);
                break;
            case 3 or 4 or 8 or 31 or 43 when Session is null:
                Refuse(4003, $"op {op} before IDENTIFY");
                break;
            case 3 or 4 or 8 or 31 or 43:
                Command(op, payload, data);
                break;
            default:
                Refuse(4001, $"op {op}");
                break;
        }
    }

    private void Heartbeat(JsonElement data)
    {
        Interlocked.Increment(ref server.Statistics.Heartbeats);
        _lastHeartbeat = Environment.TickCount64;
        if (data.ValueKind != JsonValueKind.Null && Session is { } session)
        {
            long seq = data.GetInt64();
            session.Acknowledge(seq, isHeartbeat: true);
            if (seq > session.Seq)
            {
                Interlocked.Increment(ref server.Statistics.HeartbeatsAhead);
                server.Statistics.Violation($"shard {session.ShardId}: heartbeat with seq {seq}, sent were {session.Seq}");
            }
            else if (server.Options.TrimAtHeartbeat)
            {
                session.TrimTo(seq);
            }
        }
        if (!connection.StallAcks)
        {
            connection.SendNow("{\"t\":null,\"s\":null,\"op\":11,\"d\":null}"u8);
        }
    }

    private void Identify(JsonElement data)
    {
        Interlocked.Increment(ref server.Statistics.Identifies);
        (int shardId, int shardCount) = (0, 1);
        string token = data.GetProperty("token"u8).GetString() ?? "";
        JsonElement properties = data.GetProperty("properties"u8);
        if (properties.ValueKind != JsonValueKind.Object)
        {
            throw new JsonException();
        }
        if (data.TryGetProperty("shard"u8, out JsonElement shard))
        {
            (shardId, shardCount) = shard.GetArrayLength() == 2 ? (shard[0].GetInt32(), shard[1].GetInt32()) : (0, 0);
        }
        DiscordStatistics.Count(server.Statistics.IdentifiesOfShard, shardId);
        bool hasIntents = data.TryGetProperty("intents"u8, out JsonElement intentsGiven);
        long intents = hasIntents && intentsGiven.TryGetInt64(out long bits) ? bits : -1;
        if (!server.IsToken(token.StartsWith("Bot ", StringComparison.Ordinal) ? token[4..] : token))
        {
            RefuseIdentify(4004, "token");
        }
        else if (shardCount < 1 || shardId < 0 || shardId >= shardCount)
        {
            RefuseIdentify(4010, "shard");
        }
        else if (intents < 0 || (intents & ~Intents.Documented) != 0)
        {
            RefuseIdentify(4013, "intents");
        }
        else if ((intents & server.Options.DisallowedIntents) != 0)
        {
            RefuseIdentify(4014, "disallowed_intents");
        }
        else if (MayIdentify(shardId))
        {
            server.Supersede(shardId, shardCount);
            if (server.Faults.RefuseIdentify.Take(shardId))
            {
                RefuseIdentify(server.Faults.RefuseIdentifyCode, "scripted");
            }
            else if (server.Faults.Ready.Take(shardId) is { } released)
            {
                _withholdsReady = true;
                _ = AnswerLaterAsync(released, () => StartSession(shardId, shardCount, intents));
            }
            else
            {
                StartSession(shardId, shardCount, intents);
            }
        }
    }

    private void StartSession(int shardId, int shardCount, long intents)
    {
        _withholdsReady = false;
        Session = server.CreateSession(shardId, shardCount, intents);
        server.Start(Session, connection);
    }

    // Answers when it is released, if somebody is still there to hear it.
    private async Task AnswerLaterAsync(Task released, Action answer)
    {
        await released.ConfigureAwait(false);
        lock (_gate)
        {
            if (!_hasEnded)
            {
                answer();
            }
        }
    }

    // Counts it against both limits; answers, and returns false, when one is exceeded.
    private bool MayIdentify(int shardId)
    {
        switch (server.IdentifyLimits.Take(shardId, out long sinceLast))
        {
            case IdentifyVerdict.TooSoon:
                Interlocked.Increment(ref server.Statistics.PacingViolations);
                server.Statistics.Violation($"shard {shardId}: IDENTIFY {sinceLast} ms after the last one of its bucket");
                RefuseIdentify(0, "pacing");
                return false;
            case IdentifyVerdict.OverBudget:
                Interlocked.Increment(ref server.Statistics.BudgetViolations);
                server.Statistics.Violation($"shard {shardId}: IDENTIFY beyond session_start_limit");
                RefuseIdentify(4004, "budget");
                return false;
            default:
                return true;
        }
    }

    private void Resume(JsonElement data)
    {
        Interlocked.Increment(ref connection.Path.StartsWith(DiscordServer.ResumePath, StringComparison.Ordinal)
            ? ref server.Statistics.ResumesOnResumeUrl
            : ref server.Statistics.ResumesOnBaseUrl);
        string token = data.GetProperty("token"u8).GetString() ?? "";
        string id = data.GetProperty("session_id"u8).GetString() ?? "";
        long seq = data.GetProperty("seq"u8).GetInt64();
        DiscordSession? session = server.Find(id, out bool isExpired);
        if (!server.IsToken(token))
        {
            RefuseResume(4004, "token");
        }
        else if (server.Faults.RefuseResume.Take(session?.ShardId))
        {
            if (session is not null)
            {
                session.Acknowledge(seq, isHeartbeat: false);
                server.Kill(session, "resume_refused");
            }
            RefuseResume(server.Faults.RefuseResumeCode, "scripted");
        }
        else if (session is null)
        {
            RefuseResume(isExpired ? 4009 : 0, isExpired ? "expired" : "unknown_session");
        }
        else
        {
            session.Acknowledge(seq, isHeartbeat: false);
            if (server.Faults.Resumed.Take(session.ShardId) is { } released)
            {
                session.UnansweredResumes++;
                _ = AnswerLaterAsync(released, () => Resume(session, seq));
            }
            else
            {
                Resume(session, seq);
            }
        }
    }

    private void Resume(DiscordSession session, long seq)
    {
        Session = session;
        ResumeVerdict verdict = session.Resume(connection, seq);
        if (verdict == ResumeVerdict.Resumed)
        {
            Interlocked.Increment(ref server.Statistics.ResumesOk);
            return;
        }
        string reason = verdict switch { ResumeVerdict.SeqAhead => "seq_ahead", ResumeVerdict.SeqTooOld => "seq_too_old", _ => "unknown_session" };
        Session = null;
        server.Kill(session, reason);
        RefuseResume(verdict == ResumeVerdict.SeqAhead ? 4007 : 0, reason);
    }

    private void Command(int op, JsonElement payload, JsonElement data)
    {
        DiscordSession session = Session!;
        server.Statistics.Commands.Enqueue((session.ShardId, Encoding.UTF8.GetBytes(payload.GetRawText())));
        while (server.Statistics.Commands.Count > 100)
        {
            server.Statistics.Commands.TryDequeue(out _);
        }
        if (op == 3 && !_presences.TryAdd(Environment.TickCount64))
        {
            Interlocked.Increment(ref server.Statistics.PresenceLimitViolations);
            server.Statistics.Violation($"shard {session.ShardId}: more than {PresenceLimit} presence updates in 20 s");
        }
        if (op == 8)
        {
            string guild = data.GetProperty("guild_id"u8).ToString();
            string nonce = data.TryGetProperty("nonce"u8, out JsonElement given) ? $",\"nonce\":{given.GetRawText()}" : "";
            bool wantsAll = data.TryGetProperty("query"u8, out JsonElement query) && query.GetString() is "";
            if (wantsAll && server.MemberRequests.Take(guild) is var wait && wait > TimeSpan.Zero)
            {
                Interlocked.Increment(ref server.Statistics.MemberRequestsLimited);
                string seconds = wait.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture);
                session.DispatchGiven("RATE_LIMITED", Encoding.UTF8.GetBytes(
                    $"{{\"opcode\":8,\"retry_after\":{seconds},\"meta\":{{\"guild_id\":\"{guild}\"{nonce}}}}}"));
                session.Flush();
                return;
            }
            session.DispatchGiven("GUILD_MEMBERS_CHUNK", Encoding.UTF8.GetBytes(
                $"{{\"guild_id\":\"{guild}\",\"members\":[],\"chunk_index\":0,\"chunk_count\":1{nonce}}}"));
            session.Flush();
        }
    }

    private void RefuseIdentify(int code, string reason)
    {
        DiscordStatistics.Count(server.Statistics.IdentifiesRefused, reason);
        InvalidSessionOrClose(code, reason);
    }

    private void RefuseResume(int code, string reason)
    {
        DiscordStatistics.Count(server.Statistics.ResumesRefused, reason);
        DiscordStatistics.Count(server.Statistics.ResumesRefusedWith, code == 0 ? InvalidSession : code);
        InvalidSessionOrClose(code, reason);
    }

    private void InvalidSessionOrClose(int code, string reason)
    {
        if (code == 0)
        {
            connection.SendNow("{\"t\":null,\"s\":null,\"op\":9,\"d\":false}"u8);
        }
        else
        {
            connection.Close(code, reason);
        }
    }

    // For what only a faulty client does: noted, said, and closed.
    private void Refuse(int code, string what)
    {
        server.Statistics.Violation($"shard {Session?.ShardId}: {what}");
        connection.Close(code, "");
    }
}
