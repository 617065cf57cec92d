using System.Collections.Concurrent;

namespace SinGateway.Sandbox.Singyeong;

/// <summary>What the fake 신경 has seen since the start; read by the control API.</summary>
internal sealed class SingyeongStatistics
{
    public long ConnectionsTotal;
    public long Dispatches;
    public long Sends;
    public long Broadcasts;
    public long Delivered;
    public long Sunk;
    public long Bytes;
    public long NoRoute;
    public long DroppedSilently;
    public long Kills;
    public long Fatal;
    public long InvalidDispatches;
    public long Heartbeats;
    public long MetadataUpdates;
    public long MetadataLost;
    public long Duplicates;
    public long ProtocolErrors;
    public long Timeouts;

    public ConcurrentDictionary<int, long> ClientCloses { get; } = new();

    /// <summary>The last errors that were sent (op 8) or that killed (1011), for a test that wonders why.</summary>
    public ConcurrentQueue<string> Errors { get; } = new();

    public void Error(string what)
    {
        Errors.Enqueue(what);
        while (Errors.Count > 100)
        {
            Errors.TryDequeue(out _);
        }
        Console.Error.WriteLine($"singyeong: {what}");
    }
}
