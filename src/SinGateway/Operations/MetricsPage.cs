using SinGateway.Discord;

namespace SinGateway.Operations;

/// <summary>
/// <c>/metrics</c>: a snapshot in Prometheus' text format. What is not known yet has no sample. Labels are bounded: events that Discord does not
/// document are <c>other</c>, and no metric has both a shard and an event.
/// </summary>
internal static class MetricsPage
{
    private static readonly CommandResult[] CommandResults = Enum.GetValues<CommandResult>();

    public static void Write(StatusProcess process, StatusSnapshot? snapshot, PageBuffer page)
    {
        MetricsWriter metrics = new(page);
        metrics.Begin("singateway_build_info"u8, MetricKind.Gauge, "1, with the version of the gateway and what it is built for."u8);
        metrics.Sample("version"u8, process.Version, "rid"u8, process.Rid, 1);
        if (snapshot is not null)
        {
            WriteEvents(ref metrics, snapshot);
            WriteShards(ref metrics, snapshot.Shards);
            WriteSessions(ref metrics, snapshot);
            WriteDelivery(ref metrics, snapshot);
            WriteCommands(ref metrics, snapshot.Commands);
        }

        WriteProcess(ref metrics, process, ProcessFigures.Read());
        WriteRuntime(ref metrics);
    }

    private static void WriteEvents(ref MetricsWriter metrics, StatusSnapshot snapshot)
    {
        metrics.Begin("singateway_dispatch_events_total"u8, MetricKind.Counter, "Events from Discord by name; names that it does not document are other."u8);
        for (int i = 0; i < snapshot.EventCounts.Length; i++)
        {
            metrics.Sample("event"u8, EventCatalogue.NameAt(i), snapshot.EventCounts[i]);
        }

        metrics.Begin("singateway_received_bytes_total"u8, MetricKind.Counter, "Bytes of messages from Discord, as they came (wire) and inflated."u8);
        metrics.Sample("stage"u8, "wire", snapshot.Totals.WireBytes);
        metrics.Sample("stage"u8, "inflated", snapshot.Totals.InflatedBytes);
        metrics.Begin("singateway_replayed_total"u8, MetricKind.Counter, "Events that Discord sent after a RESUME, before it was up to date."u8);
        metrics.Sample(snapshot.Totals.Replayed);
    }

    private static void WriteShards(ref MetricsWriter metrics, ShardStatus[] shards)
    {
        metrics.Begin("singateway_shard_state"u8, MetricKind.Gauge, "1 for the state of the shard, 0 for the others; deaf stands beside ready."u8);
        foreach (ref readonly ShardStatus shard in shards.AsSpan())
        {
            foreach (string state in ShardPhaseNames.All)
            {
                metrics.Sample("shard"u8, shard.Id, "state"u8, state, shard.State == state ? 1 : 0);
            }

            metrics.Sample("shard"u8, shard.Id, "state"u8, "deaf", shard.Deaf ? 1 : 0);
        }

        metrics.Begin("singateway_shard_events_total"u8, MetricKind.Counter, "Events from Discord by shard, READY and RESUMED excepted."u8);
        foreach (ref readonly ShardStatus shard in shards.AsSpan())
        {
            metrics.Sample("shard"u8, shard.Id, shard.Events);
        }

        WriteKnown(ref metrics, shards, "singateway_shard_heartbeat_rtt_seconds"u8, "From the shard's last heartbeat to its ack."u8, static shard => shard.Latency / 1e3);
        WriteKnown(
            ref metrics, shards, "singateway_shard_last_event_timestamp_seconds"u8, "When the shard last heard an event, since the epoch."u8, static shard => shard.LastEvent / 1e3);
        WriteKnown(ref metrics, shards, "singateway_shard_received_seq"u8, "The last sequence number that the shard's session received."u8, static shard => shard.Received);
        WriteKnown(
            ref metrics, shards, "singateway_shard_committed_seq"u8, "The sequence number from which a restart would resume the shard's session."u8, static shard => shard.Committed);
    }

    private static void WriteKnown(
        ref MetricsWriter metrics, ShardStatus[] shards, ReadOnlySpan<byte> name, ReadOnlySpan<byte> help, Func<ShardStatus, double?> value)
    {
        metrics.Begin(name, MetricKind.Gauge, help);
        foreach (ref readonly ShardStatus shard in shards.AsSpan())
        {
            if (value(shard) is { } known)
            {
                metrics.Sample("shard"u8, shard.Id, known);
            }
        }
    }

