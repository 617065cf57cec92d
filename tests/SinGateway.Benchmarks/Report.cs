using System.Globalization;

namespace SinGateway.Benchmarks;

/// <summary>Runs what was asked for, tells on stderr how it goes, and prints the tables on stdout, as Markdown.</summary>
internal sealed class Report(BenchmarkOptions options, Bench bench, IReadOnlyList<Subject> subjects, CancellationToken cancellationToken)
{
    private readonly List<string[]> _rows = [];

    public async Task WriteEventCostsAsync()
    {
        _rows.Clear();
        Add(["", .. subjects.Select(subject => subject.Name)]);
        if (options.Includes("burst"))
        {
            await AddBurstAsync(shards: 1, tls: false).ConfigureAwait(false);
            await AddBurstAsync(options.PacedShards, tls: false).ConfigureAwait(false);
            await AddBurstAsync(shards: 1, tls: true).ConfigureAwait(false);
        }
        if (options.Includes("paced"))
        {
            await AddPacedAsync(tls: false).ConfigureAwait(false);
            await AddPacedAsync(tls: true).ConfigureAwait(false);
        }
        if (_rows.Count > 1)
        {
            Print($"Per event of about 1.2 KB of JSON, {options.Compression}");
        }
    }

    /// <summary>What an event costs, however busy the machine is.</summary>
    public async Task WriteInstructionsAsync()
    {
        if (!Callgrind.IsInstalled)
        {
            Say("instructions: not measured, since valgrind is missing (on Debian: apt-get install valgrind)");
            return;
        }

        _rows.Clear();
        Add(["", .. subjects.Select(subject => subject.Name)]);
        foreach ((int shards, bool tls) in ((int, bool)[])[(1, false), (options.PacedShards, false), (1, true)])
        {
            List<string> cells = [$"burst, {Counted(shards, "shard")}{(tls ? ", TLS" : "")}"];
            foreach (Subject subject in subjects)
            {
                Say($"instructions of {subject.Name}, {cells[0]}");
                cells.Add(!tls || subject.SpeaksTls
                    ? (await bench.InstructionsAsync(subject, shards, tls, options.InstructionEvents, cancellationToken).ConfigureAwait(false))
                        .ToString("N0", CultureInfo.InvariantCulture)
                    : "-");
            }

            Add(cells);
        }

        Print("Instructions an event, without the kernel's (valgrind), one run");
    }

    /// <summary>What a rule costs that takes ids from the event.</summary>
    public void WriteScan()
    {
        _rows.Clear();
        Add(["", "bytes", "CPU µs"]);
        foreach ((string name, int bytes, Func<double> measure) in ScanBench.Cases())
        {
            Say($"scan, {name}");
            List<double> runs = [.. Enumerable.Range(0, options.Runs).Select(_ => measure())];
            Add([name, bytes.ToString("N0", CultureInfo.InvariantCulture), Sample.Describe(runs, "0.00")]);
        }
        Print("Variables that are read off the event");
    }

    /// <summary>Managed bytes per event of the gateway, the first subject.</summary>
    public async Task WriteAllocationAsync()
    {
        (int few, int many) = options.AllocationEvents;
        List<double> perEvent = [];
        List<double> idle = [];
        for (int run = 0; run < options.Runs; run++)
        {
            Say($"allocation, run {run + 1}");
            // The longer life decides, so that both have the same length.
            TimeSpan life = TimeSpan.FromSeconds(2) + (await bench.AllocatedAsync(subjects[0], 1, many, TimeSpan.Zero, cancellationToken).ConfigureAwait(false)).Busy;
            (long bytesMany, _) = await bench.AllocatedAsync(subjects[0], 1, many, life, cancellationToken).ConfigureAwait(false);
            (long bytesFew, _) = await bench.AllocatedAsync(subjects[0], 1, few, life, cancellationToken).ConfigureAwait(false);
            (long bytesIdle, _) = await bench.AllocatedAsync(subjects[0], 1, 0, life, cancellationToken).ConfigureAwait(false);
            perEvent.Add((bytesMany - bytesFew) / (double)(many - few));
            idle.Add(bytesIdle / 1024.0);
        }
        _rows.Clear();
        Add(["", subjects[0].Name]);
        Add([$"managed bytes per event: ({many:N0} events - {few:N0} events) / {many - few:N0}", Sample.Describe(perEvent, "0.00")]);
        Add(["managed KiB of an idle life of the same length, start included", Sample.Describe(idle, "0")]);
        Print("Allocation");
    }

