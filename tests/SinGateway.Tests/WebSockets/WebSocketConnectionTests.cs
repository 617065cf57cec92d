using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using SinGateway.Loop;
using SinGateway.Tests.Loop;
using SinGateway.WebSockets;

namespace SinGateway.Tests.WebSockets;

/// <summary>The client against .NET's websockets as the server.</summary>
public sealed class WebSocketConnectionTests
{
    [Test]
    [Arguments(false, 1)]
    [Arguments(false, 2)]
    [Arguments(false, 3)]
    [Arguments(true, 1)]
    [Arguments(true, 2)]
    [Arguments(true, 3)]
    public async Task Messages_arrive_whole_and_in_order_in_both_directions_however_they_are_cut(bool secure, int seed)
    {
        using TestCertificates certificates = new();
        using WebSocketServer server = new(secure ? certificates.Issue("127.0.0.1") : null);
        using TlsContext tls = TlsContext.Create(certificates.Bundle);
        using TestClient client = new(server.Uri(), tls);
        using WebSocket peer = await server.AcceptAsync(stream => new ShreddingStream(stream, seed, 3_000));
        await client.Opened;

        Random random = new(seed);
        (byte[] Bytes, bool Binary)[] down = [.. Enumerable.Range(0, 150).Select(i => (Bytes(random, i), random.Next(2) == 0))];
        (byte[] Bytes, bool Binary)[] up = [.. Enumerable.Range(0, 150).Select(i => (Bytes(random, i), random.Next(2) == 0))];
        Task sending = SendFragmentedAsync(peer, down, random);
        Task streaming = StreamAsync(client, up);
        foreach ((byte[] bytes, bool binary) in up)
        {
            (WebSocketMessageType type, byte[] message) = await peer.ReceiveMessageAsync();
            await Assert.That(type == WebSocketMessageType.Binary).IsEqualTo(binary);
            await Assert.That(message.AsSpan().SequenceEqual(bytes)).IsTrue();
        }

        foreach ((byte[] bytes, bool binary) in down)
        {
            (byte[] message, bool isBinary) = await client.NextAsync();
            await Assert.That(isBinary).IsEqualTo(binary);
            await Assert.That(message.AsSpan().SequenceEqual(bytes)).IsTrue();
        }

        await sending;
        await streaming;
    }

    [Test]
    [Arguments(false)]
    [Arguments(true)]
    public async Task Messages_of_several_megabytes_arrive_as_they_were_sent(bool secure)
    {
        using TestCertificates certificates = new();
        using WebSocketServer server = new(secure ? certificates.Issue("127.0.0.1") : null);
        using TlsContext tls = TlsContext.Create(certificates.Bundle);
        using TestClient client = new(server.Uri(), tls);
        using WebSocket peer = await server.AcceptAsync();
        await client.Opened;
        byte[] large = new byte[9_000_001];
        new Random(1).NextBytes(large);

        Task sending = peer.SendMessageAsync(large, WebSocketMessageType.Binary);
        Task alsoSending = sending.ContinueWith(_ => peer.SendTextAsync("after"), TaskScheduler.Default).Unwrap();
        await client.SendAsync(large, Opcode.Binary);
        await client.SendAsync("after"u8.ToArray());

        await Assert.That((await peer.ReceiveMessageAsync()).Message.AsSpan().SequenceEqual(large)).IsTrue();
        await Assert.That(await peer.ReceiveTextAsync()).IsEqualTo("after");
        await Assert.That((await client.NextAsync()).Bytes.AsSpan().SequenceEqual(large)).IsTrue();
        await Assert.That(Encoding.UTF8.GetString((await client.NextAsync()).Bytes)).IsEqualTo("after");
        await alsoSending;
    }

