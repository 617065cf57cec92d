using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using SinGateway.Loop;
using SinGateway.Operations;
using SinGateway.Tests.Loop;

namespace SinGateway.Tests.Operations;

/// <summary>What the endpoints answer, over HTTP, from the server's own thread.</summary>
public sealed class OperationsPagesTests
{
    [Test]
    public async Task Before_the_loop_begins_the_gateway_is_alive_and_not_ready()
    {
        using Watched watched = new();

        await Assert.That(await watched.GetAsync("/livez")).IsEqualTo("200 alive, starting\n");
        await Assert.That(await watched.GetAsync("/readyz")).IsEqualTo("""503 {"ready":false,"reasons":["the gateway is starting"]}""" + "\n");
        await Assert.That(await watched.GetAsync("/status")).StartsWith("200 {\"process\":{").And.Contains("\"stage\":\"starting\"");
        await Assert.That(await watched.GetAsync("/metrics")).StartsWith("200 ").And.Contains("singateway_build_info{").And.Contains("process_resident_memory_bytes ");
    }

    [Test]
    public async Task A_gateway_whose_parts_are_ready_is_ready()
    {
        using Watched watched = new();
        watched.Publish(_ => { });

        await Assert.That(await watched.GetAsync("/livez")).IsEqualTo("200 alive\n");
        await Assert.That(await watched.GetAsync("/readyz")).IsEqualTo("""200 {"ready":true,"reasons":[]}""" + "\n");
    }

    [Test]
    public async Task What_is_not_ready_is_named()
    {
        using Watched watched = new();
        watched.Publish(snapshot =>
        {
            snapshot.Connections[0].Connected = false;
            snapshot.Shards[7].State = "resuming";
        });

        string answer = await watched.GetAsync("/readyz");

        await Assert.That(answer).StartsWith("503 ").And.Contains("\"신경 is not connected\"");
        using JsonDocument json = JsonDocument.Parse(answer[4..]);
        await Assert.That(string.Join(", ", json.RootElement.GetProperty("reasons").EnumerateArray()))
            .IsEqualTo("신경 is not connected, shard 7 is not ready: resuming");
    }

    [Test]
    public async Task Many_reasons_are_counted_not_listed()
    {
        using Watched watched = new();
        watched.Publish(snapshot => Array.ForEach(Enumerable.Range(0, Watched.Shards).ToArray(), i => snapshot.Shards[i].State = "waiting"));

        using JsonDocument json = JsonDocument.Parse((await watched.GetAsync("/readyz"))[4..]);

        string?[] reasons = [.. json.RootElement.GetProperty("reasons").EnumerateArray().Select(reason => reason.GetString())];
        await Assert.That(reasons.Length).IsEqualTo(OperationsPages.MaximumReasons + 1);
        await Assert.That(reasons[^1]).IsEqualTo($"and {Watched.Shards - OperationsPages.MaximumReasons} more");
    }

    [Test]
    public async Task A_gateway_that_stops_is_alive_and_not_ready()
    {
        using Watched watched = new();
        watched.Publish(_ => { });

        watched.Board.Stage = StatusStage.Stopping;

        await Assert.That(await watched.GetAsync("/livez")).StartsWith("200 ");
        await Assert.That(await watched.GetAsync("/readyz")).StartsWith("503 ").And.Contains("the gateway is stopping");
    }

    [Test]
    public async Task A_gateway_that_stands_by_is_alive_and_not_ready()
    {
        using Watched watched = new();
        watched.Publish(_ => { });

        watched.Board.StandBy();

        await Assert.That(await watched.GetAsync("/livez")).IsEqualTo("200 alive, standing by\n");
        await Assert.That(await watched.GetAsync("/readyz")).StartsWith("503 ").And.Contains("the gateway stands by");
        await Assert.That(await watched.GetAsync("/status")).Contains("\"stage\":\"standing by\"");
    }

    [Test]
    public async Task A_gateway_that_was_refused_and_stays_is_alive_and_says_why()
    {
        using Watched watched = new();
        watched.Publish(_ => { });

        watched.Board.Refuse("Discord refuses the token");
        watched.Time.Advance(TimeSpan.FromMinutes(5));

        await Assert.That(await watched.GetAsync("/livez")).IsEqualTo("200 alive, refused\n");
        await Assert.That(await watched.GetAsync("/readyz")).IsEqualTo("""503 {"ready":false,"reasons":["Discord refuses the token"]}""" + "\n");
        await Assert.That(await watched.GetAsync("/status")).Contains("\"stage\":\"refused\",\"refusal\":\"Discord refuses the token\"");
    }

    [Test]
    public async Task While_a_real_loop_is_blocked_the_endpoints_answer_and_say_so()
    {
        using Watched watched = new();
        FakeTimeProvider time = watched.Time;
        using RunningLoop running = new(time);
        StatusBoard board = watched.Board;
        board.Begin(Watched.Ready);
        LoopTimer pulse = null!;
        pulse = new(running.Loop, () =>
        {
            pulse.Start(1_000);
            board.Publish();
        });
        await running.RunAsync(() => pulse.Start(0));
        await running.AdvanceAsync(1_000);
        await Assert.That(await watched.GetAsync("/livez")).IsEqualTo("200 alive\n");
        using ManualResetEventSlim release = new();
        running.Loop.Post(() => release.Wait(RunningLoop.Patience));

        // The loop owes ten pulses and gives none.
        time.Advance(TimeSpan.FromSeconds(11));

        await Assert.That(await watched.GetAsync("/livez")).IsEqualTo("503 the loop has not turned for 11 s\n");
        await Assert.That(await watched.GetAsync("/readyz")).StartsWith("503 ").And.Contains("the loop has not turned for 11 s");
        await Assert.That(await watched.GetAsync("/status")).Contains("\"age\":11000,\"stalled\":true");
        await Assert.That(await watched.GetAsync("/metrics")).StartsWith("200 ").And.Contains("singateway_shard_events_total{");

        release.Set();
        await running.AdvanceAsync(0);
        await Assert.That(await watched.GetAsync("/livez")).IsEqualTo("200 alive\n");
    }

