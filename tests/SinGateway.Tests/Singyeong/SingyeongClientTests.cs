using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using SinGateway.Forwarding;
using SinGateway.Sessions;
using SinGateway.Singyeong;
using SinGateway.Tests.Fixtures;
using SinGateway.Tests.Loop;
using SinGateway.Tests.WebSockets;
using SinGateway.WebSockets;

namespace SinGateway.Tests.Singyeong;

/// <summary>The client on a real loop against a server that a test plays.</summary>
public sealed partial class SingyeongClientTests
{
    [Test]
    public async Task Events_go_out_in_order_and_are_committed_by_the_ack_of_their_barrier()
    {
        using WebSocketServer server = new();
        using Gateway gateway = new(server);
        using SingyeongPeer peer = await SingyeongPeer.AcceptReadyAsync(server);
        await gateway.ForwardAsync(1, 2, 3);
        await gateway.BarrierAsync();
        await Assert.That(await peer.ReceiveAsync(4)).IsEqualTo("1 2 3 heartbeat");
        await gateway.ForwardAsync(4);
        await Assert.That(gateway.Session.Committed).IsEqualTo(-1);

        await peer.AckAsync();
        await gateway.Running.UntilAsync(() => gateway.Session.Committed == 3);

        await Assert.That(gateway.Client.Delivery.Outbox.Confirmed).IsLessThan(gateway.Client.Delivery.Outbox.End);
    }

    [Test]
    public async Task A_barrier_follows_by_itself_within_a_second()
    {
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using Gateway gateway = new(server, time);
        using SingyeongPeer peer = await SingyeongPeer.AcceptReadyAsync(server);
        await gateway.Running.UntilAsync(() => gateway.Client.IsReady);
        await gateway.ForwardAsync(1);
        await Assert.That(await peer.ReceiveAsync(1)).IsEqualTo("1");

        await gateway.Running.AdvanceAsync(1_000);

        await Assert.That(await peer.ReceiveAsync(1)).IsEqualTo("heartbeat");
    }

    [Test]
    public async Task What_is_not_confirmed_is_sent_again_after_a_cut_in_the_middle_of_a_frame()
    {
        using WebSocketServer server = new();
        using Gateway gateway = new(server);
        Socket socket;
        using (Stream raw = await server.AcceptUpgradedAsync())
        {
            socket = ((NetworkStream)raw).Socket;
            await raw.WriteAsync(ServerFrame.Build(Opcode.Text, """{"d":{"heartbeat_interval":45000},"op":0}"""u8));
            await WebSocketConnectionTests.ReadFramesAsync(raw, 1);
            await raw.WriteAsync(ServerFrame.Build(Opcode.Text, """{"d":{"restricted":false},"op":2}"""u8));
            await gateway.Running.UntilAsync(() => gateway.Client.IsReady);
            await gateway.ForwardAsync(300_000, [1, 2, 3]);

            // Into the second frame, and no further.
            await raw.ReadExactlyAsync(new byte[400_000]).AsTask().WaitAsync(RunningLoop.Patience);
            socket.Close(0);
        }

        using SingyeongPeer peer = await SingyeongPeer.AcceptReadyAsync(server);
        await gateway.BarrierAsync();

        // Barriers stand behind each 256 KiB, and are sent again too.
        List<string> seqs = [];
        while (seqs.Count < 3)
        {
            string packet = await peer.ReceiveAsync();
            if (packet != "heartbeat")
            {
                seqs.Add(packet.Split(':')[2]);
            }
        }

        await Assert.That(string.Join(' ', seqs)).IsEqualTo("1 2 3");
    }

    [Test]
    public async Task What_is_confirmed_is_not_sent_again()
    {
        using WebSocketServer server = new();
        using Gateway gateway = new(server);
        using (SingyeongPeer peer = await SingyeongPeer.AcceptReadyAsync(server))
        {
            await gateway.ForwardAsync(1, 2);
            await gateway.BarrierAsync();
            await peer.ReceiveAsync(3);
            await peer.AckAsync();
            await gateway.Running.UntilAsync(() => gateway.Session.Committed == 2);
            await gateway.ForwardAsync(3);
            await peer.ReceiveAsync(1);
            peer.Abort();
        }

        using SingyeongPeer next = await SingyeongPeer.AcceptReadyAsync(server);
        await gateway.ForwardAsync(4);
        await Assert.That(await next.ReceiveAsync(3)).IsEqualTo("3 heartbeat 4");
    }

