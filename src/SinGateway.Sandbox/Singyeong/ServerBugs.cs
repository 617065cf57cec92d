namespace SinGateway.Sandbox.Singyeong;

/// <summary>The faults of the real server, as observed; each can be mended to see what a client would do with a better one.</summary>
internal sealed record ServerBugs
{
    /// <summary>
    /// no_route with non-empty ops closes the sender with 1011, without an answer, and loses what was in flight behind it.
    /// </summary>
    public bool NoRouteKills { get; init; } = true;

    /// <summary>
    /// $ne, $nin, $ncontains, an empty $and, to.path, $avg, QUERY_NODES and a selector without a match close the sender with 1011.
    /// </summary>
    public bool OperatorsKill { get; init; } = true;

    /// <summary>$in never matches.</summary>
    public bool InNeverMatches { get; init; } = true;

    /// <summary>A path segment with a digit in it never matches, unless it is the index of a list.</summary>
    public bool DigitsNeverMatch { get; init; } = true;

    /// <summary>$eq on lists is false.</summary>
    public bool ListsNeverEqual { get; init; } = true;

    /// <summary>Versions are compared as strings.</summary>
    public bool VersionsAreStrings { get; init; } = true;

    /// <summary>$max takes a client without the key for the greatest.</summary>
    public bool MaxPicksMissing { get; init; } = true;

    /// <summary>A heartbeat that races the metadata tick loses the update, now and then.</summary>
    public bool MetadataIsLost { get; init; } = true;

    public static ServerBugs None { get; } = new()
    {
        NoRouteKills = false,
        OperatorsKill = false,
        InNeverMatches = false,
        DigitsNeverMatch = false,
        ListsNeverEqual = false,
        VersionsAreStrings = false,
        MaxPicksMissing = false,
        MetadataIsLost = false,
    };
}
