namespace SinGateway.Discord;

/// <summary>The session starts that Discord grants the bot, as far as this process knows.</summary>
/// <param name="Total">Of a window.</param>
/// <param name="Remaining">Of them, left.</param>
/// <param name="Reserve">Of those, never spent.</param>
/// <param name="ResetIn">When all are back, in ms from now.</param>
internal readonly record struct SessionStarts(int Total, int Remaining, int Reserve, long ResetIn);

/// <summary>
/// Lets the shards of this process identify (G15, G16): by itself (<see cref="IdentifyQueue"/>), or together with the bot's other processes
/// (<see cref="SharedIdentifyQueue"/>). Belongs to the first loop's thread.
/// </summary>
internal interface IIdentifyQueue : IIdentifyTurns
{
    /// <summary>Asks the owner for GET /gateway/bot and then <see cref="Update"/>. On the loop, and not more often than is good.</summary>
    event Action? RefreshWanted;

    /// <summary>Session starts that are left, as far as this process knows; 0 before it knows.</summary>
    int Remaining { get; }

    /// <summary>The whole of it; null before it is known.</summary>
    SessionStarts? Starts { get; }

    /// <summary>Shards of this process that wait for a permit.</summary>
    int Waiting { get; }

    /// <summary>
    /// In how many ms the last who waits is granted, if all goes well: by pace, budget and the day's limit. 0 when nobody waits.
    /// </summary>
    long EstimatedWait { get; }

    /// <summary>Takes each answer of GET /gateway/bot. Before the first one nothing is granted.</summary>
    void Update(SessionStartLimit limit);
}