    [Test]
    public async Task What_arrives_while_there_is_no_connection_goes_out_when_there_is_one()
    {
        using WebSocketServer server = new();
        using Gateway gateway = new(server);
        await gateway.ForwardAsync(1, 2);

        using SingyeongPeer peer = await SingyeongPeer.AcceptReadyAsync(server);

        await Assert.That(await peer.ReceiveAsync(2)).IsEqualTo("1 2");
    }

    [Test]
    public async Task A_restricted_gateway_is_refused_for_good()
    {
        using WebSocketServer server = new();
        using Gateway gateway = new(server);
        using SingyeongPeer peer = await SingyeongPeer.AcceptReadyAsync(server, restricted: true);

        string message = await gateway.Refused;
        await Assert.That(message).Contains("the password in singyeongDSN is wrong or missing");
        await Assert.That(message).Contains("the server has no password and one was given");
    }

    [Test]
    public async Task A_dispatch_that_a_restricted_client_may_not_send_is_refused_for_good()
    {
        using WebSocketServer server = new();
        using Gateway gateway = new(server);
        using SingyeongPeer peer = await SingyeongPeer.AcceptReadyAsync(server);

        await peer.SendAsync("""{"d":{"error":"invalid dispatch type SEND (are you restricted?)","extra_info":null},"op":3,"t":null,"ts":1}""");

        await Assert.That(await gateway.Refused).Contains("password");
    }

    [Test]
    public async Task A_refused_encoding_is_refused_for_good()
    {
        using WebSocketServer server = new();
        using Gateway gateway = new(server);
        using Stream stream = await server.AcceptStreamAsync();
        await WebSocketServer.ReadHeadAsync(stream);

        await stream.WriteAsync("HTTP/1.1 403 Forbidden\r\n\r\n"u8.ToArray());

        await Assert.That(await gateway.Refused).Contains("encoding");
    }

    [Test]
    public async Task A_client_id_that_is_still_registered_is_tried_again()
    {
        using WebSocketServer server = new();
        using Gateway gateway = new(server, backsOff: true);
        for (int i = 0; i < 3; i++)
        {
            using SingyeongPeer refusing = await SingyeongPeer.AcceptAsync(server);
            await refusing.SendAsync("""{"d":{"error":"gateway: already registered for app APP","extra_info":null},"op":8,"t":null,"ts":1}""");
            await Assert.That(await refusing.ReceiveAsync()).IsEqualTo("closed");
        }

        using SingyeongPeer peer = await SingyeongPeer.AcceptReadyAsync(server);
        await gateway.Running.UntilAsync(() => gateway.Client.IsReady);
        await Assert.That(gateway.Logger.Entries.First()).Contains("still holds an older connection");
    }

    [Test]
    [Arguments("""{"d":{},"op":7,"t":null,"ts":1}""")]
    [Arguments("""{"d":{"error":"heartbeat took too long","extra_info":null},"op":8,"t":null,"ts":1}""")]
    public async Task After_a_goodbye_or_an_error_it_connects_again(string packet)
    {
        using WebSocketServer server = new();
        using Gateway gateway = new(server);
        using (SingyeongPeer peer = await SingyeongPeer.AcceptReadyAsync(server))
        {
            await gateway.ForwardAsync(1);
            await peer.ReceiveAsync(1);
            await peer.SendAsync(packet);
            await Assert.That(await peer.ReceiveAsync()).IsEqualTo("closed");
        }

        using SingyeongPeer next = await SingyeongPeer.AcceptReadyAsync(server);
        await Assert.That(await next.ReceiveAsync(1)).IsEqualTo("1");
    }

    [Test]
    public async Task Answers_are_read_while_writing_is_blocked()
    {
        const int Answers = 5_000;
        using WebSocketServer server = new();
        using Gateway gateway = new(server);
        using SingyeongPeer peer = await SingyeongPeer.AcceptReadyAsync(server);
        await gateway.Running.UntilAsync(() => gateway.Client.IsReady);

        // More than the sockets hold, and nobody reads it.
        await gateway.ForwardAsync(20_000_000, [1]);
        string noRoute = """{"d":{"error":"no_route","extra_info":{"d":{"nonce":"0:ba7816bf:1:0"}}},"op":3,"t":null,"ts":1}""";
        for (int i = 0; i < Answers; i++)
        {
            await peer.SendAsync(noRoute);
        }

        await gateway.Running.UntilAsync(() => gateway.Client.Delivery.Unrouted == Answers);
        await Assert.That(gateway.Client.Delivery.Outbox.Sent).IsLessThan(gateway.Client.Delivery.Outbox.End);
        await Assert.That(await peer.ReceiveAsync(1)).IsEqualTo("1");
    }

