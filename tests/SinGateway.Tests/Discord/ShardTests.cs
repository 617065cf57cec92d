using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using SinGateway.Discord;
using SinGateway.Sessions;
using SinGateway.Tests.Fixtures;
using SinGateway.Tests.Loop;
using SinGateway.Tests.WebSockets;
using SinGateway.WebSockets;

namespace SinGateway.Tests.Discord;

/// <summary>One shard on a real loop against a gateway that a test plays.</summary>
public sealed class ShardTests
{
    internal const string Hello = """{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":41250}}""";
    internal const string Ready = """{"t":"READY","s":1,"op":0,"d":{"session_id":"abc","resume_gateway_url":null}}""";
    private const string Resumed = """{"t":"RESUMED","s":12,"op":0,"d":{}}""";

    [Test]
    public async Task A_new_session_begins_with_IDENTIFY_and_READY_and_its_events_are_received()
    {
        using WebSocketServer server = new();
        using Bot bot = new(server);
        using WebSocket peer = await server.AcceptAsync();
        await peer.SendTextAsync(Hello);
        await Assert.That(await ReceiveAsync(peer)).IsEqualTo("2 token");
        await peer.SendTextAsync(Ready);
        await peer.SendTextAsync(Event(2));
        await peer.SendTextAsync(Event(3));

        await bot.Running.UntilAsync(() => bot.Received.Count == 3);

        await Assert.That(string.Join(' ', bot.Received)).IsEqualTo("READY:1 X:2 X:3");
        await Assert.That(bot.Shard.Phase).IsEqualTo(ShardPhase.Ready);
    }

    [Test]
    public async Task A_stored_session_is_resumed_without_a_permit_from_where_it_was()
    {
        using WebSocketServer server = new();
        using Bot bot = new(server, stored: new Session(0, "abc", null, 9), remaining: 0);
        using WebSocket peer = await server.AcceptAsync();
        await peer.SendTextAsync(Hello);

        await Assert.That(await ReceiveAsync(peer)).IsEqualTo("6 abc 9");
    }

    [Test]
    public async Task A_replay_that_begins_too_early_is_not_forwarded_twice()
    {
        using WebSocketServer server = new();
        using Bot bot = new(server, stored: new Session(0, "abc", null, 9));
        using WebSocket peer = await server.AcceptAsync();
        await peer.SendTextAsync(Hello);
        await ReceiveAsync(peer);
        foreach (int seq in (int[])[8, 9, 10, 11])
        {
            await peer.SendTextAsync(Event(seq));
        }

        await peer.SendTextAsync(Resumed);
        await bot.Running.UntilAsync(() => bot.Shard.Phase == ShardPhase.Ready);

        await Assert.That(string.Join(' ', bot.Received)).IsEqualTo("X:10 X:11 RESUMED:12");
    }

