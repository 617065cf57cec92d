using System.Buffers;
using System.Text.Json;
using SinGateway.Sandbox.Discord;
using SinGateway.Sandbox.Singyeong;
using SinGateway.Sandbox.Verification;

namespace SinGateway.Sandbox.Control;

/// <summary>Writes everything that the sandbox knows as one JSON document. Times are µs of <see cref="Clock"/>.</summary>
internal sealed class StatisticsWriter(DiscordServer discord, SingyeongServer singyeong, Ledger ledger, EventLoad load)
{
    public byte[] Write()
    {
        ArrayBufferWriter<byte> output = new(16 * 1024);
        using (Utf8JsonWriter json = new(output))
        {
            json.WriteStartObject();
            json.WriteNumber("clock_us"u8, Clock.Microseconds);
            WriteDiscord(json);
            WriteSingyeong(json);
            WriteLedger(json);
            json.WriteEndObject();
        }
        return output.WrittenSpan.ToArray();
    }

    public static byte[] WriteRanges(List<(long First, long Last)> ranges)
    {
        ArrayBufferWriter<byte> output = new();
        using (Utf8JsonWriter json = new(output))
        {
            json.WriteStartArray();
            foreach ((long first, long last) in ranges)
            {
                json.WriteStartArray();
                json.WriteNumberValue(first);
                json.WriteNumberValue(last);
                json.WriteEndArray();
            }
            json.WriteEndArray();
        }
        return output.WrittenSpan.ToArray();
    }