    [Test]
    public async Task A_server_that_stops_reading_is_given_up_after_60_seconds()
    {
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using Gateway gateway = new(server, time);
        using SingyeongPeer frozen = await SingyeongPeer.AcceptReadyAsync(server);
        await gateway.Running.UntilAsync(() => gateway.Client.IsReady);

        // The barrier behind it cannot even be sent.
        await gateway.ForwardAsync(20_000_000, [1]);
        await gateway.BarrierAsync();
        await gateway.Running.AdvanceAsync(60_000);

        await gateway.Running.UntilAsync(() => !gateway.Client.IsReady);
        Task<SingyeongPeer> accepting = SingyeongPeer.AcceptReadyAsync(server);
        await gateway.Running.UntilAsync(() => accepting.IsCompleted);
        using SingyeongPeer next = await accepting;
        await Assert.That(await next.ReceiveAsync(1)).IsEqualTo("1");
    }

    [Test]
    public async Task An_unanswered_barrier_is_given_up_after_60_seconds()
    {
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using Gateway gateway = new(server, time);
        using SingyeongPeer silent = await SingyeongPeer.AcceptReadyAsync(server);
        await gateway.Running.UntilAsync(() => gateway.Client.IsReady);
        await gateway.ForwardAsync(1);
        await gateway.BarrierAsync();
        await silent.ReceiveAsync(2);

        await gateway.Running.AdvanceAsync(59_999);
        await Assert.That(gateway.Client.IsReady).IsTrue();
        await gateway.Running.AdvanceAsync(1);
        await Assert.That(gateway.Client.IsReady).IsFalse();
    }

    [Test]
    public async Task An_idle_client_sends_heartbeats_at_the_interval_of_hello()
    {
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using Gateway gateway = new(server, time);
        using SingyeongPeer peer = await SingyeongPeer.AcceptReadyAsync(server);
        await gateway.Running.UntilAsync(() => gateway.Client.IsReady);
        for (int i = 0; i < 3; i++)
        {
            await gateway.Running.AdvanceAsync(45_000);
            await Assert.That(await peer.ReceiveAsync(1)).IsEqualTo("heartbeat");
            await peer.AckAsync();
            await gateway.Running.UntilAsync(() => gateway.Client.Delivery.Barriers.Open == 0);
        }
    }

    [Test]
    public async Task What_is_dropped_for_want_of_room_is_committed_once_everything_before_it_is()
    {
        using WebSocketServer server = new();
        using Gateway gateway = new(server, outbox: 1024 * 1024);
        using SingyeongPeer peer = await SingyeongPeer.AcceptReadyAsync(server);
        await gateway.ForwardAsync(250_000, [1, 2, 3, 4]);
        await gateway.DropWhenFullAsync();
        await gateway.ForwardAsync(5, 6);

        await Assert.That(gateway.LostToFullOutbox).IsEqualTo(2);
        await Assert.That(gateway.Session.Received).IsEqualTo(6);
        await Assert.That(gateway.Session.Committed).IsLessThan(5);
        await gateway.BarrierAsync();
        while (gateway.Session.Committed < 6)
        {
            if (await peer.ReceiveAsync() == "heartbeat")
            {
                await peer.AckAsync();
                await gateway.Running.TurnAsync();
            }
        }

        await gateway.ForwardAsync(7);
        await Assert.That(gateway.LostToFullOutbox).IsEqualTo(2).Because("there is room again");
    }