    [Test]
    [Arguments(false)]
    [Arguments(true)]
    public async Task An_owner_without_room_gets_nothing_and_later_everything_in_order(bool secure)
    {
        const int Messages = 4_000;
        using TestCertificates certificates = new();
        using WebSocketServer server = new(secure ? certificates.Issue("127.0.0.1") : null);
        using TlsContext tls = TlsContext.Create(certificates.Bundle);
        using TestClient client = new(server.Uri(), tls) { Room = 10 };
        using WebSocket peer = await server.AcceptAsync();
        await client.Opened;
        Task sending = Task.Run(async () =>
        {
            for (int i = 0; i < Messages; i++)
            {
                await peer.SendTextAsync($"{i} {new string('x', i % 3_000)}");
            }
        });

        Random random = new(1);
        int received = 0;
        int room = 10;
        while (received < Messages)
        {
            // It has stopped exactly when the room was used up.
            await client.Running.UntilAsync(() => client.Socket.IsPaused || received + client.Waiting == Messages);
            int waiting = client.Waiting;
            await Assert.That(waiting).IsEqualTo(Math.Min(room, Messages - received));
            for (int i = 0; i < waiting; i++)
            {
                string text = Encoding.UTF8.GetString((await client.NextAsync()).Bytes);
                await Assert.That(text).StartsWith($"{received++} ");
            }

            room = random.Next(1, 400);
            int next = room;
            bool atEnd = random.Next(2) == 0;
            await client.Running.RunAsync(() =>
            {
                client.Room = next;
                if (atEnd)
                {
                    client.Running.Loop.AtEndOfTurn(client.Socket.ContinueReading);
                }
                else
                {
                    client.Socket.ContinueReading();
                }
            });
            await client.Running.TurnAsync();
        }

        await sending;
        await Assert.That(client.IsClosed).IsFalse();
    }

    [Test]
    public async Task A_full_receive_buffer_that_waits_for_room_is_no_end_of_the_stream()
    {
        using WebSocketServer server = new();
        using TestClient client = new(server.Uri()) { Room = 0 };
        Stream peer = await server.AcceptUpgradedAsync();
        await client.Opened;

        // The client reads a buffer full of whole frames in one go, and more waits in the socket.
        byte[] frame = ServerFrame.Build(Opcode.Text, new byte[1_020]);
        byte[] burst = [.. Enumerable.Repeat(frame, 1_000).SelectMany(bytes => bytes)];
        await client.Running.RunAsync(() => Task.Run(() => peer.WriteAsync(burst).AsTask()).Wait(RunningLoop.Patience));
        await client.Running.UntilAsync(() => client.Socket.IsPaused);
        await client.Running.RunAsync(() =>
        {
            client.Room = int.MaxValue;
            client.Running.Loop.AtEndOfTurn(client.Socket.ContinueReading);
        });

        await client.Running.UntilAsync(() => client.Waiting == 1_000 || client.IsClosed);
        await Assert.That(client.IsClosed).IsFalse();
    }

    [Test]
    [Arguments(false)]
    [Arguments(true)]
    public async Task A_ping_is_answered_with_its_payload_even_between_frames_of_a_stream(bool secure)
    {
        using TestCertificates certificates = new();
        using WebSocketServer server = new(secure ? certificates.Issue("127.0.0.1") : null);
        using TlsContext tls = TlsContext.Create(certificates.Bundle);
        using TestClient client = new(server.Uri(), tls);
        Stream peer = await server.AcceptUpgradedAsync();
        await client.Opened;

        // Nobody reads, so the stream is stuck inside the frame when the pings come.
        await client.SendAsync(new byte[16_000_000], Opcode.Binary);
        await client.SendAsync("behind"u8.ToArray());
        await peer.WriteAsync(ServerFrame.Build(Opcode.Ping, "one"u8));
        await peer.WriteAsync(ServerFrame.Build(Opcode.Text, "go"u8));
        await client.NextAsync();

        List<string> frames = await ReadFramesAsync(peer, 3);
        await Assert.That(frames).IsEquivalentTo(["Binary 16000000", "Pong one", "Text behind"], TUnit.Assertions.Enums.CollectionOrdering.Matching);
    }

    [Test]
    public async Task A_close_of_the_peer_is_answered_with_our_own_code()
    {
        using WebSocketServer server = new();
        using TestClient client = new(server.Uri());
        using WebSocket peer = await server.AcceptAsync();
        await client.Opened;

        await peer.CloseOutputAsync((WebSocketCloseStatus)4009, "session timed out", CancellationToken.None);
        CloseReason reason = await client.Closed;
        await peer.ReceiveMessageAsync();

        await Assert.That((reason.Kind, reason.Code, reason.Text)).IsEqualTo((CloseKind.Closed, 4009, "session timed out"));
        await Assert.That((int)peer.CloseStatus!.Value).IsEqualTo(4000);
    }

