namespace SinGateway.Operations;

/// <summary>How far a process is.</summary>
internal enum StatusStage
{
    /// <summary>It reads, asks and waits for what it needs before its loop begins.</summary>
    Starting,

    Running,

    Stopping,
}

/// <summary>
/// Where the loop leaves its snapshots for the HTTP server, and the sign that it turns. Three snapshots go round: the loop writes one, the server
/// reads one, and the third is the newest that is finished; each side swaps its own for it, so neither ever waits and nothing is copied.
/// </summary>
internal sealed class StatusBoard(StatusProcess process, FaultLog faults, TimeProvider time)
{
    /// <summary>A loop that has not turned for so long has failed; it tells a snapshot once a second.</summary>
    public static readonly TimeSpan StallLimit = TimeSpan.FromSeconds(10);

    private StatusSnapshot? _writing;
    private StatusSnapshot? _finished;
    private StatusSnapshot? _reading;
    private long _turnedAt;
    private int _stage;

    public StatusProcess Process { get; } = process;

    public StatusStage Stage
    {
        get => (StatusStage)Volatile.Read(ref _stage);
        set => Volatile.Write(ref _stage, (int)value);
    }

    /// <summary>Before the loop begins: the three snapshots, all alike.</summary>
    public void Begin(Func<StatusSnapshot> create)
    {
        (_writing, _finished, _reading) = (create(), create(), create());
        Volatile.Write(ref _turnedAt, time.GetTimestamp());
        Stage = StatusStage.Running;
    }

    /// <summary>Loop thread, once a second: gives out the snapshot to be written next, which holds what it did three ago.</summary>
    public StatusSnapshot Write() => _writing!;

    /// <summary>Loop thread: what was written is the newest now.</summary>
    public void Publish()
    {
        _writing!.TakenAt = time.GetUtcNow().ToUnixTimeMilliseconds();
        _writing.IsFresh = true;
        _writing = Interlocked.Exchange(ref _finished, _writing);
        Volatile.Write(ref _turnedAt, time.GetTimestamp());
    }

    /// <summary>
    /// Server thread: the newest snapshot with its age, this thread's until the next call; null before the first was published.
    /// </summary>
    public StatusSnapshot? Read()
    {
        // Only this thread leaves one that is not fresh, so what is swapped for is as fresh as what was looked at, or fresher.
        if (Volatile.Read(ref _finished) is { IsFresh: true })
        {
            _reading!.IsFresh = false;
            _reading = Interlocked.Exchange(ref _finished, _reading);
        }

        if (_reading is not { IsFresh: true } snapshot)
        {
            return null;
        }

        snapshot.Age = (long)SinceTurn.TotalMilliseconds;
        snapshot.Stalled = IsStalled;
        snapshot.Faults = faults.Newest();
        return snapshot;
    }

    public Fault[] Faults => faults.Newest();

    /// <summary>For how long the loop has given no sign; nothing while there is none yet.</summary>
    public TimeSpan SinceTurn => Stage == StatusStage.Starting ? TimeSpan.Zero : time.GetElapsedTime(Volatile.Read(ref _turnedAt));

    public bool IsStalled => SinceTurn >= StallLimit;
}