    [Test]
    public async Task Room_is_told_when_a_full_outbox_was_confirmed()
    {
        using WebSocketServer server = new();
        using Gateway gateway = new(server, outbox: 1024 * 1024);
        using SingyeongPeer peer = await SingyeongPeer.AcceptReadyAsync(server);
        await gateway.ForwardAsync(250_000, [1, 2, 3, 4]);
        await Assert.That(gateway.Client.Delivery.IsFull).IsTrue();
        await gateway.BarrierAsync();
        int told = 0;
        await gateway.Running.RunAsync(() => gateway.Client.HasRoom += () => told++);

        for (int events = 0; events < 4;)
        {
            if (await peer.ReceiveAsync() == "heartbeat")
            {
                await peer.AckAsync();
            }
            else
            {
                events++;
            }
        }

        Task<string> heartbeat = peer.ReceiveAsync();
        await gateway.Running.UntilAsync(() => told > 0 || heartbeat.IsCompleted);
        if (heartbeat.IsCompleted)
        {
            await peer.AckAsync();
        }

        await gateway.Running.UntilAsync(() => told > 0);
        await Assert.That(gateway.Client.Delivery.IsFull).IsFalse();
    }

    [Test]
    public async Task What_is_no_packet_is_ignored()
    {
        using WebSocketServer server = new();
        using Gateway gateway = new(server);
        using SingyeongPeer peer = await SingyeongPeer.AcceptReadyAsync(server);
        await peer.SendAsync("not JSON");
        await peer.SendAsync("""{"op":42}""");

        await gateway.ForwardAsync(1);

        await Assert.That(await peer.ReceiveAsync(1)).IsEqualTo("1");
    }

    [Test]
    [Arguments(SingyeongEncoding.Msgpack)]
    [Arguments(SingyeongEncoding.Etf)]
    internal async Task In_another_encoding_everything_goes_in_binary_frames_and_what_cannot_be_written_is_dropped_and_told(SingyeongEncoding encoding)
    {
        using WebSocketServer server = new();
        using Gateway gateway = new(server, encoding: encoding);
        using WebSocket socket = await server.AcceptAsync();
        await SendAsync("""{"d":{"heartbeat_interval":45000},"op":0,"t":null,"ts":1}""");
        await Assert.That(await ReceiveAsync()).StartsWith("""{"op":1,"d":{"client_id":"gateway",""");
        await SendAsync("""{"d":{"client_id":"gateway","restricted":false},"op":2,"t":null,"ts":1}""");
        await gateway.Running.UntilAsync(() => gateway.Client.IsReady);

        await gateway.ReceiveAsync(1, new string('[', 513) + new string(']', 513));
        await gateway.ReceiveAsync(2, "{");
        await gateway.ReceiveAsync(3, """{"a":[1]}""");
        await gateway.BarrierAsync();

        await Assert.That(await ReceiveAsync()).IsEqualTo(
            """{"op":4,"t":"SEND","d":{"target":{"application":"worker"},"nonce":"0:ba7816bf:3:0","payload":{"a":[1]}}}""");
        await Assert.That(await ReceiveAsync()).IsEqualTo("""{"op":5,"d":{"client_id":"gateway"}}""");
        await SendAsync("""{"d":{"client_id":"gateway"},"op":6,"t":null,"ts":1}""");
        await gateway.Running.UntilAsync(() => gateway.Session.Committed == 3);
        await Assert.That(gateway.Unencodable).IsEqualTo(2);
        await Assert.That(gateway.Logger.Entries.Where(line => line.Contains("cannot be written in the encoding", StringComparison.Ordinal))).Count().IsEqualTo(2);

        Task SendAsync(string json) => socket.SendAsync(Transcoding.Encode(encoding, json), WebSocketMessageType.Binary, true, CancellationToken.None);

        async Task<string?> ReceiveAsync()
        {
            (WebSocketMessageType type, byte[] message) = await socket.ReceiveMessageAsync();
            return type == WebSocketMessageType.Binary ? Transcoding.Decode(encoding, message) : type.ToString();
        }
    }

    [Test]
    public async Task A_dispatch_for_the_gateway_is_handed_on_with_its_payload()
    {
        using WebSocketServer server = new();
        using Gateway gateway = new(server);
        List<string> received = [];
        gateway.Client.CommandReceived += payload => received.Add(Encoding.UTF8.GetString(payload));
        using SingyeongPeer peer = await SingyeongPeer.AcceptReadyAsync(server);

        await peer.SendAsync("""{"d":{"nonce":"n1","payload":{"op":8,"d":{"a":[1]}},"target":null},"op":4,"t":"SEND","ts":1}""");
        await peer.SendAsync("""{"d":{"nonce":null,"payload":"x","target":null},"op":4,"t":"BROADCAST","ts":1}""");
        await peer.SendAsync("""{"d":{"payload":{"app":"worker"}},"op":4,"t":"CLIENT_CONNECTED","ts":1}""");
        await peer.SendAsync("""{"d":{"nonce":"n2","target":null},"op":4,"t":"SEND","ts":1}""");
        await gateway.Running.UntilAsync(() => received.Count == 3);

        await Assert.That(string.Join(' ', received)).IsEqualTo("""{"op":8,"d":{"a":[1]}} "x" """);
    }

