namespace SinGateway.Discord;

/// <summary>The session starts that Discord grants the bot, as far as this process knows.</summary>
/// <param name="Total">Of a window.</param>
/// <param name="Remaining">Of them, left.</param>
/// <param name="Reserve">Of those, never spent.</param>
/// <param name="ResetIn">When all are back, in ms from now.</param>
internal readonly record struct SessionStarts(int Total, int Remaining, int Reserve, long ResetIn);

/// <summary>
/// Lets the shards of a loop identify (G15, G16): within one process (<see cref="IdentifyQueue"/>), or together with the bot's other
/// processes (<see cref="SharedIdentifyQueue"/>). Belongs to the loop's thread.
/// </summary>
internal interface IIdentifyQueue
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

    /// <summary>
    /// Queues a shard; <paramref name="granted"/> is called, in a later call of the loop, when it may open its socket. The permit is then
    /// to be spent or returned within 45 s.
    /// </summary>
    void Request(int shardId, Action granted);

    /// <summary>
    /// The shard needs no permit any more, or its connection failed: nothing is called any more. A permit that is being spent counts as used.
    /// </summary>
    void Return(int shardId);

    /// <summary>
    /// To be called directly before op 2: counts it and makes that durable. <paramref name="answered"/> is called in a later call of the
    /// loop: with true, op 2 is to be written at once; with false nothing may be sent, and the permit is gone.
    /// </summary>
    void Spend(int shardId, Action<bool> answered);
}
