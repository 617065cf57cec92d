using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using SinGateway.Discord;
using SinGateway.Operations;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests.Operations;

/// <summary>The metrics page of a gateway of which everything is known, and what is deployed to look at it.</summary>
public sealed partial class MetricsPageTests
{
    private const int Shards = 3;

    /// <summary>Those that are promised to users; histograms stand for their buckets, sums and counts.</summary>
    private const string Promised = """
        singateway_build_info{version,rid} singateway_dispatch_events_total{event} singateway_shard_events_total{shard} singateway_shard_state{shard,state}
        singateway_shard_heartbeat_rtt_seconds{shard} singateway_shard_last_event_timestamp_seconds{shard} singateway_shard_received_seq{shard}
        singateway_shard_committed_seq{shard} singateway_received_bytes_total{stage} singateway_gateway_closes_total{code} singateway_sessions_total{result}
        singateway_identify_wait_seconds{le} singateway_session_starts_remaining singateway_broker_connected{connection} singateway_broker_barrier_seconds{le}
        singateway_forwarded_total{rule} singateway_unrouted_total{rule} singateway_lost_total{reason} singateway_replayed_total singateway_outbox_bytes
        singateway_outbox_limit_bytes singateway_spool_bytes singateway_commands_total{op,result} singateway_store_seconds{operation,le}
        singateway_event_latency_seconds{le}
        """;

    private static readonly string Deployed = Path.Combine(Path.GetDirectoryName(Here())!, "../../../deploy");

    [Test]
    public async Task Prometheus_finds_nothing_wrong_with_it() =>
        await Assert.That(await Promtool.ComplaintsAsync(Page(), Deployed, "check", "metrics")).IsEmpty();

    [Test]
    public async Task It_has_the_promised_metrics_with_their_labels_and_no_other_of_its_own()
    {
        IEnumerable<string> served = Labels(Page()).Where(metric => metric.Key.StartsWith("singateway_", StringComparison.Ordinal))
            .Select(metric => metric.Value.Length == 0 ? metric.Key : $"{metric.Key}{{{metric.Value}}}");

        await Assert.That(string.Join('\n', served.Order())).IsEqualTo(string.Join('\n', Promised.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Order()));
    }

    [Test]
    public async Task Every_sample_stands_once()
    {
        string[] names = [.. Page().Split('\n').Where(line => !line.StartsWith('#') && line.Length > 0).Select(line => line[..line.LastIndexOf(' ')])];

        await Assert.That(names.Length).IsEqualTo(names.Distinct().Count());
    }

    [Test]
    public async Task What_is_not_known_has_no_sample()
    {
        StatusSnapshot snapshot = new(new StatusProcess(0, "a:1"), Shards, 1, 1);
        Array.ForEach(snapshot.Shards, shard => shard.State = "waiting");

        string page = Page(snapshot);

        await Assert.That(page).DoesNotContain("rtt_seconds{").And.DoesNotContain("seq{").And.DoesNotContain("timestamp_seconds{").And.DoesNotContain("\nsingateway_session_starts_remaining ");
    }

    [Test]
    [Arguments("alerts.yaml")]
    [Arguments("grafana-dashboard.json")]
    public async Task What_is_deployed_asks_for_what_is_served(string file)
    {
        string page = Page();
        Dictionary<string, string> served = Labels(page);
        foreach (string expression in Expressions(file))
        {
            foreach (Match metric in MetricNames().Matches(expression))
            {
                string name = Suffix().Replace(metric.Value, "");
                await Assert.That(served.ContainsKey(metric.Value) || (served.TryGetValue(name, out string? labels) && labels.Contains("le", StringComparison.Ordinal)))
                    .IsTrue().Because($"{metric.Value} is not served: {expression}");
            }

            // What is compared with a constant must be something that may be there.
            foreach (Match match in Comparisons().Matches(expression))
            {
                string pair = match.Value.Replace("!=", "=", StringComparison.Ordinal);
                await Assert.That(page.Contains(pair, StringComparison.Ordinal) || pair == "job=\"singateway\"").IsTrue().Because($"{pair} is not served: {expression}");
            }
        }
    }

    [Test]
    public async Task The_alerts_are_rules_that_Prometheus_takes() =>
        await Assert.That(await Promtool.ComplaintsAsync("", Deployed, "check", "rules", "alerts.yaml")).IsEmpty();

    [Test]
    public async Task The_alerts_fire_when_they_should_and_not_otherwise() =>
        await Assert.That(await Promtool.ComplaintsAsync("", Deployed, "test", "rules", "alerts.test.yaml")).IsEmpty();