    [Test]
    public async Task A_close_without_a_code_says_so()
    {
        using WebSocketServer server = new();
        using TestClient client = new(server.Uri());
        Stream peer = await server.AcceptUpgradedAsync();
        await client.Opened;

        await peer.WriteAsync(ServerFrame.Build(Opcode.Close, ""u8));

        CloseReason reason = await client.Closed;
        await Assert.That((reason.Kind, reason.Code, reason.Text)).IsEqualTo((CloseKind.Closed, 0, "closed without a code"));
    }

    [Test]
    [Arguments(false)]
    [Arguments(true)]
    public async Task An_owner_that_closes_sends_its_code_and_hears_nothing_more(bool secure)
    {
        using TestCertificates certificates = new();
        using WebSocketServer server = new(secure ? certificates.Issue("127.0.0.1") : null);
        using TlsContext tls = TlsContext.Create(certificates.Bundle);
        using TestClient client = new(server.Uri(), tls, new FakeTimeProvider());
        using WebSocket peer = await server.AcceptAsync();
        await client.Opened;

        await client.Running.RunAsync(() => client.Socket.Close(4321));
        await peer.SendTextAsync("too late");
        (WebSocketMessageType type, _) = await peer.ReceiveMessageAsync();
        await peer.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        await client.Running.TurnAsync();

        await Assert.That(type).IsEqualTo(WebSocketMessageType.Close);
        await Assert.That((int)peer.CloseStatus!.Value).IsEqualTo(4321);
        await Assert.That(client.IsClosed).IsFalse();
        await Assert.That(client.Waiting).IsEqualTo(0);
    }

    [Test]
    public async Task A_peer_that_does_not_answer_a_close_is_dropped_after_2_seconds()
    {
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using TestClient client = new(server.Uri(), time: time);
        Stream peer = await server.AcceptUpgradedAsync();
        await client.Opened;
        await client.Running.RunAsync(() => client.Socket.Close(4000));
        List<string> frames = await ReadFramesAsync(peer, 1);

        await client.Running.AdvanceAsync(2_000);

        await Assert.That(frames[0]).StartsWith("Close");
        await Assert.That(await peer.ReadAsync(new byte[1]).AsTask().WaitAsync(RunningLoop.Patience)).IsEqualTo(0);
    }

    [Test]
    public async Task A_peer_that_aborts_is_a_lost_connection()
    {
        using WebSocketServer server = new();
        using TestClient client = new(server.Uri());
        Stream peer = await server.AcceptUpgradedAsync();
        await client.Opened;

        ((NetworkStream)peer).Socket.Close(0);

        CloseReason reason = await client.Closed;
        await Assert.That((reason.Kind, reason.Code)).IsEqualTo((CloseKind.Lost, 0));
    }

    [Test]
    public async Task A_stream_that_ends_without_a_close_frame_is_a_lost_connection()
    {
        using WebSocketServer server = new();
        using TestClient client = new(server.Uri());
        Stream peer = await server.AcceptUpgradedAsync();
        await client.Opened;

        await peer.WriteAsync(ServerFrame.Build(Opcode.Text, "last words"u8));
        await peer.DisposeAsync();

        CloseReason reason = await client.Closed;
        await Assert.That(reason.Kind).IsEqualTo(CloseKind.Lost);
        await Assert.That(reason.Text).Contains("without a close frame");
        await Assert.That(Encoding.UTF8.GetString((await client.NextAsync()).Bytes)).IsEqualTo("last words");
    }

