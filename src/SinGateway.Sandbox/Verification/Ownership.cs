namespace SinGateway.Sandbox.Verification;

/// <summary>
/// Watches which client of 신경 forwards each of Discord's streams. One that forwards after another client took its stream over shows that
/// two forwarded for one shard at a time.
/// </summary>
internal sealed class Ownership(int streams)
{
    // A gateway's client ids come around after four holders: beside the current one and the next, two can be told apart.
    private const int Remembered = 2;

    private readonly Owners[] _streams = [.. Enumerable.Range(0, streams).Select(_ => new Owners())];
    private long _takeovers;
    private long _ownedTwice;

    /// <summary>How often a stream went from one client to another.</summary>
    public long Takeovers => Interlocked.Read(ref _takeovers);

    /// <summary>Messages of a client that had been succeeded by another one.</summary>
    public long OwnedTwice => Interlocked.Read(ref _ownedTwice);

    /// <summary>The client's message of a stream was read.</summary>
    public void Forwarded(int stream, string client)
    {
        Owners owners = _streams[stream];
        lock (owners)
        {
            if (owners.Current == client)
            {
                return;
            }
            if (owners.Former.Contains(client))
            {
                Interlocked.Increment(ref _ownedTwice);
                return;
            }
            if (owners.Current is { } former)
            {
                Interlocked.Increment(ref _takeovers);
                owners.Former.Enqueue(former);
                if (owners.Former.Count > Remembered)
                {
                    owners.Former.Dequeue();
                }
            }
            owners.Current = client;
        }
    }

    private sealed class Owners
    {
        public string? Current { get; set; }

        public Queue<string> Former { get; } = new();
    }
}