    [Test]
    public async Task Every_alert_is_tried()
    {
        string tests = File.ReadAllText(Path.Combine(Deployed, "alerts.test.yaml"));
        foreach (Match alert in AlertNames().Matches(File.ReadAllText(Path.Combine(Deployed, "alerts.yaml"))))
        {
            await Assert.That(Regex.IsMatch(tests, $@"alertname: {alert.Groups[1].Value}\n\s+exp_alerts:")).IsTrue().Because($"{alert.Groups[1].Value} is never tried");
        }
    }

    [Test]
    public async Task The_expressions_of_the_dashboard_are_ones_that_Prometheus_takes()
    {
        using TemporaryDirectory directory = new();
        string[] rules = [.. Expressions("grafana-dashboard.json").Select((expression, number) =>
            $"      - {{ record: \"r{number}\", expr: {JsonSerializer.Serialize(expression.Replace("$__rate_interval", "5m", StringComparison.Ordinal).Replace("$instance", ".*", StringComparison.Ordinal).Replace("$job", ".*", StringComparison.Ordinal))} }}")];
        File.WriteAllText(directory.File("rules.yaml"), $"groups:\n  - name: dashboard\n    rules:\n{string.Join('\n', rules)}\n");

        await Assert.That(rules.Length).IsGreaterThan(20);
        await Assert.That(await Promtool.ComplaintsAsync("", ".", "check", "rules", directory.File("rules.yaml"))).IsEmpty();
    }

    private static string Page()
    {
        StatusSnapshot snapshot = new(new StatusProcess(1, "a:1"), Shards, 2, 2);
        for (int i = 0; i < Shards; i++)
        {
            snapshot.Shards[i] = new ShardStatus { Id = i, State = ShardPhaseNames.Ready, Latency = 5, LastEvent = 1_000, Received = 7, Committed = 6, Events = 7 };
        }

        for (int i = 0; i < 2; i++)
        {
            snapshot.Rules[i].Rule = i;
            snapshot.Connections[i].Connection = i;
        }

        snapshot.SessionStarts = new BudgetStatus { Known = true, Remaining = 3 };
        snapshot.Commands = new CommandCounts();
        snapshot.EventLatency.Observe(3);
        return Page(snapshot);
    }

    private static string Page(StatusSnapshot snapshot)
    {
        PageBuffer page = new();
        MetricsPage.Write(snapshot.Process, snapshot, page);
        return Encoding.UTF8.GetString(page.Bytes);
    }

    /// <summary>The labels of each metric, a histogram's under its own name.</summary>
    private static Dictionary<string, string> Labels(string page)
    {
        Dictionary<string, string> labels = [];
        string name = "";
        bool isHistogram = false;
        foreach (string line in page.Split('\n'))
        {
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                name = line.Split(' ')[2];
                isHistogram = line.EndsWith(" histogram", StringComparison.Ordinal);
            }
            else if (line.StartsWith(name, StringComparison.Ordinal) && line.Length > 0 && (!isHistogram || line.StartsWith(name + "_bucket", StringComparison.Ordinal)))
            {
                labels[name] = string.Join(',', LabelNames().Matches(line).Select(match => match.Groups[1].Value));
            }
        }

        return labels;
    }

    private static string[] Expressions(string file)
    {
        string text = File.ReadAllText(Path.Combine(Deployed, file));
        if (file.EndsWith(".yaml", StringComparison.Ordinal))
        {
            return [.. ExpressionLines().Matches(text).Select(match => match.Groups[1].Value)];
        }

        using JsonDocument dashboard = JsonDocument.Parse(text);
        return
        [
            .. dashboard.RootElement.GetProperty("panels").EnumerateArray()
                .Where(panel => panel.GetProperty("type").GetString() != "row")
                .SelectMany(panel => panel.GetProperty("targets").EnumerateArray())
                .Select(target => target.GetProperty("expr").GetString()!),
        ];
    }

    private static string Here([CallerFilePath] string path = "") => path;

    [GeneratedRegex(@"\b(singateway|process|dotnet)_[a-z_]+\b")]
    private static partial Regex MetricNames();

    [GeneratedRegex(@"_(bucket|sum|count)$")]
    private static partial Regex Suffix();

    [GeneratedRegex(@"\b[a-z]+!?=""[^""$]*""")]
    private static partial Regex Comparisons();

    [GeneratedRegex(@"[{,]([a-z]+)=""")]
    private static partial Regex LabelNames();

    [GeneratedRegex(@"^\s+expr: (.+)$", RegexOptions.Multiline)]
    private static partial Regex ExpressionLines();

    [GeneratedRegex(@"^\s+- alert: (\w+)$", RegexOptions.Multiline)]
    private static partial Regex AlertNames();
}
