using System.Globalization;
using System.Text;
using SinGateway.Discord;
using SinGateway.Forwarding;
using SinGateway.Sessions;
using SinGateway.Singyeong;

namespace SinGateway.Configuration;

/// <summary>
/// What <c>singateway check</c> prints: what the gateway would do with a configuration, for a reader at a terminal. Holds no secret.
/// </summary>
internal sealed class CheckReport
{
    /// <summary>The event of the example of a rule that takes all.</summary>
    private const string UsualEvent = "MESSAGE_CREATE";

    private const string SampleGuild = "197038439483310086";
    private const string SampleChannel = "41771983423143937";
    private const string SampleUser = "80351110224678912";

    /// <summary>More clusters than these are abridged.</summary>
    private const int MaxClusters = 16;

    /// <summary>Columns of the labels, and where lists of names are broken.</summary>
    private const int Indent = 12;
    private const int Width = 100;

    private readonly TextWriter _output;
    private readonly GatewayConfiguration _configuration;
    private readonly int? _cluster;

    private CheckReport(TextWriter output, GatewayConfiguration configuration, int? cluster)
    {
        _output = output;
        _configuration = configuration;
        _cluster = cluster;
    }

    /// <summary>Writes the plan of one cluster, or of all when <paramref name="cluster"/> is null.</summary>
    public static void Write(TextWriter output, GatewayConfiguration configuration, IReadOnlyList<ConfigurationProblem> warnings, int? cluster)
    {
        CheckReport report = new(output, configuration, cluster);
        report.WriteShards();
        report.Row("Sessions", report.DescribeStore());

        // Two of the label's characters are two columns wide each.
        report.Row("신경", configuration.Singyeong.ToString(), Indent - 2);
        report.WriteIdentity();
        report.WriteSpool();
        report.WriteDiscord();
        if (configuration.CommandsEnabled)
        {
            report.Row("Commands", $"workers may send opcodes 3, 4, 8, 31 and 43 to Discord, through application {configuration.Singyeong.ApplicationId}");
        }

        report.WriteIntents();
        report.WriteRules();
        report.WriteWarnings(warnings);
    }

    /// <summary>Who the gateway is at 신경.</summary>
    private void WriteIdentity()
    {
        string password = _configuration.Singyeong.Password is null ? "without a password" : "with a password";
        string place = _configuration.SingyeongNamespace is { } name ? $", in the namespace {name}" : "";
        Row("", $"as application {_configuration.Singyeong.ApplicationId}, {password}{place}");
        if (_configuration.SingyeongConnections > 1)
        {
            Row("", $"over {_configuration.SingyeongConnections} connections, each with an outbox and shards of its own");
        }

        if (_configuration.Singyeong.Encoding is not SingyeongEncoding.Json)
        {
            Row("", $"events are rewritten in {_configuration.Singyeong.EncodingName}; what is shown below is the same in json");
        }

        if (_configuration.SingyeongMetadata.Count > 0)
        {
            Row("  metadata", _configuration.SingyeongMetadata.Select(entry => $"{entry.Key} ({entry.Type})"));
        }
    }

    private void WriteSpool()
    {
        if (_configuration.Spool is { } spool)
        {
            string settled = spool.Commits ? "what is on the disk counts as delivered" : "what is on the disk does not count as delivered";
            Row("Spool", $"{Path.Combine(spool.Directory, $"cluster-{_cluster?.ToString() ?? (_configuration.Clustering is null ? "0" : "N")}")}, {spool.MaxSize} bytes at most; {settled}");
        }
    }

    private void WriteShards()
    {
        if (_configuration.Clustering is not { } clustering)
        {
            Row("Shards", _configuration.ShardCount switch
            {
                null => "as many as Discord recommends; stored sessions keep the count that they were made with",
                1 => "1: shard 0",
                { } count => $"{count}: 0 to {count - 1}",
            });
            return;
        }

        Row("Shards", $"{clustering.TotalShards}, split over {clustering.ClusterCount} {(clustering.ClusterCount == 1 ? "cluster" : "clusters")}");
        int[] clusters = _cluster is { } one ? [one] : [.. Enumerable.Range(0, clustering.ClusterCount)];
        int shown = clusters.Length > MaxClusters ? MaxClusters - 2 : clusters.Length;
        foreach (int cluster in clusters.AsSpan(0, shown))
        {
            WriteCluster(cluster, clustering.ClusterShards);
        }

        if (shown < clusters.Length)
        {
            Row("", "…");
            WriteCluster(clusters[^1], clustering.ClusterShards);
        }
    }

    private void WriteCluster(int cluster, int shards)
    {
        int first = cluster * shards;
        Row("", shards == 1 ? $"cluster {cluster}: shard {first}" : $"cluster {cluster}: shards {first} to {first + shards - 1}");
    }

    private string DescribeStore()
    {
        if (_configuration.Redis is not { } redis)
        {
            return $"in the file {_configuration.StateFile}";
        }

        string keys = _configuration.RedisPrefix.Length > 0 ? $", keys begin with {_configuration.RedisPrefix}" : "";
        return $"in {redis}{keys}";
    }

    private void WriteDiscord()
    {
        Row("Discord", _configuration.DiscordApiBaseUrl.OriginalString);
        Row("", _configuration.Compression switch
        {
            GatewayCompression.ZlibStream => "compressed as zlib-stream",
            GatewayCompression.ZstdStream => "compressed as zstd-stream",
            _ => "without compression",
        });
        if (!_configuration.Presence.IsEmpty)
        {
            Row("  presence", Encoding.UTF8.GetString(_configuration.Presence.Span));
        }
    }

