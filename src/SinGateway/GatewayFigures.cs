using SinGateway.Discord;
using SinGateway.Singyeong;

namespace SinGateway;

/// <summary>What the summary of a minute is made of, at one moment.</summary>
/// <param name="Ready">Shards that are ready.</param>
/// <param name="Shards">Of this process.</param>
/// <param name="Connected">Connections to 신경 that are ready.</param>
/// <param name="Connections">To 신경.</param>
/// <param name="Events">Received since the start.</param>
/// <param name="Forwarded">Copies of events written for 신경 since the start.</param>
/// <param name="OutboxBytes">What waits for 신경 or for a worker.</param>
/// <param name="Lost">Copies that were dropped, expired or set aside since the start.</param>
/// <param name="Latency">Of Discord's heartbeats, in ms: the mean of the shards that have had one acknowledged, 0 without any.</param>
/// <param name="SlowestLatency">That of the slowest shard, in ms.</param>
internal readonly record struct GatewayFigures(
    int Ready, int Shards, int Connected, int Connections, long Events, long Forwarded, long OutboxBytes, long Lost, long Latency, long SlowestLatency)
{
    /// <summary>Everything that should be connected is.</summary>
    public bool IsWhole => Ready == Shards && Connected == Connections;

    /// <summary>Sums the groups up; of the loop's thread.</summary>
    public static GatewayFigures Of(ShardGroup[] groups)
    {
        GatewayFigures sum = new() { Connections = groups.Length };
        long latencies = 0;
        int measured = 0;
        foreach (ShardGroup group in groups)
        {
            Delivery delivery = group.Client.Delivery;
            sum = sum with
            {
                Shards = sum.Shards + group.Shards.Length,
                Connected = sum.Connected + (group.Client.IsReady ? 1 : 0),
                Events = sum.Events + group.Forwarder.Events,
                Forwarded = sum.Forwarded + group.Forwarder.Forwarded,
                OutboxBytes = sum.OutboxBytes + delivery.UsedBytes,
                Lost = sum.Lost + delivery.Unrouted + delivery.Expired + delivery.Poisonous
                    + group.Forwarder.Oversized + group.Forwarder.Unencodable + group.Forwarder.LostToFullOutbox + group.Forwarder.Outdated,
            };
            foreach (Shard shard in group.Shards)
            {
                sum = sum with { Ready = sum.Ready + (shard.Phase == ShardPhase.Ready ? 1 : 0), SlowestLatency = Math.Max(sum.SlowestLatency, shard.Latency) };
                latencies += shard.Latency;
                measured += shard.LastHeartbeatAck > 0 ? 1 : 0;
            }
        }

        return sum with { Latency = measured == 0 ? 0 : latencies / measured };
    }
}
