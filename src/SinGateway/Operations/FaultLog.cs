namespace SinGateway.Operations;

/// <summary>
/// The last faults of the process: every warning and error of the log, and every connection to Discord that a shard lost. Any thread may add and
/// read; nobody waits.
/// </summary>
internal sealed class FaultLog(TimeProvider time)
{
    public const int Capacity = 50;

    /// <summary>Characters that are kept of a cause.</summary>
    private const int MaximumCause = 500;

    private readonly Fault?[] _faults = new Fault?[Capacity];
    private long _count;

    public void Add(string source, string cause)
    {
        cause = cause.Length <= MaximumCause ? cause : cause[..MaximumCause] + "…";
        long number = Interlocked.Increment(ref _count) - 1;
        Volatile.Write(ref _faults[number % Capacity], new Fault(time.GetUtcNow().ToUnixTimeMilliseconds(), source, cause));
    }

    /// <summary>The newest first.</summary>
    public Fault[] Newest()
    {
        long end = Volatile.Read(ref _count);
        List<Fault> newest = new(Capacity);
        for (long number = end - 1; number >= Math.Max(end - Capacity, 0); number--)
        {
            if (Volatile.Read(ref _faults[number % Capacity]) is { } fault)
            {
                newest.Add(fault);
            }
        }

        return [.. newest];
    }
}