    /// <summary>Which intents are set, and for each group of events that the same intents enable, whether one of those is.</summary>
    private void WriteIntents()
    {
        string[] events = [.. _configuration.Forwarding.SelectMany(rule => rule.Events).Distinct()];
        long set = _configuration.Intents;
        string names = string.Join(", ", Intents.Names(set));
        Row("Intents", names.Length == 0 ? $"{set}" : $"{set}: {names}");
        if (events.Contains(RouteTable.AllEvents))
        {
            Row("  needed", "whatever they enable is forwarded by a rule that takes all events");
        }

        long used = 0;
        string label = "";
        foreach (IGrouping<long, string> group in events.GroupBy(EventCatalogue.EnablingIntents)
            .Where(group => group.Key != 0)
            .OrderBy(group => (set & group.Key) == 0)
            .ThenBy(group => group.Key))
        {
            used |= group.Key;
            string before = label;
            label = (set & group.Key) != 0 ? "  needed" : "  missing";
            string first = $"{string.Join(" or ", Intents.Names(group.Key))} for {group.First()}";
            Row(label == before ? "" : label, [first, .. group.Skip(1)]);
        }

        // MESSAGE_CONTENT enables no event; it fills in what others carry.
        string[] unused = [.. Intents.Names(set & ~used & ~Intents.MessageContent)];
        if (unused.Length > 0 && !events.Contains(RouteTable.AllEvents))
        {
            Row("  unused", $"{string.Join(", ", unused)}: no rule forwards what {(unused.Length == 1 ? "it enables" : "they enable")}");
        }
    }

    private void WriteRules()
    {
        int cluster = _cluster ?? 0;
        int shard = cluster * (_configuration.Clustering?.ClusterShards ?? 0);
        int shardCount = _configuration.Clustering?.TotalShards ?? _configuration.ShardCount ?? 1;
        RouteTable routes = new(_configuration.Forwarding, cluster, shardCount);
        foreach (ForwardingRule rule in _configuration.Forwarding)
        {
            bool takesAll = rule.Events.Contains(RouteTable.AllEvents);
            string name = takesAll ? UsualEvent : rule.Events[0];
            _output.WriteLine();
            Row($"Rule {rule.Index}", rule.Kind == DispatchKind.Send ? "send: one client that matches gets the event" : "broadcast: every client that matches gets the event");
            Row("  events", takesAll ? ["all"] : rule.Events);
            Route route = routes.Find(Encoding.UTF8.GetBytes(name))!;
            foreach (RouteCopy copy in route.Copies)
            {
                if (copy.Rule == rule)
                {
                    Row("  sends", Render(route, copy, shard, name));
                }
            }
        }
    }

    /// <summary>
    /// The packet as it goes to 신경, with a nonce and a payload that stand for the real ones. The payload has the ids that the target takes
    /// from it; those of Discord's own examples.
    /// </summary>
    private static string Render(Route route, RouteCopy copy, int shard, string eventName)
    {
        Span<byte> nonce = stackalloc byte[DispatchWriter.MaximumNonce];
        nonce = nonce[..DispatchWriter.WriteNonce(nonce, shard, "00000000"u8, seq: 1, copy.Rule.Index)];
        byte[] payload = Encoding.UTF8.GetBytes($$"""{"t":"{{eventName}}","s":1,"op":0,"d":{{SampleData(copy.Fields, eventName)}}}""");
        EventIds ids = route.ReadIds(payload);
        bool broadcast = copy.Rule.Kind == DispatchKind.Broadcast;
        byte[] packet = new byte[DispatchWriter.Measure(broadcast, copy.MeasureTarget(shard, ids), nonce.Length, payload.Length)];
        int length = DispatchWriter.WriteStart(packet, broadcast);
        length += copy.WriteTarget(shard, ids, packet.AsSpan(length));
        DispatchWriter.WriteRest(packet.AsSpan(length), nonce, payload);
        return Encoding.UTF8.GetString(packet);
    }

    private static string SampleData(EventFields fields, string eventName)
    {
        List<string> members = [];
        if ((fields & EventFields.Guild) != 0)
        {
            string key = RouteTable.SubjectOf(eventName) == EventFields.IsGuild ? "id" : "guild_id";
            members.Add($"\"{key}\":\"{SampleGuild}\"");
        }

        if ((fields & EventFields.Channel) != 0)
        {
            string key = RouteTable.SubjectOf(eventName) == EventFields.IsChannel ? "id" : "channel_id";
            members.Add($"\"{key}\":\"{SampleChannel}\"");
        }

        if ((fields & EventFields.User) != 0)
        {
            members.Add($"\"user_id\":\"{SampleUser}\"");
        }

        return $"{{{string.Join(',', members)}}}";
    }

    private void WriteWarnings(IReadOnlyList<ConfigurationProblem> warnings)
    {
        _output.WriteLine();
        _output.WriteLine(warnings.Count switch
        {
            0 => "No warnings",
            1 => "1 warning",
            _ => string.Create(CultureInfo.InvariantCulture, $"{warnings.Count} warnings"),
        });
        foreach (ConfigurationProblem warning in warnings)
        {
            _output.WriteLine($"  {warning}");
        }
    }

    private void Row(string label, string text, int indent = Indent) => _output.WriteLine(label.PadRight(indent) + text);

    /// <summary>The names behind the label, in as many lines as they need.</summary>
    private void Row(string label, IEnumerable<string> names)
    {
        string line = "";
        foreach (string name in names)
        {
            if (line.Length > 0 && Indent + line.Length + name.Length > Width)
            {
                Row(label, line.TrimEnd());
                (label, line) = ("", "");
            }

            line += name + ", ";
        }

        Row(label, line[..^2]);
    }
}