    /// <summary>A client with the forwarder before it and one session of one shard.</summary>
    private sealed class Gateway : IDisposable
    {
        private readonly Forwarder _forwarder;
        private readonly TaskCompletionSource<string> _refused = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <param name="server">What it connects to.</param>
        /// <param name="time">
        /// Its clock. Without, it stands still, so that no barrier follows by itself because the machine is slow, and a connection that worked is
        /// replaced at once all the same.
        /// </param>
        /// <param name="outbox">Its size, in bytes.</param>
        /// <param name="encoding">Of what is sent.</param>
        /// <param name="holds">Whether what nobody takes is held.</param>
        /// <param name="backsOff">The clock goes on, for a test whose connections fail again and again.</param>
        public Gateway(
            WebSocketServer server,
            FakeTimeProvider? time = null,
            long outbox = 64 * 1024 * 1024,
            SingyeongEncoding encoding = SingyeongEncoding.Json,
            bool holds = false,
            bool backsOff = false)
        {
            Running = new RunningLoop(backsOff ? null : time ?? new FakeTimeProvider());
            MaskingKeys keys = new();
            Dialer dialer = new(Running.Loop, _ => Task.FromResult<IPAddress[]>([]), null);
            Identity = new(
                server.Uri(), "gateway", SingyeongMessages.Heartbeat("gateway"), SingyeongMessages.Identify("gateway", "app", null, 0, new[] { 0 }, 1), encoding);
            Delivery delivery = new(outbox, [new UnroutedPolicy(holds, 60_000, "worker", CostsConnection: false)], () => Running.Loop.Now, Logger);
            Client = new SingyeongClient(Running.Loop, dialer, keys, Identity, delivery, new Random(1), Logger);
            Client.Refused += message => _refused.TrySetResult(message);
            TargetTemplateBuilder target = new();
            target.AddJson("""{"application":"worker"}""");
            RouteTable routes = new([new ForwardingRule(0, DispatchKind.Send, target.Build(hasOps: false, "worker"), ["X"], holds, TimeSpan.FromMinutes(1))], cluster: 0, shardCount: 1);
            _forwarder = new Forwarder(Running.Loop, routes, Client, keys, Logger);
            Running.Loop.Post(Client.Connect);
        }

        public RunningLoop Running { get; }

        public SingyeongIdentity Identity { get; }

        public SingyeongClient Client { get; }

        public Session Session { get; } = new(0, "abc", null, -1);

        public RecordingLogger Logger { get; } = new();

        public Task<string> Refused => _refused.Task.WaitAsync(RunningLoop.Patience);

        public Task ForwardAsync(params long[] seqs) => ForwardAsync(10, seqs);

        public Task ForwardAsync(int payload, long[] seqs) => Running.RunAsync(() => Forward(payload, seqs));

        /// <summary>On the loop's thread.</summary>
        public void Forward(int payload, params long[] seqs)
        {
            foreach (long seq in seqs)
            {
                byte[] message = Encoding.UTF8.GetBytes($$$"""{"t":"X","s":{{{seq}}},"op":0,"d":"{{{new string('x', payload)}}}"}""");
                _forwarder.Receive(Session, "X"u8, seq, message);
            }
        }

        public long Unencodable => _forwarder.Unencodable;

        public Task ReceiveAsync(long seq, string message) => Running.RunAsync(() => _forwarder.Receive(Session, "X"u8, seq, Encoding.UTF8.GetBytes(message)));

        public long LostToFullOutbox => _forwarder.LostToFullOutbox;

        public Task DropWhenFullAsync() => Running.RunAsync(() => _forwarder.DropsWhenFull = true);

        public Task BarrierAsync() => Running.RunAsync(Client.BeginBarrier);

        public void Dispose()
        {
            Running.RunAsync(Client.Dispose).Wait(RunningLoop.Patience);
            Running.Dispose();
        }
    }
}