    private static void WriteSessions(ref MetricsWriter metrics, StatusSnapshot snapshot)
    {
        metrics.Begin(
            "singateway_gateway_closes_total"u8,
            MetricKind.Counter,
            "Connections to Discord that it ended, by close code; none: lost without one, unreached: never came about."u8);
        for (int i = 0; i < snapshot.Closes.Length; i++)
        {
            metrics.Sample("code"u8, CloseCounts.NameAt(i), snapshot.Closes[i]);
        }

        metrics.Begin("singateway_sessions_total"u8, MetricKind.Counter, "Sessions that began (identified) or went on (resumed), and RESUMEs in vain (resume_failed)."u8);
        metrics.Sample("result"u8, "identified", snapshot.Totals.Identified);
        metrics.Sample("result"u8, "resumed", snapshot.Totals.Resumed);
        metrics.Sample("result"u8, "resume_failed", snapshot.Totals.ResumesFailed);
        metrics.Begin("singateway_identify_wait_seconds"u8, MetricKind.Histogram, "From a shard's wish to identify to its permit."u8);
        metrics.Samples(snapshot.IdentifyWait);
        metrics.Begin("singateway_session_starts_remaining"u8, MetricKind.Gauge, "IDENTIFYs that Discord grants until its limit is reset, as far as this process knows."u8);
        if (snapshot.SessionStarts.Known)
        {
            metrics.Sample(snapshot.SessionStarts.Remaining);
        }
    }

    private static void WriteDelivery(ref MetricsWriter metrics, StatusSnapshot snapshot)
    {
        metrics.Begin("singateway_broker_connected"u8, MetricKind.Gauge, "1 while the connection to the broker is ready for dispatches."u8);
        foreach (ref readonly BrokerStatus broker in snapshot.Connections.AsSpan())
        {
            metrics.Sample("connection"u8, broker.Connection, broker.Connected ? 1 : 0);
        }

        metrics.Begin("singateway_broker_barrier_seconds"u8, MetricKind.Histogram, "From a heartbeat to the broker to its ack, which confirms what was sent before it."u8);
        metrics.Samples(snapshot.BarrierTime);
        metrics.Begin("singateway_event_latency_seconds"u8, MetricKind.Histogram, "From reading an event from Discord to writing it to the broker, for each copy."u8);
        metrics.Samples(snapshot.EventLatency);
        metrics.Begin("singateway_forwarded_total"u8, MetricKind.Counter, "Copies of events for the broker, by the index of their forwarding rule."u8);
        foreach (ref readonly RuleStatus rule in snapshot.Rules.AsSpan())
        {
            metrics.Sample("rule"u8, rule.Rule, rule.Forwarded);
        }

        metrics.Begin("singateway_unrouted_total"u8, MetricKind.Counter, "Copies that nobody took when they were first sent, held or dropped since, by rule."u8);
        foreach (ref readonly RuleStatus rule in snapshot.Rules.AsSpan())
        {
            metrics.Sample("rule"u8, rule.Rule, rule.Unrouted);
        }

        LostTotals lost = snapshot.Totals.Lost;
        metrics.Begin("singateway_lost_total"u8, MetricKind.Counter, "Copies of events that will not arrive, by reason; of resume_refused: sessions."u8);
        metrics.Sample("reason"u8, "hold_expired", lost.HoldExpired);
        metrics.Sample("reason"u8, "outbox_full", lost.OutboxFull);
        metrics.Sample("reason"u8, "poison", lost.Poison);
        metrics.Sample("reason"u8, "resume_refused", lost.ResumeRefused);
        metrics.Sample("reason"u8, "unrouted", lost.Unrouted);
        WriteRoom(ref metrics, snapshot);
        metrics.Begin("singateway_store_seconds"u8, MetricKind.Histogram, "What the store of the sessions takes, by operation."u8);
        metrics.Samples(snapshot.SaveTime, "operation"u8, "save");
    }

