namespace SinGateway.Sessions;

/// <summary>
/// Where sessions outlive the process: Redis, or a file. Never called on a loop thread. Saves of different shards may overlap.
/// </summary>
internal interface ISessionStore : IAsyncDisposable
{
    /// <summary>
    /// Reads the stored sessions of shards [<paramref name="firstShard"/>, firstShard + <paramref name="count"/>); shards without one are
    /// left out.
    /// </summary>
    ValueTask<IReadOnlyList<SessionRecord>> LoadAsync(int firstShard, int count, CancellationToken cancellationToken);

    /// <summary>
    /// Writes the records, each as a whole. Returns when they are durable. The caller keeps the array and may change it after the return.
    /// Throws <see cref="IOException"/> with a message for the operator when the store is out of reach; nothing is then assumed to be
    /// written. Throws <see cref="LeaseLostException"/> when another process has the sessions now; nothing of theirs was written.
    /// </summary>
    ValueTask SaveAsync(ReadOnlyMemory<SessionRecord> records, CancellationToken cancellationToken);
}
