using System.Text;
using Microsoft.Extensions.Time.Testing;
using SinGateway.Sessions;
using SinGateway.Singyeong;
using SinGateway.Tests.Fixtures;
using SinGateway.Tests.Loop;

namespace SinGateway.Tests.Singyeong;

/// <summary>What 신경 says of dispatches that nobody takes, on a loop whose clock a test moves.</summary>
public sealed class UnroutedDispatchesTests
{
    [Test]
    public async Task What_has_waited_for_too_long_expires_while_others_come_back_all_the_time()
    {
        FakeTimeProvider time = new();
        using RunningLoop running = new(time);
        Session session = new(0, "abc", null, 0);
        UnroutedPolicy policy = new(true, 60_000, "worker", CostsConnection: false);
        using Delivery delivery = new(4 << 20, [policy], () => running.Loop.Now, new RecordingLogger());
        UnroutedDispatches unrouted = new(running.Loop, delivery, () => { }, new RecordingLogger());
        await running.RunAsync(() =>
        {
            delivery.Outbox.Reserve(10).Clear();
            delivery.Add(session, 10, new FrameNote { SessionTag = DispatchNonce.Tag(session.Tag), Seq = 1, ReceivedAt = running.Loop.Now });
            session.Receive(1, forwarded: true, running.Loop.Now);
            delivery.Barriers.Await(session);
            ComeBack(unrouted, 1);
        });
        await Assert.That(delivery.Lanes.Messages).IsEqualTo(1);
        await running.AdvanceAsync(59_990);

        // One of another rule every 10 ms, of which nothing is held.
        for (int i = 0; i < 100; i++)
        {
            await running.RunAsync(() => ComeBack(unrouted, 1_000 + i));
            await running.AdvanceAsync(10);
        }

        await Assert.That(delivery.Expired).IsEqualTo(1);
        await running.RunAsync(unrouted.Stop);
    }

    private static void ComeBack(UnroutedDispatches unrouted, long seq)
    {
        string json = """{"d":{"error":"no_route","extra_info":{"d":{"nonce":"0:ba7816bf:SEQ:0"}}},"op":3,"t":null,"ts":1}"""
            .Replace("SEQ", $"{seq}", StringComparison.Ordinal);
        if (SingyeongPacket.TryRead(Encoding.UTF8.GetBytes(json), out SingyeongPacket packet))
        {
            unrouted.ComeBack(packet);
        }
    }
}