    private static void WriteRoom(ref MetricsWriter metrics, StatusSnapshot snapshot)
    {
        long used = 0, limit = 0;
        foreach (ref readonly BrokerStatus broker in snapshot.Connections.AsSpan())
        {
            used += broker.OutboxBytes;
            limit += broker.OutboxLimit;
        }

        metrics.Begin("singateway_outbox_bytes"u8, MetricKind.Gauge, "What waits for the broker's confirmation or for a worker, over all connections."u8);
        metrics.Sample(used);
        metrics.Begin("singateway_outbox_limit_bytes"u8, MetricKind.Gauge, "How much that may be."u8);
        metrics.Sample(limit);
        metrics.Begin("singateway_spool_bytes"u8, MetricKind.Gauge, "What waits on disk for room in the outbox."u8);
        metrics.Sample(snapshot.Spool?.Bytes ?? 0);
    }

    private static void WriteCommands(ref MetricsWriter metrics, CommandCounts? commands)
    {
        metrics.Begin("singateway_commands_total"u8, MetricKind.Counter, "Commands of workers by opcode and by what became of them."u8);
        foreach (GatewayOpcode op in commands is null ? [] : CommandCounts.Opcodes)
        {
            string name = op switch
            {
                GatewayOpcode.PresenceUpdate => "3",
                GatewayOpcode.VoiceStateUpdate => "4",
                GatewayOpcode.RequestGuildMembers => "8",
                GatewayOpcode.RequestSoundboardSounds => "31",
                GatewayOpcode.RequestChannelInfo => "43",
                _ => "other",
            };
            foreach (CommandResult result in CommandResults)
            {
                metrics.Sample("op"u8, name, "result"u8, NameOf(result), commands!.Of(op, result));
            }
        }
    }

    private static string NameOf(CommandResult result) => result switch
    {
        CommandResult.Sent => "sent",
        CommandResult.TooLarge => "too_large",
        CommandResult.Expired => "expired",
        CommandResult.QueueFull => "queue_full",
        CommandResult.Malformed => "malformed",
        CommandResult.NotForWorkers => "not_for_workers",
        CommandResult.Invalid => "invalid",
        CommandResult.Misrouted => "misrouted",
        _ => "not_here",
    };

    private static void WriteProcess(ref MetricsWriter metrics, StatusProcess process, in ProcessFigures figures)
    {
        metrics.Begin("process_cpu_seconds_total"u8, MetricKind.Counter, "User and system CPU time."u8);
        metrics.Sample(Environment.CpuUsage.TotalTime.TotalSeconds);
        metrics.Begin("process_start_time_seconds"u8, MetricKind.Gauge, "When the process started, since the epoch."u8);
        metrics.Sample(process.StartedAt / 1e3);
        metrics.Begin("process_resident_memory_bytes"u8, MetricKind.Gauge, "Memory that is resident."u8);
        metrics.Sample(figures.ResidentBytes);
        metrics.Begin("process_virtual_memory_bytes"u8, MetricKind.Gauge, "Memory that is mapped."u8);
        metrics.Sample(figures.VirtualBytes);
        metrics.Begin("process_open_fds"u8, MetricKind.Gauge, "Open file descriptors."u8);
        metrics.Sample(figures.OpenDescriptors);
        metrics.Begin("process_max_fds"u8, MetricKind.Gauge, "How many file descriptors may be open."u8);
        metrics.Sample(figures.DescriptorLimit);
        metrics.Begin("process_num_threads"u8, MetricKind.Gauge, "Threads."u8);
        metrics.Sample(figures.Threads);
    }

    private static void WriteRuntime(ref MetricsWriter metrics)
    {
        metrics.Begin("dotnet_collection_count_total"u8, MetricKind.Counter, "Garbage collections by generation."u8);
        for (int generation = 0; generation <= GC.MaxGeneration; generation++)
        {
            metrics.Sample("generation"u8, generation, GC.CollectionCount(generation));
        }

        metrics.Begin("dotnet_total_memory_bytes"u8, MetricKind.Gauge, "Managed memory in use."u8);
        metrics.Sample(GC.GetTotalMemory(forceFullCollection: false));
        metrics.Begin("dotnet_allocated_bytes_total"u8, MetricKind.Counter, "Managed memory that was ever allocated."u8);
        metrics.Sample(GC.GetTotalAllocatedBytes());
        metrics.Begin("dotnet_gc_pause_seconds_total"u8, MetricKind.Counter, "Time for which garbage collections stopped the process."u8);
        metrics.Sample(GC.GetTotalPauseDuration().TotalSeconds);
    }
}
