using System.Net;
using System.Net.WebSockets;
using Microsoft.Extensions.Time.Testing;
using SinGateway.Discord;
using SinGateway.Forwarding;
using SinGateway.Loop;
using SinGateway.Sessions;
using SinGateway.Singyeong;
using SinGateway.Tests.Discord;
using SinGateway.Tests.Fixtures;
using SinGateway.Tests.Loop;
using SinGateway.Tests.WebSockets;
using SinGateway.WebSockets;

namespace SinGateway.Tests;

/// <summary>A shard on a real loop whose events find no room (G13): Discord is played by the test, 신경 is away.</summary>
public sealed class BackpressureTests
{
    private const string Resumed = """{"t":"RESUMED","s":100,"op":0,"d":{}}""";

    /// <summary>So many events fill the outbox.</summary>
    private const int Capacity = 4;

    [Test]
    public async Task A_burst_that_is_over_within_the_grace_costs_no_resume()
    {
        using WebSocketServer discord = new();
        using Gateway gateway = new(discord, WhenFull.Drop);
        using WebSocket peer = await FillAsync(discord, gateway);
        await gateway.Running.UntilAsync(() => gateway.Pressure.Phase == PressurePhase.Full, step: 1_000);

        await gateway.Running.AdvanceAsync(3_000);
        await gateway.MakeRoomAsync();
        await gateway.Running.UntilAsync(() => gateway.Pressure.Phase == PressurePhase.Flowing);
        for (int second = 0; second < 10; second++)
        {
            await gateway.Running.AdvanceAsync(1_000);
        }

        await Assert.That(gateway.Shard.Phase).IsEqualTo(ShardPhase.Ready);
        await Assert.That(string.Join('\n', gateway.Said)).Contains("outbox is full").And.DoesNotContain("close");
    }

    [Test]
    public async Task Without_room_for_five_seconds_the_shard_closes_resumably_and_resumes_when_there_is_some()
    {
        using WebSocketServer discord = new();
        using Gateway gateway = new(discord, WhenFull.Drop);
        using WebSocket first = await FillAsync(discord, gateway);
        await gateway.Running.UntilAsync(() => gateway.Shard.Phase == ShardPhase.WaitingForRoom, step: 1_000);
        await Assert.That(await SaidToDiscordAsync(first)).IsEqualTo("closed 4000");

        await gateway.MakeRoomAsync();

        using WebSocket second = await ResumeAsync(discord, $"6 abc {Capacity + 1}");
        await second.SendTextAsync(Event(Capacity + 2));
        await gateway.Running.UntilAsync(() => gateway.Forwarder.Forwarded == Capacity + 1);
        await Assert.That(gateway.Forwarder.LostToFullOutbox).IsEqualTo(0);
        await Assert.That(gateway.Said[^1]).Contains("nothing was lost");
        await Assert.That(gateway.Said.Count(line => line.Contains("lost its connection", StringComparison.Ordinal))).IsEqualTo(0);
    }

    [Test]
    public async Task With_drop_what_finds_no_room_after_a_minute_is_taken_counted_and_lost_until_there_is_some()
    {
        using WebSocketServer discord = new();
        using Gateway gateway = new(discord, WhenFull.Drop);
        using WebSocket first = await FillAsync(discord, gateway);
        await gateway.Running.UntilAsync(() => gateway.Pressure.Phase == PressurePhase.Dropping, step: 1_000);

        using WebSocket second = await ResumeAsync(discord, $"6 abc {Capacity + 1}");
        foreach (int seq in (int[])[10, 11, 12])
        {
            await second.SendTextAsync(Event(seq));
        }

        await second.SendTextAsync(Resumed);
        await gateway.Running.UntilAsync(() => gateway.Shard.Phase == ShardPhase.Ready);
        await Assert.That(gateway.Forwarder.LostToFullOutbox).IsEqualTo(3);
        await Assert.That(gateway.Shard.Session!.Received).IsEqualTo(100);

        await gateway.MakeRoomAsync();
        await second.SendTextAsync(Event(101));
        await gateway.Running.UntilAsync(() => gateway.Forwarder.Forwarded == Capacity + 1);
        await Assert.That(gateway.Pressure.Phase).IsEqualTo(PressurePhase.Flowing);
        await Assert.That(gateway.Forwarder.LostToFullOutbox).IsEqualTo(3);
        await Assert.That(gateway.Said[^1]).Contains("in which 3 events were lost");
    }

