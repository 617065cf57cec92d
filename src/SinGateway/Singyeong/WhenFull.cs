namespace SinGateway.Singyeong;

/// <summary>What becomes of events when there has been no room for them for longer than shards wait for it (G13).</summary>
internal enum WhenFull
{
    /// <summary>They are taken from Discord and counted as lost: the sessions live.</summary>
    Drop,

    /// <summary>They stay at Discord, which may give up the sessions of shards that are away for so long.</summary>
    Close,
}
