namespace SinGateway.Singyeong;

/// <summary>One key of the metadata that a client gives of itself in identify: <c>KEY:{"type":TYPE,"value":VALUE}</c>.</summary>
/// <param name="Key">As targets name it, without the slash.</param>
/// <param name="Type">One of 신경's: string, integer, float, version, list, boolean, map.</param>
/// <param name="Value">JSON, valid, of that type.</param>
internal sealed record MetadataEntry(string Key, string Type, string Value)
{
    /// <summary>The keys that the gateway sets itself, so that workers find the one that holds a shard.</summary>
    public static IReadOnlyList<string> OfGateway { get; } = ["cluster", "shard_count", "shards"];

    /// <summary>The keys that the server sets itself, in all its public versions: it closes the connection of whoever sends one.</summary>
    public static IReadOnlyList<string> OfServer { get; } = ["ip", "encoding", "namespace", "restricted", "last_heartbeat_time"];
}