    [Test]
    public async Task An_absence_after_another_one_begins_anew()
    {
        using WebSocketServer discord = new();
        using Gateway gateway = new(discord, WhenFull.Drop);
        using WebSocket first = await FillAsync(discord, gateway);
        await gateway.Running.UntilAsync(() => gateway.Pressure.Phase == PressurePhase.Dropping, step: 1_000);
        using WebSocket second = await ResumeAsync(discord, $"6 abc {Capacity + 1}");
        await second.SendTextAsync(Resumed);
        await gateway.MakeRoomAsync();
        await gateway.Running.UntilAsync(() => gateway.Shard.Phase == ShardPhase.Ready);
        for (int seq = 101; seq <= 101 + Capacity; seq++)
        {
            await second.SendTextAsync(Event(seq));
        }

        await gateway.Running.UntilAsync(() => !gateway.Forwarder.HasRoom);
        await gateway.Running.UntilAsync(() => gateway.Shard.Phase == ShardPhase.WaitingForRoom, step: 1_000);
        await Assert.That(gateway.Forwarder.LostToFullOutbox).IsEqualTo(0);
    }

    [Test]
    public async Task With_close_nothing_is_read_after_a_minute_and_the_shard_closes_again()
    {
        using WebSocketServer discord = new();
        using Gateway gateway = new(discord, WhenFull.Close);
        using WebSocket first = await FillAsync(discord, gateway);
        await gateway.Running.UntilAsync(() => gateway.Pressure.Phase == PressurePhase.Closed, step: 1_000);
        await gateway.Running.UntilAsync(() => gateway.Pressure.Phase == PressurePhase.Full, step: 1_000);

        using WebSocket second = await ResumeAsync(discord, $"6 abc {Capacity + 1}");
        await second.SendTextAsync(Event(10));
        await gateway.Running.UntilAsync(() => gateway.Shard.Phase == ShardPhase.Resuming);
        await gateway.Running.UntilAsync(() => gateway.Shard.Phase == ShardPhase.WaitingForRoom, step: 1_000);

        await Assert.That(await SaidToDiscordAsync(second)).IsEqualTo("closed 4000");
        await Assert.That(gateway.Shard.Session!.Received).IsEqualTo(Capacity + 1);
        await Assert.That(gateway.Forwarder.LostToFullOutbox).IsEqualTo(0);
    }

    [Test]
    public async Task A_shard_that_comes_up_while_the_others_are_away_closes_at_the_next_look()
    {
        using WebSocketServer discord = new();
        using Gateway gateway = new(discord, WhenFull.Drop);
        using (WebSocket first = await FillAsync(discord, gateway, more: 0))
        {
            first.Abort();
        }

        using WebSocket second = await discord.AcceptAsync();
        await gateway.Running.UntilAsync(() => gateway.Pressure.Phase == PressurePhase.Closed, step: 1_000);
        await second.SendTextAsync(ShardTests.Hello);
        await Assert.That(await SaidToDiscordAsync(second)).IsEqualTo($"6 abc {Capacity + 1}");
        await gateway.Running.AdvanceAsync(1_000);

        await gateway.Running.UntilAsync(() => gateway.Shard.Phase == ShardPhase.WaitingForRoom);
        await Assert.That(await SaidToDiscordAsync(second)).IsEqualTo("closed 4000");
    }

    /// <summary>A ready shard whose events have filled the outbox; so many <paramref name="more"/> wait unread.</summary>
    private static async Task<WebSocket> FillAsync(WebSocketServer discord, Gateway gateway, int more = 1)
    {
        WebSocket peer = await discord.AcceptAsync();
        await peer.SendTextAsync(ShardTests.Hello);
        await SaidToDiscordAsync(peer);
        await peer.SendTextAsync(ShardTests.Ready);
        for (int seq = 2; seq <= Capacity + 1 + more; seq++)
        {
            await peer.SendTextAsync(Event(seq));
        }

        await gateway.Running.UntilAsync(() => !gateway.Forwarder.HasRoom);
        return peer;
    }

