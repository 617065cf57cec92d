namespace SinGateway.Benchmarks;

/// <summary>What a burst or a paced stream cost.</summary>
internal readonly record struct EventCost(double CpuMicroseconds, double EventsPerSecond, double LatencyMedian, double Latency99);

/// <summary>Memory of one run, before and after a burst.</summary>
internal readonly record struct MemoryCourse(MemoryReading Idle, MemoryReading SoonAfterBurst, MemoryReading Rested);

/// <summary>
/// The measurements. Each starts a fresh sandbox and a fresh subject. CPU time is read after the start and a warm-up, and again when the
/// last event has arrived at 신경, so that neither the start nor the idle time before it counts.
/// </summary>
internal sealed class Bench(string sandboxExecutable, string scratch)
{
    private const int WarmUpEvents = 20_000;

    // After READY and its guilds, and after a burst: until the outbox is confirmed.
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(3);

    private int _run;

    /// <summary>All events at once: they lie compressed in the sandbox before the first leaves.</summary>
    public Task<EventCost> BurstAsync(Subject subject, int shards, bool tls, int events, CancellationToken cancellationToken) =>
        RunAsync(subject, shards, tls, cancellationToken, async (sandbox, process) =>
        {
            await sandbox.BurstAsync(PerShard(WarmUpEvents, shards), process, cancellationToken).ConfigureAwait(false);
            TimeSpan before = process.Meter.CpuTime();
            TimeSpan wall = await sandbox.BurstAsync(PerShard(events, shards), process, cancellationToken).ConfigureAwait(false);
            TimeSpan cpu = process.Meter.CpuTime() - before;
            long count = PerShard(events, shards) * (long)shards;
            return new EventCost(cpu.TotalMicroseconds / count, count / wall.TotalSeconds, 0, 0);
        });

    /// <summary>Events at a steady rate: most of them wake the process for themselves.</summary>
    public Task<EventCost> PacedAsync(Subject subject, int shards, bool tls, int rate, TimeSpan duration, CancellationToken cancellationToken) =>
        RunAsync(subject, shards, tls, cancellationToken, async (sandbox, process) =>
        {
            await sandbox.BurstAsync(PerShard(WarmUpEvents, shards), process, cancellationToken).ConfigureAwait(false);
            await sandbox.PaceAsync(rate, cancellationToken).ConfigureAwait(false);
            await Task.Delay(TimeSpan.FromSeconds(2), cancellationToken).ConfigureAwait(false);
            await sandbox.ResetCountsAsync(cancellationToken).ConfigureAwait(false);
            TimeSpan before = process.Meter.CpuTime();
            long started = System.Diagnostics.Stopwatch.GetTimestamp();
            await Task.Delay(duration, cancellationToken).ConfigureAwait(false);
            SandboxCounts counts = await sandbox.CountsAsync(cancellationToken).ConfigureAwait(false);
            TimeSpan cpu = process.Meter.CpuTime() - before;
            double seconds = System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalSeconds;
            return new EventCost(cpu.TotalMicroseconds / counts.Received, counts.Received / seconds, counts.LatencyMedian, counts.Latency99);
        });

    /// <summary>Memory: idle after READY, soon after a burst, and after a rest of <paramref name="rest"/> more.</summary>
    public Task<MemoryCourse> MemoryAsync(Subject subject, int shards, bool tls, TimeSpan rest, CancellationToken cancellationToken) =>
        RunAsync(subject, shards, tls, cancellationToken, async (sandbox, process) =>
        {
            await Task.Delay(Settle, cancellationToken).ConfigureAwait(false);
            MemoryReading idle = process.Meter.Memory();
            await sandbox.BurstAsync(Math.Max(200, PerShard(WarmUpEvents, shards)), process, cancellationToken).ConfigureAwait(false);
            await Task.Delay(Settle, cancellationToken).ConfigureAwait(false);
            MemoryReading soon = process.Meter.Memory();
            await Task.Delay(rest, cancellationToken).ConfigureAwait(false);
            return new MemoryCourse(idle, soon, process.Meter.Memory());
        });

    /// <summary>
    /// Managed bytes of a life of <paramref name="life"/> after the start with so many events in it. (The difference of two such lives of
    /// the same length is what the events cost, since what is allocated with time, and at the start, is in both.)
    /// </summary>
    public async Task<(long Bytes, TimeSpan Busy)> AllocatedAsync(Subject gateway, int shards, int events, TimeSpan life, CancellationToken cancellationToken)
    {
        ChildProcess? stopped = null;
        TimeSpan busy = await RunAsync(gateway, shards, tls: false, cancellationToken, async (sandbox, process) =>
        {
            stopped = process;
            long started = System.Diagnostics.Stopwatch.GetTimestamp();
            if (events > 0)
            {
                await sandbox.BurstAsync(PerShard(events, shards), process, cancellationToken).ConfigureAwait(false);
            }
            TimeSpan needed = System.Diagnostics.Stopwatch.GetElapsedTime(started);
            await Task.Delay(life > needed ? life - needed : TimeSpan.Zero, cancellationToken).ConfigureAwait(false);
            return needed;
        }).ConfigureAwait(false);
        return (GatewayProcess.AllocatedBytes(stopped!), busy);
    }

    /// <summary>
    /// Instructions that the process runs for an event of a burst, without the kernel's, as valgrind counts them: the same on a busy machine
    /// and on an idle one.
    /// </summary>
    public async Task<double> InstructionsAsync(Subject subject, int shards, bool tls, int events, CancellationToken cancellationToken)
    {
        ChildProcess? stopped = null;
        await RunAsync(subject, shards, tls, cancellationToken, before: Callgrind.Command(scratch), measure: async (sandbox, process) =>
        {
            stopped = process;
            await sandbox.BurstAsync(PerShard(events / 10, shards), process, cancellationToken).ConfigureAwait(false);
            await Callgrind.SwitchAsync(process, on: true, cancellationToken).ConfigureAwait(false);
            await sandbox.BurstAsync(PerShard(events, shards), process, cancellationToken).ConfigureAwait(false);
            await Callgrind.SwitchAsync(process, on: false, cancellationToken).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false);
        return Callgrind.Counted(stopped!) / (double)(PerShard(events, shards) * (long)shards);
    }

    private static int PerShard(int events, int shards) => Math.Max(1, events / shards);

    private async Task<T> RunAsync<T>(
        Subject subject,
        int shards,
        bool tls,
        CancellationToken cancellationToken,
        Func<SandboxProcess, ChildProcess, Task<T>> measure,
        string[]? before = null)
    {
        string directory = Path.Combine(scratch, $"run-{++_run}");
        Directory.CreateDirectory(directory);
        SandboxProcess sandbox = await SandboxProcess.StartAsync(sandboxExecutable, shards, tls ? directory : null, cancellationToken).ConfigureAwait(false);
        await using (sandbox.ConfigureAwait(false))
        {
            ChildProcess process = subject.Start(sandbox, directory, shards, before ?? []);
            await using (process.ConfigureAwait(false))
            {
                await sandbox.WaitUntilConnectedAsync(process, cancellationToken).ConfigureAwait(false);
                return await measure(sandbox, process).ConfigureAwait(false);
            }
        }
    }
}
