using SinGateway.Singyeong;

namespace SinGateway.Tests.SpoolFeeding;

public sealed class SpoolMemoryPlanTests
{
    [Test]
    [Arguments(2, 1)]
    [Arguments(32, 1)]
    [Arguments(32, 4)]
    [Arguments(1_024, 64)]
    public async Task Spool_and_outboxes_together_stay_within_what_is_configured(long mebibytes, int connections)
    {
        long outbox = mebibytes << 20;
        SpoolMemoryPlan plan = new(outbox, connections);

        await Assert.That(plan.Memory + (2L * plan.Block) + (connections * plan.Outbox)).IsLessThanOrEqualTo(connections * outbox);
        await Assert.That(plan.Outbox).IsGreaterThanOrEqualTo(outbox / 2);
    }

    [Test]
    public async Task The_smallest_outbox_keeps_a_chunk() =>
        await Assert.That(new SpoolMemoryPlan(Outbox.ChunkSize, 1).Outbox).IsEqualTo(Outbox.ChunkSize);
}