    [Test]
    public async Task A_resume_that_finds_no_room_for_its_events_does_not_time_out()
    {
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using Bot bot = new(server, time, stored: new Session(0, "abc", null, 9)) { Room = 1 };
        Stream stream = await server.AcceptUpgradedAsync();
        using WebSocket peer = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true, KeepAliveInterval = TimeSpan.Zero });
        await peer.SendTextAsync(Hello);
        await ReceiveAsync(peer);

        // In one piece, so that the second waits when the first has been received.
        byte[] events = [.. new[] { 10, 11 }.SelectMany(seq => ServerFrame.Build(Opcode.Text, Encoding.UTF8.GetBytes(Event(seq))))];
        await stream.WriteAsync(events);
        await bot.Running.UntilAsync(() => bot.Received.Count == 1);
        for (int i = 0; i < 5; i++)
        {
            await bot.Running.AdvanceAsync(60_000);
        }

        await Assert.That(bot.Shard.Phase).IsEqualTo(ShardPhase.Resuming);
        await bot.Running.RunAsync(() =>
        {
            bot.Room = int.MaxValue;
            bot.Shard.ContinueReading();
        });
        await peer.SendTextAsync(Resumed);
        await bot.Running.UntilAsync(() => bot.Shard.Phase == ShardPhase.Ready);
        await Assert.That(string.Join(' ', bot.Received)).IsEqualTo("X:10 X:11 RESUMED:12");
    }

    [Test]
    public async Task A_resume_that_is_not_answered_times_out()
    {
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using Bot bot = new(server, time, stored: new Session(0, "abc", null, 9));
        using WebSocket peer = await server.AcceptAsync();
        await peer.SendTextAsync(Hello);
        await ReceiveAsync(peer);
        await bot.Running.UntilAsync(() => bot.Shard.Phase == ShardPhase.Resuming);

        await bot.Running.AdvanceAsync(60_000);

        await Assert.That(bot.Shard.Phase).IsEqualTo(ShardPhase.Connecting);
    }

    [Test]
    public async Task HELLO_that_does_not_come_in_thirty_seconds_costs_the_connection_and_nothing_else()
    {
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using Bot bot = new(server, time, stored: new Session(0, "abc", null, 9));
        using WebSocket first = await server.AcceptAsync();
        await bot.Running.UntilAsync(() => bot.Shard.Phase == ShardPhase.AwaitingHello);
        await bot.Running.AdvanceAsync(29_999);
        await Assert.That(bot.Shard.Phase).IsEqualTo(ShardPhase.AwaitingHello);

        await bot.Running.AdvanceAsync(1);

        await Assert.That(await ReceiveAsync(first)).IsEqualTo("closed 4000");
        using WebSocket second = await server.AcceptAsync();
        await second.SendTextAsync(Hello);
        await Assert.That(await ReceiveAsync(second)).IsEqualTo("6 abc 9");
    }

    [Test]
    public async Task READY_that_does_not_come_in_a_minute_costs_the_connection_and_until_then_heartbeats_go_on()
    {
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using Bot bot = new(server, time);
        using WebSocket first = await server.AcceptAsync();
        await first.SendTextAsync("""{"op":10,"d":{"heartbeat_interval":20000}}""");
        await Assert.That(await ReceiveAsync(first)).IsEqualTo("2 token");
        for (int beat = 0; beat < 2; beat++)
        {
            await bot.Running.AdvanceAsync(20_000);
            await Assert.That(await ReceiveAsync(first)).IsEqualTo("1 null");
            await first.SendTextAsync("""{"op":11}""");
            await bot.Running.UntilAsync(() => bot.Shard.LastHeartbeatAck == bot.Running.Loop.UnixNow);
        }

        await bot.Running.AdvanceAsync(19_999);
        await Assert.That(bot.Shard.Phase).IsEqualTo(ShardPhase.Identifying);
        await bot.Running.AdvanceAsync(1);

        await Assert.That(bot.Shard.Phase).IsEqualTo(ShardPhase.Backoff).Because("the IDENTIFY is spent, so the next waits");
    }

    [Test]
    public async Task A_dead_base_url_is_asked_for_again()
    {
        using WebSocketServer server = new();
        using Bot bot = new(server, gatewayUrl: new Uri("ws://127.0.0.1:1/"));

        await bot.Running.UntilAsync(() => bot.Unreachable > 0);

        await Assert.That(bot.Shard.Session).IsNull();
    }

    [Test]
    public async Task A_resume_whose_missed_events_still_arrive_does_not_time_out()
    {
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using Bot bot = new(server, time, stored: new Session(0, "abc", null, 9));
        using WebSocket peer = await server.AcceptAsync();
        await peer.SendTextAsync("""{"op":10,"d":{"heartbeat_interval":100000000}}""");
        await ReceiveAsync(peer);
        for (int seq = 10; seq < 20; seq++)
        {
            await peer.SendTextAsync(Event(seq));
            await bot.Running.UntilAsync(() => bot.Received.Count == seq - 9);
            await bot.Running.AdvanceAsync(50_000);
        }

        await Assert.That(bot.Shard.Phase).IsEqualTo(ShardPhase.Resuming);
    }

    [Test]
    public async Task A_message_that_is_too_large_after_the_same_seq_again_ends_the_session()
    {
        byte[] claimsTooMuch = [0x82, 127, 0, 0, 0, 0, 8, 0, 0, 0];
        using WebSocketServer server = new();
        using Bot bot = new(server, stored: new Session(0, "abc", null, 9));
        for (int attempt = 0; attempt < 2; attempt++)
        {
            Stream stream = await server.AcceptUpgradedAsync();
            using WebSocket peer = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true, KeepAliveInterval = TimeSpan.Zero });
            await peer.SendTextAsync(Hello);
            await Assert.That(await ReceiveAsync(peer)).IsEqualTo("6 abc 9").Because("once may be an accident");
            await stream.WriteAsync(claimsTooMuch);
        }

        await bot.Running.UntilAsync(() => bot.Shard.Session is null);
    }

    [Test]
    public async Task A_compressed_message_may_span_several_frames()
    {
        using SyncFlushedStream stream = new();
        using WebSocketServer server = new();
        using Bot bot = new(server, stored: new Session(0, "abc", null, 9), compression: GatewayCompression.ZlibStream);
        using WebSocket peer = await server.AcceptAsync();
        await peer.SendMessageAsync(stream.Compress(Encoding.UTF8.GetBytes(Hello)), WebSocketMessageType.Binary);
        await ReceiveAsync(peer);
        Random random = new(1);
        for (int seq = 10; seq < 60; seq++)
        {
            ReadOnlyMemory<byte> rest = stream.Compress(Encoding.UTF8.GetBytes(Event(seq)));
            while (rest.Length > 0)
            {
                int size = random.Next(1, rest.Length + 1);
                await peer.SendMessageAsync(rest[..size], WebSocketMessageType.Binary);
                rest = rest[size..];
            }
        }

        await bot.Running.UntilAsync(() => bot.Received.Count == 50 || bot.Shard.Phase != ShardPhase.Resuming);
        await Assert.That(string.Join(' ', bot.Received)).IsEqualTo(string.Join(' ', Enumerable.Range(10, 50).Select(seq => $"X:{seq}")));
    }

    [Test]
    [Arguments(nameof(GatewayCompression.ZlibStream), "zlib-stream")]
    [Arguments(nameof(GatewayCompression.ZstdStream), "zstd-stream")]
    public async Task A_compressed_stream_that_breaks_is_counted_and_its_session_resumed_with_a_new_one(string name, string parameter)
    {
        GatewayCompression compression = Enum.Parse<GatewayCompression>(name);
        using WebSocketServer server = new();
        using Bot bot = new(server, stored: new Session(0, "abc", null, 9), compression: compression);
        for (int connection = 0; connection < 2; connection++)
        {
            using SyncFlushedStream stream = new(compression);
            using WebSocket peer = await server.AcceptAsync();
            await peer.SendMessageAsync(stream.Compress(Encoding.UTF8.GetBytes(Hello)), WebSocketMessageType.Binary);
            await Assert.That(await ReceiveAsync(peer)).IsEqualTo($"6 abc {9 + connection}");
            await peer.SendMessageAsync(stream.Compress(Encoding.UTF8.GetBytes(Event(10 + connection))), WebSocketMessageType.Binary);
            await peer.SendMessageAsync(new byte[] { 0x07, 0x07, 0x07, 0x07, 0x00, 0x00, 0xFF, 0xFF }, WebSocketMessageType.Binary);
            await Assert.That(await ReceiveAsync(peer)).IsEqualTo("closed 4000");
        }

        await bot.Running.UntilAsync(() => bot.Shard.BrokenStreams == 2);
        await Assert.That(string.Join(' ', bot.Received)).IsEqualTo("X:10 X:11");
        await Assert.That(bot.Settings.ConnectionUri(null).Query).EndsWith("&compress=" + parameter);
    }

    [Test]
    public async Task A_heartbeat_that_is_not_acknowledged_before_the_next_ends_the_connection_resumably()
    {
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using Bot bot = new(server, time);
        using WebSocket peer = await server.AcceptAsync();
        await peer.SendTextAsync(Hello);
        await ReceiveAsync(peer);
        await peer.SendTextAsync(Ready);
        await bot.Running.UntilAsync(() => bot.Shard.Phase == ShardPhase.Ready);

        await bot.Running.AdvanceAsync(41_250);
        await Assert.That(await ReceiveAsync(peer)).IsEqualTo("1 1");
        await peer.SendTextAsync("""{"op":11}""");
        await bot.Running.UntilAsync(() => bot.Shard.LastHeartbeatAck > 0);
        await bot.Running.AdvanceAsync(41_250);
        await Assert.That(await ReceiveAsync(peer)).IsEqualTo("1 1");
        await bot.Running.AdvanceAsync(41_250);

        await Assert.That(await ReceiveAsync(peer)).IsEqualTo("closed 4000");
        await Assert.That(bot.Shard.Session!.Id).IsEqualTo("abc");
    }

    [Test]
    public async Task A_heartbeat_that_Discord_asks_for_is_sent_at_once()
    {
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using Bot bot = new(server, time);
        using WebSocket peer = await server.AcceptAsync();
        await peer.SendTextAsync(Hello);
        await ReceiveAsync(peer);

        await peer.SendTextAsync("""{"op":1,"d":null}""");

        await Assert.That(await ReceiveAsync(peer)).IsEqualTo("1 null");
    }

    [Test]
    public async Task A_heartbeat_that_Discord_asked_for_just_before_the_next_one_costs_no_connection()
    {
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using Bot bot = new(server, time);
        using WebSocket peer = await server.AcceptAsync();
        await peer.SendTextAsync(Hello);
        await ReceiveAsync(peer);
        await peer.SendTextAsync(Ready);
        await bot.Running.UntilAsync(() => bot.Shard.Phase == ShardPhase.Ready);
        await bot.Running.AdvanceAsync(41_250);
        await Assert.That(await ReceiveAsync(peer)).IsEqualTo("1 1");
        await peer.SendTextAsync("""{"op":11}""");
        await bot.Running.UntilAsync(() => bot.Shard.LastHeartbeatAck > 0);

        await bot.Running.AdvanceAsync(41_249);
        await peer.SendTextAsync("""{"op":1,"d":null}""");
        await Assert.That(await ReceiveAsync(peer)).IsEqualTo("1 1");
        await bot.Running.AdvanceAsync(1);

        await Assert.That(await ReceiveAsync(peer)).IsEqualTo("1 1").Because("its ack is on its way");
        await bot.Running.AdvanceAsync(41_250);
        await Assert.That(await ReceiveAsync(peer)).IsEqualTo("closed 4000").Because("neither was acknowledged");
    }

    [Test]
    public async Task Opcode_7_before_HELLO_makes_the_shard_connect_again()
    {
        using WebSocketServer server = new();
        using Bot bot = new(server);
        using (WebSocket first = await server.AcceptAsync())
        {
            await first.SendTextAsync("""{"op":7}""");
            await Assert.That(await ReceiveAsync(first)).IsEqualTo("closed 4000");
        }

        using WebSocket second = await server.AcceptAsync();
        await second.SendTextAsync(Hello);
        await Assert.That(await ReceiveAsync(second)).IsEqualTo("2 token");
    }

    [Test]
    public async Task A_connection_that_is_given_up_since_its_IDENTIFY_was_not_counted_says_so()
    {
        using WebSocketServer server = new();
        using Bot bot = new(server, ledger: new MemoryLedger { Problem = "no space" });
        using WebSocket peer = await server.AcceptAsync();
        await peer.SendTextAsync(Hello);

        await Assert.That(await ReceiveAsync(peer)).IsEqualTo("closed 4000");
        await bot.Running.TurnAsync();
        await Assert.That(bot.Log.Entries.Single(entry => entry.Contains("lost its connection"))).Contains("the IDENTIFY could not be counted, or came too late");
    }

    [Test]
    public async Task A_wrong_token_stops_the_bot_with_its_code()
    {
        using WebSocketServer server = new();
        using Bot bot = new(server);
        using WebSocket peer = await server.AcceptAsync();
        await peer.SendTextAsync(Hello);
        await ReceiveAsync(peer);

        await peer.CloseOutputAsync((WebSocketCloseStatus)4004, "Authentication failed.", CancellationToken.None);

        await Assert.That(await bot.GaveUp).IsEqualTo(4004);
    }

    internal static string Event(int seq) => $$$"""{"t":"X","s":{{{seq}}},"op":0,"d":{"content":"{{{new string('x', seq * 7)}}}"}}""";

    /// <summary>The next message: its opcode and what matters of its data.</summary>
    internal static async Task<string> ReceiveAsync(WebSocket peer)
    {
        (WebSocketMessageType type, byte[] message) = await peer.ReceiveMessageAsync();
        if (type == WebSocketMessageType.Close)
        {
            return $"closed {(int)peer.CloseStatus!.Value}";
        }

        using JsonDocument json = JsonDocument.Parse(message);
        JsonElement data = json.RootElement.GetProperty("d");
        return json.RootElement.GetProperty("op").GetInt32() switch
        {
            1 => $"1 {data.GetRawText()}",
            2 => $"2 {data.GetProperty("token").GetString()}",
            6 => $"6 {data.GetProperty("session_id").GetString()} {data.GetProperty("seq")}",
            int op => op.ToString(),
        };
    }

    /// <summary>A bot of one shard that keeps the names and seqs of its events.</summary>
    internal sealed class Bot : IDispatchReceiver, IDisposable
    {
        private readonly TaskCompletionSource<int> _gaveUp = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Bot(
            WebSocketServer server,
            FakeTimeProvider? time = null,
            Session? stored = null,
            int remaining = 1_000,
            GatewayCompression compression = GatewayCompression.None,
            long intents = 513,
            Uri? gatewayUrl = null,
            MemoryLedger? ledger = null)
        {
            Running = new RunningLoop(time);
            RecordingLogger logger = Log;
            IdentifyQueue identifies = new(Running.Loop, ledger ?? new MemoryLedger(), logger);
            Running.Loop.Post(() => identifies.Update(new SessionStartLimit(1_000, remaining, 86_400_000, 1)));
            ShardSettings settings = new()
            {
                Loop = Running.Loop,
                Dialer = new Dialer(Running.Loop, _ => Task.FromResult<IPAddress[]>([IPAddress.Loopback]), null),
                Keys = new MaskingKeys(),
                Token = "token",
                Intents = intents,
                ShardCount = 1,
                Compression = compression,
                GatewayUrl = gatewayUrl ?? server.Uri(),
                Identifies = identifies,
                Turns = new ResumeTurns(Running.Loop),
                Revoked = new RevokedSessions(),
                GatewayUnreachable = () => Unreachable++,
                Random = new Random(1),
                Logger = logger,
                GiveUp = code => _gaveUp.TrySetResult(code),
            };
            Settings = settings;
            Shard = new Shard(0, settings, this, stored);
            Running.Loop.Post(Shard.Start);
        }

        public RunningLoop Running { get; }

        public Shard Shard { get; }

        public RecordingLogger Log { get; } = new();

        public ShardSettings Settings { get; }

        public List<string> Received { get; } = [];

        /// <summary>How often the base URL was found dead.</summary>
        public int Unreachable { get; private set; }

        /// <summary>Events that it still takes.</summary>
        public int Room { get; set; } = int.MaxValue;

        public bool HasRoom => Room > 0;

        public Task<int> GaveUp => _gaveUp.Task.WaitAsync(RunningLoop.Patience);

        public void Receive(Session session, ReadOnlySpan<byte> eventName, long seq, ReadOnlySpan<byte> message)
        {
            Room--;
            Received.Add($"{Encoding.UTF8.GetString(eventName)}:{seq}");
            session.Receive(seq, forwarded: false, Running.Loop.Now);
        }

        public void Dispose()
        {
            Running.RunAsync(Shard.Stop).Wait(RunningLoop.Patience);
            Running.Dispose();
        }
    }
}