    public static byte[] WriteCommands(IEnumerable<(int Shard, byte[] Payload)> commands)
    {
        ArrayBufferWriter<byte> output = new();
        using (Utf8JsonWriter json = new(output))
        {
            json.WriteStartArray();
            foreach ((int shard, byte[] payload) in commands)
            {
                json.WriteStartObject();
                json.WriteNumber("shard"u8, shard);
                json.WritePropertyName("payload"u8);
                json.WriteRawValue(payload);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        return output.WrittenSpan.ToArray();
    }

    private void WriteDiscord(Utf8JsonWriter json)
    {
        DiscordStatistics statistics = discord.Statistics;
        json.WriteStartObject("discord"u8);
        json.WriteNumber("connections"u8, discord.Connections.Count);
        json.WriteNumber("connections_total"u8, statistics.ConnectionsTotal);
        json.WriteNumber("sessions"u8, discord.Sessions.Count);
        json.WriteNumber("rate"u8, load.Rate);
        json.WriteNumber("identifies"u8, statistics.Identifies);
        json.WriteNumber("session_starts_remaining"u8, discord.IdentifyLimits.Remaining);
        WriteCounters(json, "identifies_refused_by_reason", statistics.IdentifiesRefused);
        WriteCounters(json, "identifies_by_shard", statistics.IdentifiesOfShard);
        json.WriteNumber("identifies_needless"u8, statistics.IdentifiesNeedless);
        json.WriteNumber("identifies_unanswered"u8, statistics.IdentifiesUnanswered);
        WriteCounters(json, "sessions_ended", statistics.SessionsEnded);
        json.WriteNumber("resumes_ok"u8, statistics.ResumesOk);
        json.WriteNumber("resumes_refused"u8, statistics.ResumesRefused.Values.Sum());
        WriteCounters(json, "refused_by_reason", statistics.ResumesRefused);
        WriteCounters(json, "refused_by_code", statistics.ResumesRefusedWith);
        json.WriteNumber("resumes_on_resume_url"u8, statistics.ResumesOnResumeUrl);
        json.WriteNumber("resumes_on_base_url"u8, statistics.ResumesOnBaseUrl);
        json.WriteNumber("pacing_violations"u8, statistics.PacingViolations);
        json.WriteNumber("budget_violations"u8, statistics.BudgetViolations);
        json.WriteNumber("send_limit_violations"u8, statistics.SendLimitViolations);
        json.WriteNumber("presence_limit_violations"u8, statistics.PresenceLimitViolations);
        json.WriteNumber("member_requests_limited"u8, statistics.MemberRequestsLimited);
        json.WriteNumber("protocol_errors"u8, statistics.ProtocolErrors);
        json.WriteNumber("heartbeats"u8, statistics.Heartbeats);
        json.WriteNumber("heartbeats_ahead"u8, statistics.HeartbeatsAhead);
        json.WriteNumber("heartbeat_timeouts"u8, statistics.HeartbeatTimeouts);
        json.WriteNumber("rest_requests"u8, statistics.RestRequests);
        json.WriteNumber("rest_unauthorized"u8, statistics.RestUnauthorized);
        WriteCounters(json, "client_closes", statistics.ClientCloses);
        WriteCounters(json, "server_closes", statistics.ServerCloses);
        WriteCounters(json, "received_ops", statistics.Received);
        json.WriteNumber("events_produced"u8, discord.Streams.Sum(stream => stream.Produced));
        json.WriteNumber("events_sent"u8, statistics.EventsSent);
        json.WriteNumber("events_replayed"u8, statistics.EventsReplayed);
        json.WriteNumber("bytes_uncompressed"u8, statistics.BytesUncompressed);
        json.WriteNumber("bytes_sent"u8, statistics.BytesSent);
        WriteStrings(json, "violations", statistics.Violations);
        json.WriteStartArray("shards"u8);
        foreach (DiscordSession session in discord.Sessions.OrderBy(session => session.ShardId).ThenBy(session => session.ShardCount))
        {
            json.WriteStartObject();
            json.WriteNumber("shard"u8, session.ShardId);
            json.WriteNumber("shard_count"u8, session.ShardCount);
            json.WriteBoolean("connected"u8, session.Connection is not null);
            json.WriteString("session"u8, session.Id);
            json.WriteNumber("intents"u8, session.Intents);
            json.WriteNumber("seq"u8, session.Seq);
            json.WriteNumber("replay_first"u8, session.ReplayFirst);
            if (session.LastHeartbeat is { } heartbeat)
            {
                json.WriteNumber("last_heartbeat"u8, heartbeat);
            }
            else
            {
                json.WriteNull("last_heartbeat"u8);
            }
            json.WriteNumber("n"u8, session.ShardId < discord.Streams.Length ? discord.Streams[session.ShardId].Produced : 0);
            json.WriteNumber("unsent_bytes"u8, session.Connection?.Outgoing.Pending ?? 0);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WriteSingyeong(Utf8JsonWriter json)
    {
        SingyeongStatistics statistics = singyeong.Statistics;
        json.WriteStartObject("singyeong"u8);
        json.WriteNumber("connections"u8, singyeong.Connections.Count);
        json.WriteNumber("connections_total"u8, statistics.ConnectionsTotal);
        json.WriteNumber("rate"u8, singyeong.Throttle.Rate);
        json.WriteNumber("dispatches"u8, statistics.Dispatches);
        json.WriteNumber("sends"u8, statistics.Sends);
        json.WriteNumber("broadcasts"u8, statistics.Broadcasts);
        json.WriteNumber("bytes"u8, statistics.Bytes);
        json.WriteNumber("delivered"u8, statistics.Delivered);
        json.WriteNumber("sunk"u8, statistics.Sunk);
        json.WriteNumber("no_route"u8, statistics.NoRoute);
        json.WriteNumber("dropped"u8, statistics.DroppedSilently);
        json.WriteNumber("kills"u8, statistics.Kills);
        json.WriteNumber("fatal"u8, statistics.Fatal);
        json.WriteNumber("invalid"u8, statistics.InvalidDispatches);
        json.WriteNumber("duplicate_ids"u8, statistics.Duplicates);
        json.WriteNumber("heartbeats"u8, statistics.Heartbeats);
        json.WriteNumber("metadata_updates"u8, statistics.MetadataUpdates);
        json.WriteNumber("metadata_lost"u8, statistics.MetadataLost);
        json.WriteNumber("protocol_errors"u8, statistics.ProtocolErrors);
        json.WriteNumber("timeouts"u8, statistics.Timeouts);
        json.WriteNumber("takeovers"u8, singyeong.Ownership.Takeovers);
        json.WriteNumber("owned_twice"u8, singyeong.Ownership.OwnedTwice);
        WriteCounters(json, "client_closes", statistics.ClientCloses);
        WriteStrings(json, "errors", statistics.Errors);
        json.WriteStartArray("clients"u8);
        foreach (SingyeongClient client in singyeong.Registry.Clients)
        {
            json.WriteStartObject();
            json.WriteString("app"u8, client.Application);
            json.WriteString("id"u8, client.ClientId);
            json.WriteBoolean("restricted"u8, client.IsRestricted);
            json.WriteStartObject("metadata"u8);
            foreach ((string key, MetadataValue value) in client.Metadata)
            {
                json.WritePropertyName(key);
                value.Value.WriteTo(json);
            }
            json.WriteEndObject();
            json.WriteNumber("unsent_bytes"u8, client.Outgoing.Pending);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WriteLedger(Utf8JsonWriter json)
    {
        json.WriteStartObject("ledger"u8);
        WriteTotals(json, ledger.Totals());
        json.WriteNumber("altered"u8, ledger.Altered);
        json.WriteNumber("seq_mismatches"u8, ledger.SeqMismatches);
        json.WriteNumber("other_events"u8, ledger.OtherEvents);
        json.WriteNumber("foreign"u8, ledger.Foreign);
        json.WriteNumber("first_at_us"u8, ledger.FirstAt);
        json.WriteNumber("last_at_us"u8, ledger.LastAt);
        json.WriteStartObject("latency_us"u8);
        json.WriteNumber("count"u8, ledger.Latency.Count);
        json.WriteNumber("p50"u8, ledger.Latency.Quantile(0.5));
        json.WriteNumber("p90"u8, ledger.Latency.Quantile(0.9));
        json.WriteNumber("p99"u8, ledger.Latency.Quantile(0.99));
        json.WriteNumber("p999"u8, ledger.Latency.Quantile(0.999));
        json.WriteNumber("max"u8, ledger.Latency.Max);
        json.WriteEndObject();
        json.WriteStartObject("rules"u8);
        for (int rule = 0; rule < ledger.Rules.Length; rule++)
        {
            if (ledger.Rules[rule] > 0)
            {
                json.WriteNumber(rule.ToString(), ledger.Rules[rule]);
            }
        }
        json.WriteEndObject();
        json.WriteStartArray("shards"u8);
        foreach (EventStream stream in discord.Streams)
        {
            json.WriteStartObject();
            json.WriteNumber("shard"u8, stream.Index);
            json.WriteNumber("produced"u8, stream.Produced);
            WriteTotals(json, ledger.Totals(stream.Index));
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteTotals(Utf8JsonWriter json, LedgerTotals totals)
    {
        json.WriteNumber("received"u8, totals.Received);
        json.WriteNumber("distinct"u8, totals.Distinct);
        json.WriteNumber("duplicates"u8, totals.Duplicates);
        json.WriteNumber("missing"u8, totals.Missing);
        json.WriteNumber("undeliverable"u8, totals.Undeliverable);
        json.WriteNumber("out_of_order"u8, totals.OutOfOrder);
    }

    private static void WriteCounters<TKey>(Utf8JsonWriter json, string name, IEnumerable<KeyValuePair<TKey, long>> counters)
    {
        json.WriteStartObject(name);
        foreach ((TKey key, long count) in counters)
        {
            json.WriteNumber(key!.ToString()!, count);
        }
        json.WriteEndObject();
    }

    private static void WriteStrings(Utf8JsonWriter json, string name, IEnumerable<string> strings)
    {
        json.WriteStartArray(name);
        foreach (string text in strings)
        {
            json.WriteStringValue(text);
        }
        json.WriteEndArray();
    }
}
