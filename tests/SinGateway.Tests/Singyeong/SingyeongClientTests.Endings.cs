using System.Net.Sockets;
using System.Net.WebSockets;
using Microsoft.Extensions.Time.Testing;
using SinGateway.Tests.WebSockets;
using SinGateway.WebSockets;

namespace SinGateway.Tests.Singyeong;

/// <summary>How a connection ends, and what that says of its messages.</summary>
public sealed partial class SingyeongClientTests
{
    [Test]
    [Arguments("error")]
    [Arguments("1007")]
    [Arguments("1009")]
    [Arguments("1011")]
    public async Task A_message_that_the_server_cannot_take_is_set_aside_after_three_connections_and_the_rest_arrives(string refusal)
    {
        using WebSocketServer server = new();
        using Gateway gateway = new(server, backsOff: true);
        await gateway.ForwardAsync(1, 2, 3);
        await gateway.BarrierAsync();
        int connections = 0;
        while (await gateway.Running.RunAsync(() => gateway.Session.Committed) < 3)
        {
            connections++;
            using SingyeongPeer peer = await SingyeongPeer.AcceptReadyAsync(server);
            Task refused = RefuseSecondAsync(peer, refusal);
            await gateway.Running.UntilAsync(() => refused.IsCompleted || gateway.Session.Committed == 3);
        }

        await Assert.That(connections).IsBetween(4, 5).Because("one for what was in flight, three for the guilty one");
        await Assert.That(gateway.Client.Delivery.Poisonous).IsEqualTo(1);
    }

    /// <summary>Plays a server that takes everything but the event with seq 2, until the connection ends.</summary>
    private static async Task RefuseSecondAsync(SingyeongPeer peer, string refusal)
    {
        try
        {
            string packet;
            while ((packet = await peer.ReceiveAsync()) != "closed")
            {
                if (packet == "heartbeat")
                {
                    await peer.AckAsync();
                }
                else if (packet.Split(':')[2] == "2")
                {
                    await (refusal == "error"
                        ? peer.SendAsync("""{"d":{"error":"invalid payload","extra_info":null},"op":8,"t":null,"ts":1}""")
                        : peer.Socket.CloseOutputAsync((WebSocketCloseStatus)int.Parse(refusal), null, CancellationToken.None));
                }
            }
        }
        catch (WebSocketException)
        {
            // The test has ended it.
        }
    }

    [Test]
    public async Task How_the_server_closed_is_known_even_when_a_write_is_what_fails()
    {
        using WebSocketServer server = new();
        using Gateway gateway = new(server);
        using (Stream raw = await server.AcceptUpgradedAsync())
        {
            await raw.WriteAsync(ServerFrame.Build(Opcode.Text, """{"d":{"heartbeat_interval":45000},"op":0}"""u8));
            await WebSocketConnectionTests.ReadFramesAsync(raw, 1);
            await raw.WriteAsync(ServerFrame.Build(Opcode.Text, """{"d":{"restricted":false},"op":2}"""u8));
            await gateway.Running.UntilAsync(() => gateway.Client.IsReady);
            Socket socket = ((NetworkStream)raw).Socket;

            // On the loop's thread, so that it does not see the close before it writes: as the server ends its socket with much unread.
            await gateway.Running.RunAsync(() =>
            {
                raw.Write(ServerFrame.Build(Opcode.Close, [0x03, 0xF3]));
                socket.Close(0);
                gateway.Forward(300_000, 1);
            });
        }

        await gateway.Running.UntilAsync(() => !gateway.Client.IsReady);
        await Assert.That(string.Join('|', gateway.Logger.Entries)).Contains("failed on a message (1011)");
        using SingyeongPeer next = await SingyeongPeer.AcceptReadyAsync(server);
        await Assert.That(await next.ReceiveAsync(1)).IsEqualTo("1");
    }

    [Test]
    public async Task A_barrier_of_a_connection_that_was_replaced_is_not_measured_on_the_next()
    {
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using Gateway gateway = new(server, time);
        using SingyeongPeer former = await SingyeongPeer.AcceptReadyAsync(server);
        await gateway.Running.UntilAsync(() => gateway.Client.IsReady);
        await gateway.ForwardAsync(1);
        await gateway.BarrierAsync();
        await Assert.That(await former.ReceiveAsync(2)).IsEqualTo("1 heartbeat");
        await gateway.Running.AdvanceAsync(30_000);

        await gateway.Running.RunAsync(() => gateway.Client.Announce(gateway.Identity));
        using SingyeongPeer next = await SingyeongPeer.AcceptReadyAsync(server);
        await Assert.That(await next.ReceiveAsync(2)).IsEqualTo("1 heartbeat");
        await next.AckAsync();
        await gateway.Running.UntilAsync(() => gateway.Session.Committed == 1);

        await Assert.That(gateway.Client.Times.BarrierTime.Sum).IsEqualTo(0);
    }
}