    [Test]
    public async Task A_protocol_error_closes_with_our_own_code_and_says_what_is_wrong()
    {
        using WebSocketServer server = new();
        using TestClient client = new(server.Uri());
        Stream peer = await server.AcceptUpgradedAsync();
        await client.Opened;

        await peer.WriteAsync(new byte[] { 0xC1, 0x00 });

        CloseReason reason = await client.Closed;
        List<string> frames = await ReadFramesAsync(peer, 1);
        await Assert.That(reason.Kind).IsEqualTo(CloseKind.ProtocolError);
        await Assert.That(reason.Text).Contains("extension");
        await Assert.That(frames[0]).IsEqualTo("Close \u000f\u00a0");
    }

    [Test]
    public async Task A_message_above_64_MiB_is_refused_at_its_header()
    {
        using WebSocketServer server = new();
        using TestClient client = new(server.Uri());
        Stream peer = await server.AcceptUpgradedAsync();
        await client.Opened;

        await peer.WriteAsync(ServerFrame.Header(Opcode.Binary, 64 * 1024 * 1024 + 1));

        await Assert.That((await client.Closed).Kind).IsEqualTo(CloseKind.MessageTooLarge);
    }

    [Test]
    public async Task A_peer_that_pings_and_never_reads_is_dropped()
    {
        using WebSocketServer server = new();
        using TestClient client = new(server.Uri());
        Stream peer = await server.AcceptUpgradedAsync();
        await client.Opened;
        await client.SendAsync(new byte[32_000_000], Opcode.Binary);

        byte[] ping = ServerFrame.Build(Opcode.Ping, new byte[125]);
        byte[] pings = [.. Enumerable.Repeat(ping, 1_000).SelectMany(bytes => bytes)];
        await peer.WriteAsync(pings);

        CloseReason reason = await client.Closed;
        await Assert.That(reason.Text).Contains("does not read");
    }

    [Test]
    public async Task A_refused_upgrade_has_its_status_and_the_seconds_to_wait()
    {
        using WebSocketServer server = new();
        using TestClient client = new(server.Uri());
        Stream peer = await server.AcceptStreamAsync();
        await WebSocketServer.ReadHeadAsync(peer);

        await peer.WriteAsync("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"u8.ToArray());

        CloseReason reason = await client.Closed;
        await Assert.That((reason.Kind, reason.Code, reason.RetryAfter)).IsEqualTo((CloseKind.UpgradeRefused, 429, (int?)7));
        await Assert.That(reason.Text).Contains("127.0.0.1");
    }

    [Test]
    public async Task A_server_that_does_not_answer_the_upgrade_is_given_up_after_10_seconds()
    {
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using TestClient client = new(server.Uri(), time: time);
        Stream peer = await server.AcceptStreamAsync();
        await WebSocketServer.ReadHeadAsync(peer);

        await client.Running.AdvanceAsync(9_999);
        await Assert.That(client.IsClosed).IsFalse();
        await client.Running.AdvanceAsync(1);

        CloseReason reason = await client.Closed;
        await Assert.That(reason.Kind).IsEqualTo(CloseKind.ConnectFailed);
        await Assert.That(reason.Text).Contains("the upgrade was not answered within 10 s");
    }

    [Test]
    public async Task A_name_that_does_not_resolve_is_named()
    {
        using TestClient client = new(new Uri("ws://nowhere.test/"), resolve: _ => Task.FromException<IPAddress[]>(new IOException("nowhere.test is unknown")));

        CloseReason reason = await client.Closed;
        await Assert.That(reason.Kind).IsEqualTo(CloseKind.ConnectFailed);
        await Assert.That(reason.Text).Contains("nowhere.test is unknown");
    }

    [Test]
    public async Task The_next_address_is_tried_when_one_refuses()
    {
        using WebSocketServer server = new();

        // Nothing listens on the port of the other address of loopback.
        using TestClient client = new(
            server.Uri("two.test"), resolve: _ => Task.FromResult<IPAddress[]>([IPAddress.Parse("127.0.0.2"), IPAddress.Loopback]));
        using WebSocket peer = await server.AcceptAsync();

        await client.Opened;
    }