    /// <summary>Resident memory of each subject at more and more shards, and what one more shard takes.</summary>
    public async Task WriteMemoryAsync()
    {
        _rows.Clear();
        Add(["MiB resident", .. options.MemoryShards.Select(shards => Counted(shards, "shard")), "KiB per further shard"]);
        // Of the C programs one is enough: they differ in speed only.
        foreach (Subject subject in subjects.DistinctBy(subject => subject.SpeaksTls))
        {
            List<(int Shards, MemoryCourse Memory)> points = [];
            foreach (int shards in options.MemoryShards)
            {
                Say($"memory of {subject.Name}, {Counted(shards, "shard")}");
                points.Add((shards, await bench.MemoryAsync(subject, shards, subject.SpeaksTls, options.MemoryRest, cancellationToken).ConfigureAwait(false)));
            }
            string name = $"{subject.Name}, {(subject.SpeaksTls ? "TLS" : "no TLS")}";
            AddMemory($"{name}, idle after READY", points, memory => memory.Idle.Resident);
            AddMemory($"{name}, just after a burst", points, memory => memory.SoonAfterBurst.Resident);
            if (options.MemoryRest > TimeSpan.Zero)
            {
                AddMemory($"{name}, {options.MemoryRest.TotalSeconds:0} s later", points, memory => memory.Rested.Resident);
            }
            AddMemory($"{name}, then: private pages only", points, memory => memory.Rested.Private);
        }
        Print($"Memory, {options.Compression}");
    }

    public void WriteSizes(IEnumerable<string> executables)
    {
        _rows.Clear();
        Add(["executable", "MB"]);
        foreach (string executable in executables)
        {
            Add([Path.GetFileName(executable), (new FileInfo(executable).Length / 1e6).ToString("0.0", CultureInfo.InvariantCulture)]);
        }
        Print("Size");
    }

    private async Task AddBurstAsync(int shards, bool tls)
    {
        string what = $"burst, {Counted(shards, "shard")}{(tls ? ", TLS" : "")}";
        IReadOnlyList<EventCost>[] costs = await MeasureAsync(what, tls, subject =>
            bench.BurstAsync(subject, shards, tls, options.BurstEvents, cancellationToken)).ConfigureAwait(false);
        AddCosts($"{what}: CPU µs", costs, runs => Sample.Describe([.. runs.Select(run => run.CpuMicroseconds)], "0.00"));
        AddCosts($"{what}: events/s", costs, runs => Sample.Describe([.. runs.Select(run => run.EventsPerSecond)], "0"));
    }

    private async Task AddPacedAsync(bool tls)
    {
        string what = $"{options.PacedRate}/s over {Counted(options.PacedShards, "shard")}{(tls ? ", TLS" : "")}";
        IReadOnlyList<EventCost>[] costs = await MeasureAsync(what, tls, subject =>
            bench.PacedAsync(subject, options.PacedShards, tls, options.PacedRate, options.PacedDuration, cancellationToken)).ConfigureAwait(false);
        AddCosts($"{what}: CPU µs", costs, runs => Sample.Describe([.. runs.Select(run => run.CpuMicroseconds)], "0.0"));
        AddCosts($"{what}: latency µs, median / 99 %", costs, runs => FormattableString.Invariant(
            $"{Sample.Median(runs.Select(run => run.LatencyMedian)):0} / {Sample.Median(runs.Select(run => run.Latency99)):0}"));
    }

    // The subjects take turns, so that a machine that is slower for a while is slower for all of them. No runs for one that cannot.
    private async Task<IReadOnlyList<EventCost>[]> MeasureAsync(string what, bool tls, Func<Subject, Task<EventCost>> measure)
    {
        List<EventCost>[] costs = [.. subjects.Select(_ => new List<EventCost>())];
        for (int run = 0; run < options.Runs; run++)
        {
            for (int i = 0; i < subjects.Count; i++)
            {
                if (!tls || subjects[i].SpeaksTls)
                {
                    EventCost cost = await measure(subjects[i]).ConfigureAwait(false);
                    costs[i].Add(cost);
                    Say(FormattableString.Invariant(
                        $"{subjects[i].Name}, {what}, run {run + 1}: {cost.CpuMicroseconds:0.00} µs, {cost.EventsPerSecond:0} events/s"));
                }
            }
        }
        return costs;
    }

    private void AddCosts(string what, IReadOnlyList<EventCost>[] costs, Func<IReadOnlyList<EventCost>, string> describe)
    {
        if (costs.Any(runs => runs.Count > 0))
        {
            Add([what, .. costs.Select(runs => runs.Count == 0 ? "-" : describe(runs))]);
        }
    }

    private void AddMemory(string what, IReadOnlyList<(int Shards, MemoryCourse Memory)> points, Func<MemoryCourse, long> select)
    {
        // From the second point on: the first shard brings what all of them share.
        (int Shards, MemoryCourse Memory) from = points[Math.Min(1, points.Count - 1)], to = points[^1];
        string slope = to.Shards > from.Shards ? ((select(to.Memory) - select(from.Memory)) / (to.Shards - from.Shards)).ToString(CultureInfo.InvariantCulture) : "-";
        Add([what, .. points.Select(point => (select(point.Memory) / 1024.0).ToString("0.0", CultureInfo.InvariantCulture)), slope]);
    }

    private static string Counted(int count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";

    private static void Say(string what) => Console.Error.WriteLine(what);

    private void Add(IReadOnlyList<string> cells) => _rows.Add([.. cells]);

    private void Print(string heading)
    {
        Console.WriteLine($"### {heading}");
        Console.WriteLine();
        for (int row = 0; row < _rows.Count; row++)
        {
            Console.WriteLine($"| {string.Join(" | ", _rows[row])} |");
            if (row == 0)
            {
                Console.WriteLine($"|---|{string.Concat(Enumerable.Repeat("---:|", _rows[0].Length - 1))}");
            }
        }
        Console.WriteLine();
    }
}
