using SinGateway.Discord;
using SinGateway.Singyeong;

namespace SinGateway;

/// <summary>How all shards of the process stand: those of a loop at one moment, with several loops each at its own.</summary>
/// <param name="Ready">Shards that are ready.</param>
/// <param name="Shards">Of this process.</param>
/// <param name="Resuming">Shards that wait for their turn to resume.</param>
/// <param name="Connected">Connections to 신경 that are ready.</param>
/// <param name="Connections">To 신경.</param>
/// <param name="Events">Received since the start.</param>
/// <param name="Forwarded">Copies of events written for 신경 since the start.</param>
/// <param name="OutboxBytes">What waits for 신경 or for a worker.</param>
/// <param name="Lost">Copies that were dropped, expired or set aside since the start.</param>
/// <param name="Latencies">Of Discord's heartbeats, in ms: the sum over the shards that have had one acknowledged.</param>
/// <param name="Measured">Those shards.</param>
/// <param name="SlowestLatency">That of the slowest shard, in ms.</param>
internal readonly record struct GatewayFigures(
    int Ready,
    int Shards,
    int Resuming,
    int Connected,
    int Connections,
    long Events,
    long Forwarded,
    long OutboxBytes,
    long Lost,
    long Latencies,
    int Measured,
    long SlowestLatency)
{
    /// <summary>Everything that should be connected is.</summary>
    public bool IsWhole => Ready == Shards && Connected == Connections;

    /// <summary>The mean of Discord's heartbeats, in ms; 0 without any.</summary>
    public long Latency => Measured == 0 ? 0 : Latencies / Measured;

    /// <summary>With those of a loop; on its thread.</summary>
    public GatewayFigures With(LoopShards loop)
    {
        GatewayFigures sum = this with { Resuming = Resuming + loop.Settings.Turns.Waiting, Connections = Connections + loop.Groups.Length };
        foreach (ShardGroup group in loop.Groups)
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
                sum = sum with
                {
                    Ready = sum.Ready + (shard.Phase == ShardPhase.Ready ? 1 : 0),
                    Latencies = sum.Latencies + shard.Latency,
                    Measured = sum.Measured + (shard.LastHeartbeatAck > 0 ? 1 : 0),
                    SlowestLatency = Math.Max(sum.SlowestLatency, shard.Latency),
                };
            }
        }

        return sum;
    }
}
