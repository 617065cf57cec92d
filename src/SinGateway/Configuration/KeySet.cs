namespace SinGateway.Configuration;

/// <summary>The keys that a mapping of the file may hold: those of this version, and those that are documented for a later one.</summary>
internal sealed record KeySet(string[] Built, string[] Later)
{
    public static readonly KeySet Root = new(
        ["token", "redisDSN", "singyeongDSN", "loggingLevel", "logFormat", "intents", "clustering", "forwarding", "redisPrefix", "stateFile", "discord", "singyeong", "spool", "commands", "operations"],
        []);

    public static readonly KeySet Clustering = new(["enabled", "clusterCount", "clusterShards", "strict"], []);

    public static readonly KeySet Rule = new(["type", "target", "events", "unrouted", "holdFor"], []);

    public static readonly KeySet Discord = new(["apiBaseURL", "compression", "shardCount", "largeThreshold", "presence"], []);

    public static readonly KeySet Presence = new(["status", "afk", "since", "activities"], []);

    public static readonly KeySet Activity = new(["type", "name", "state", "url"], []);

    public static readonly KeySet Singyeong = new(["connections", "outbox", "whenFull", "namespace", "metadata", "allowUnsafeOperators"], []);

    public static readonly KeySet Spool = new(["directory", "maxSize", "commits"], []);

    public static readonly KeySet Commands = new(["enabled"], []);

    public static readonly KeySet Operations = new(["listen", "reload"], []);

    /// <summary>Below which key the keys of a set stand; empty for those of the file itself.</summary>
    private static readonly (string Path, KeySet Keys)[] Places =
    [
        ("", Root), ("clustering", Clustering), ("forwarding", Rule), ("discord", Discord), ("discord.presence", Presence), ("singyeong", Singyeong), ("spool", Spool),
        ("commands", Commands), ("operations", Operations),
    ];

    /// <summary>Where a key belongs, case and a path before it aside, if that is one place: <c>discord</c> for <c>shardCount</c>.</summary>
    public static string? PlaceOf(string key)
    {
        string name = key[(key.LastIndexOf('.') + 1)..];
        return Places.Where(place => place.Keys.Built.Contains(name, StringComparer.OrdinalIgnoreCase)).Select(place => place.Path).ToArray() is [var only] ? only : null;
    }
}
