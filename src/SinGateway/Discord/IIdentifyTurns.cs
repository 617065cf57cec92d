namespace SinGateway.Discord;

/// <summary>
/// What lets the shards of a loop identify one after the other: the process' <see cref="IIdentifyQueue"/>, or the way to it from another loop
/// (<see cref="PostedIdentifyTurns"/>). Belongs to the loop's thread.
/// </summary>
internal interface IIdentifyTurns
{
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