    private static async Task<WebSocket> ResumeAsync(WebSocketServer discord, string expected)
    {
        WebSocket peer = await discord.AcceptAsync();
        await peer.SendTextAsync(ShardTests.Hello);
        await Assert.That(await SaidToDiscordAsync(peer)).IsEqualTo(expected);
        return peer;
    }

    /// <summary>The next message, heartbeats aside.</summary>
    private static async Task<string> SaidToDiscordAsync(WebSocket peer)
    {
        while (true)
        {
            string message = await ShardTests.ReceiveAsync(peer);
            if (!message.StartsWith("1 ", StringComparison.Ordinal))
            {
                return message;
            }
        }
    }

    private static string Event(int seq) => $$"""{"t":"X","s":{{seq}},"op":0,"d":"{{new string('x', 250_000)}}"}""";

    /// <summary>One shard and its way to 신경, which never connects: what is in the outbox goes when the test says so.</summary>
    private sealed class Gateway : IDisposable
    {
        private readonly SingyeongClient _client;
        private readonly RecordingLogger _logger = new();

        public Gateway(WebSocketServer discord, WhenFull whenFull)
        {
            Running = new RunningLoop(new FakeTimeProvider());
            EventLoop loop = Running.Loop;
            MaskingKeys keys = new();
            Dialer dialer = new(loop, _ => Task.FromResult<IPAddress[]>([IPAddress.Loopback]), null);
            SingyeongIdentity identity = new(
                new Uri("ws://127.0.0.1:1/"), "gateway", SingyeongMessages.Heartbeat("gateway"), SingyeongMessages.Identify("gateway", "app", null, 0, new[] { 0 }, 1), SingyeongEncoding.Json);
            Delivery delivery = new(Capacity * Outbox.ChunkSize, [new UnroutedPolicy(false, 0, "worker", CostsConnection: false)], () => loop.Now, _logger);
            _client = new SingyeongClient(loop, dialer, keys, identity, delivery, new Random(1), _logger);
            TargetTemplateBuilder target = new();
            target.AddJson("""{"application":"worker"}""");
            RouteTable routes = new([new ForwardingRule(0, DispatchKind.Send, target.Build(hasOps: false, "worker"), ["X"], false, default)], cluster: 0, shardCount: 1);
            Forwarder = new Forwarder(loop, routes, _client, keys, _logger);
            IdentifyQueue identifies = new(loop, new MemoryLedger(), _logger);
            loop.Post(() => identifies.Update(new SessionStartLimit(1_000, 1_000, 86_400_000, 1)));
            ShardSettings settings = new()
            {
                Loop = loop,
                Dialer = dialer,
                Keys = keys,
                Token = "token",
                Intents = 513,
                ShardCount = 1,
                Compression = GatewayCompression.None,
                GatewayUrl = discord.Uri(),
                Identifies = identifies,
                Turns = new ResumeTurns(loop),
                Revoked = new RevokedSessions(),
                GatewayUnreachable = () => { },
                Random = new Random(1),
                Logger = _logger,
                GiveUp = _ => { },
            };
            Shard = new Shard(0, settings, Forwarder, null);
            Pressure = new Backpressure(loop, Forwarder, [Shard], whenFull, _logger);
            loop.Post(() =>
            {
                Shard.Start();
                Pressure.Start();
            });
        }

        public RunningLoop Running { get; }

        public Forwarder Forwarder { get; }

        public Shard Shard { get; }

        public Backpressure Pressure { get; }

        /// <summary>What was logged so far.</summary>
        public string[] Said => [.. _logger.Entries.Where(entry => !entry.Contains("has resumed", StringComparison.Ordinal))];

        /// <summary>Everything in the outbox is confirmed.</summary>
        public Task MakeRoomAsync() => Running.RunAsync(() =>
        {
            Outbox outbox = _client.Delivery.Outbox;
            outbox.MarkSent((int)(outbox.End - outbox.Sent));
            outbox.Confirm(outbox.End);
            Pressure.RoomCame();
        });

        public void Dispose()
        {
            Running.RunAsync(() =>
            {
                Pressure.Stop();
                Shard.Stop();
                _client.Dispose();
            }).Wait(RunningLoop.Patience);
            Running.Dispose();
        }
    }
}