    [Test]
    public async Task The_status_is_JSON_and_compact()
    {
        using Watched watched = new();
        watched.Publish(snapshot =>
        {
            snapshot.LaneRoom(0).Span[0] = new LaneStatus { Application = "worker", Messages = 3, Age = 1_500 };
            snapshot.Connections[0].Lanes = snapshot.LaneRoom(0)[..1];
            snapshot.EventCounts[0] = 5;
        });
        watched.Faults.Add("shard", "Shard 3 lost its connection: \"why\"");

        string answer = await watched.GetAsync("/status");

        using JsonDocument json = JsonDocument.Parse(answer[4..]);
        JsonElement root = json.RootElement;
        await Assert.That(root.GetProperty("shards").GetArrayLength()).IsEqualTo(Watched.Shards);
        await Assert.That(root.GetProperty("connections")[0].GetProperty("lanes")[0].GetRawText()).IsEqualTo("""{"application":"worker","messages":3,"age":1500}""");
        await Assert.That(root.GetProperty("faults")[0].GetProperty("cause").GetString()).IsEqualTo("Shard 3 lost its connection: \"why\"");
        await Assert.That(root.GetProperty("events").EnumerateObject().Single().Value.GetInt64()).IsEqualTo(5);
        await Assert.That(answer.Length / Watched.Shards).IsLessThan(200);
    }

    [Test]
    public async Task Pages_are_written_once_for_all_who_ask_at_a_moment()
    {
        using Watched watched = new();
        watched.Publish(_ => { });
        string[] first = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => watched.GetAsync("/status")));
        watched.Publish(snapshot => snapshot.ShardCount = 77);

        await Assert.That(first.Append(await watched.GetAsync("/status")).Distinct().Count()).IsEqualTo(1);

        watched.Time.Advance(TimeSpan.FromSeconds(1));
        await Assert.That(await watched.GetAsync("/status")).Contains("\"shardCount\":77");
    }

    [Test]
    public async Task The_page_for_browsers_may_run_what_it_brings_and_nothing_else()
    {
        using Watched watched = new();

        (string page, string? type, string policy) = await watched.PageAsync();

        string script = Between(page, "<script type=\"module\">", "</script>"), style = Between(page, "<style>", "</style>");
        await Assert.That(type).IsEqualTo("text/html; charset=utf-8");
        await Assert.That(policy).IsEqualTo(
            $"default-src 'none'; script-src '{Hash(script)}'; style-src '{Hash(style)}'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    }

    private static string Hash(string text) => $"sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}";

    private static string Between(string text, string start, string end)
    {
        string[] parts = text.Split(start);
        return parts.Length == 2 ? parts[1].Split(end)[0] : throw new FormatException($"{start} stands there {parts.Length - 1} times");
    }

    private sealed class Watched : IDisposable
    {
        public const int Shards = 100;

        private readonly EventLoop _loop = new(TimeProvider.System);
        private readonly HttpServer _server;
        private readonly HttpClient _client;

        public Watched()
        {
            Faults = new FaultLog(Time);
            Board = new StatusBoard(new StatusProcess(0, "127.0.0.1:4567"), Faults, Time);
            _server = HttpServer.Listen(new IPEndPoint(IPAddress.Loopback, 0), _loop, new OperationsPages(Board, Time).Answer, NullLogger.Instance);
            _client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{_server.Port}"), Timeout = RunningLoop.Patience };
            _loop.Start("operations");
            _loop.Post(_server.Start);
        }

        public FakeTimeProvider Time { get; } = new(DateTimeOffset.UnixEpoch.AddDays(1));

        public FaultLog Faults { get; }

        public StatusBoard Board { get; }

        public static StatusSnapshot Ready()
        {
            StatusSnapshot snapshot = new(new StatusProcess(0, "127.0.0.1:4567"), Shards, 1, 1);
            for (int i = 0; i < Shards; i++)
            {
                snapshot.Shards[i] = new ShardStatus { Id = i, State = ShardPhaseNames.Ready };
            }

            snapshot.Connections[0].Connected = true;
            return snapshot;
        }

        public void Publish(Action<StatusSnapshot> change)
        {
            Board.Begin(Ready);
            change(Board.Write());
            Board.Publish();
        }

        public async Task<string> GetAsync(string path)
        {
            using HttpResponseMessage response = await _client.GetAsync(path);
            return $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}";
        }

        public async Task<(string Page, string? Type, string Policy)> PageAsync()
        {
            using HttpResponseMessage response = await _client.GetAsync("/");
            string policy = string.Join('\n', response.Headers.GetValues("Content-Security-Policy"));
            return (await response.Content.ReadAsStringAsync(), response.Content.Headers.ContentType?.ToString(), policy);
        }

        public void Dispose()
        {
            _client.Dispose();
            _loop.Dispose();
            _server.Dispose();
        }
    }
}
