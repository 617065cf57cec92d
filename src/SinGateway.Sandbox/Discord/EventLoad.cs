using System.Diagnostics;

namespace SinGateway.Sandbox.Discord;

/// <summary>What a burst was, for the benchmark that asked for it. Times in µs of <see cref="Clock"/>.</summary>
internal readonly record struct BurstReport(long Events, long Bytes, long PrepareMicroseconds, long ReleasedAt, long WriteMicroseconds);

/// <summary>
/// Makes the messages: evenly at a rate, or as a burst that is compressed and framed in memory before its first byte leaves.
/// </summary>
internal sealed class EventLoad(DiscordServer server)
{
    private const int PreparedAtOnce = 256;

    private readonly Lock _gate = new();
    private int _rate = server.Options.Rate;
    private int _next;

    /// <summary>Messages a second over all streams; 0 for none. Once it is set, no message is made at the former rate any more.</summary>
    public int Rate
    {
        get => Volatile.Read(ref _rate);
        set
        {
            lock (_gate)
            {
                _rate = value;
            }
        }
    }

    /// <summary>
    /// Produces at <see cref="Rate"/> until cancelled. Each message goes out by itself, not in batches. Has its own thread: a sleeping
    /// thread costs a fifth of what the thread pool's timers and spinning workers do, and the load must leave the CPU to the gateway.
    /// </summary>
    public void Start(CancellationToken cancellationToken) =>
        new Thread(() => Run(cancellationToken)) { IsBackground = true, Name = "event load" }.Start();

    private void Run(CancellationToken cancellationToken)
    {
        double due = 0;
        long last = Stopwatch.GetTimestamp();
        while (!cancellationToken.IsCancellationRequested)
        {
            int rate = Rate;
            Thread.Sleep(rate == 0 ? 50 : Math.Clamp(1000 / rate, 1, 20));
            lock (_gate)
            {
                // What was slept belongs to the rate of its beginning, and that one is over if there is another.
                long now = Stopwatch.GetTimestamp();
                due = rate == _rate ? Math.Min(due + Stopwatch.GetElapsedTime(last, now).TotalSeconds * rate, rate / 5.0 + 1) : 0;
                last = now;
                int count = (int)due;
                due -= count;
                Spread(count);
            }
        }
    }

    /// <summary>
    /// Sends <paramref name="events"/> messages to each of the streams; completes when the sockets have taken them, if asked to wait.
    /// </summary>
    public async Task<BurstReport> BurstAsync(EventStream[] streams, int events, bool wait)
    {
        DiscordConnection[] connections = [.. server.Connections.Where(connection => connection.Session is not null)];
        foreach (DiscordConnection connection in connections)
        {
            connection.Outgoing.Hold();
        }
        long started = Clock.Microseconds;
        long produced = 0;
        await Parallel.ForEachAsync(streams, (stream, _) =>
        {
            for (int left = events; left > 0; left -= PreparedAtOnce)
            {
                Interlocked.Add(ref produced, stream.Produce(Math.Min(left, PreparedAtOnce)));
            }
            return ValueTask.CompletedTask;
        }).ConfigureAwait(false);
        long bytes = connections.Sum(connection => connection.Outgoing.Pending);
        long released = Clock.Microseconds;
        foreach (DiscordConnection connection in connections)
        {
            connection.Outgoing.Release();
        }
        if (wait)
        {
            await Task.WhenAll(connections.Select(connection => connection.Outgoing.WhenDrainedAsync())).ConfigureAwait(false);
        }
        return new BurstReport(produced, bytes, released - started, released, Clock.Microseconds - released);
    }

    private void Spread(int count)
    {
        EventStream[] streams = server.Streams;
        int each = count / streams.Length;
        int more = count % streams.Length;
        for (int i = 0; i < streams.Length && (each > 0 || i < more); i++)
        {
            streams[_next++ % streams.Length].Produce(each + (i < more ? 1 : 0));
            _next %= streams.Length;
        }
        if (each > 0)
        {
            _next = (_next + more) % streams.Length;
        }
    }
}