    [Test]
    public async Task The_next_address_is_tried_when_one_is_silent()
    {
        using WebSocketServer server = new();
        IPAddress other = IPAddress.Parse("127.0.0.2");

        // A listener whose only place is taken drops what else knocks.
        using Socket silent = new(SocketType.Stream, ProtocolType.Tcp);
        silent.Bind(new IPEndPoint(other, server.Port));
        silent.Listen(0);
        using Socket first = new(SocketType.Stream, ProtocolType.Tcp);
        await first.ConnectAsync(other, server.Port);

        using TestClient client = new(
            server.Uri("two.test"), time: new FakeTimeProvider(), resolve: _ => Task.FromResult<IPAddress[]>([other, IPAddress.Loopback]));
        await client.Running.UntilAsync(() => client.Running.Loop.Timers.Count == 2);
        Task<WebSocket> accepting = server.AcceptAsync();
        await client.Running.AdvanceAsync(Connector.AddressPatience - 1);
        await Assert.That(accepting.IsCompleted).IsFalse();

        await client.Running.AdvanceAsync(1);
        using WebSocket peer = await accepting;
        await client.Opened;
    }

    [Test]
    public async Task A_port_that_nobody_listens_on_is_a_failed_connect()
    {
        // Bound, so that nobody else gets it, and not listening.
        using Socket taken = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        int port = ((IPEndPoint)taken.LocalEndPoint!).Port;

        using TestClient client = new(new Uri($"ws://127.0.0.1:{port}/"));

        CloseReason reason = await client.Closed;
        await Assert.That(reason.Kind).IsEqualTo(CloseKind.ConnectFailed);
        await Assert.That(reason.Text).Contains($"127.0.0.1:{port}");
    }

    /// <summary>Reads frames of the client off a raw stream, each as its opcode and its text, or its size when that is long.</summary>
    internal static async Task<List<string>> ReadFramesAsync(Stream stream, int count)
    {
        using CancellationTokenSource patience = new(RunningLoop.Patience);
        List<string> frames = [];
        byte[] buffer = new byte[20_000_000];
        int length = 0;
        while (frames.Count < count)
        {
            int read = await stream.ReadAsync(buffer.AsMemory(length), patience.Token);
            length = read > 0 ? length + read : throw new EndOfStreamException($"after {frames.Count} frames");
            while (frames.Count < count && ServerFrame.ReadMasked(buffer.AsSpan(0, length)) is { } frame)
            {
                frames.Add($"{frame.Opcode} {(frame.Payload.Length > 1_000 ? frame.Payload.Length.ToString() : Encoding.Latin1.GetString(frame.Payload))}");
                buffer.AsSpan(frame.Size, length - frame.Size).CopyTo(buffer);
                length -= frame.Size;
            }
        }

        return frames;
    }

    /// <summary>Random bytes, most messages small, some around the sizes at which frames and buffers change.</summary>
    private static byte[] Bytes(Random random, int i)
    {
        int size = (i % 10) switch
        {
            0 => random.Next(65_530, 65_545),
            1 => random.Next(120, 130),
            2 => random.Next(20_000, 150_000),
            3 => 0,
            _ => random.Next(1, 2_000),
        };
        byte[] bytes = new byte[size];
        random.NextBytes(bytes);

        // .NET's websockets check that text is UTF-8.
        for (int j = 0; j < bytes.Length; j++)
        {
            bytes[j] &= 0x7F;
        }

        return bytes;
    }

    private static async Task SendFragmentedAsync(WebSocket peer, (byte[] Bytes, bool Binary)[] messages, Random random)
    {
        Random own = new(random.Next());
        await Task.Yield();
        foreach ((byte[] bytes, bool binary) in messages)
        {
            ReadOnlyMemory<byte> rest = bytes;
            WebSocketMessageType type = binary ? WebSocketMessageType.Binary : WebSocketMessageType.Text;
            while (own.Next(3) == 0)
            {
                int size = own.Next(0, rest.Length + 1);
                await peer.SendAsync(rest[..size], type, false, CancellationToken.None);
                rest = rest[size..];
            }

            await peer.SendAsync(rest, type, true, CancellationToken.None);
        }
    }

    private static async Task StreamAsync(TestClient client, (byte[] Bytes, bool Binary)[] messages)
    {
        foreach ((byte[] bytes, bool binary) in messages)
        {
            await client.SendAsync(bytes, binary ? Opcode.Binary : Opcode.Text);
        }
    }
}
