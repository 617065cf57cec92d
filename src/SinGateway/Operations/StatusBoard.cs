namespace SinGateway.Operations;

/// <summary>How far a process is.</summary>
internal enum StatusStage
{
    /// <summary>It reads, asks and waits for what it needs before its loop begins.</summary>
    Starting,

    /// <summary>Another process runs its cluster; it takes over when that one is gone.</summary>
    StandingBy,

    Running,

    Stopping,

    /// <summary>Someone refused for good, and it only waits for its end.</summary>
    Refused,
}

/// <summary>
/// Where the loops leave their snapshots for the HTTP server, and the sign that they turn. Three snapshots go round: the loops write one, one
/// after the other, the server reads one, and the third is the newest that is finished; each side swaps its own for it, so neither ever waits
/// and nothing is copied.
/// </summary>
internal sealed class StatusBoard(StatusProcess process, FaultLog faults, TimeProvider time)
{
    /// <summary>A loop that has not turned for so long has failed; it tells a snapshot once a second.</summary>
    public static readonly TimeSpan StallLimit = TimeSpan.FromSeconds(10);

    private Rotation? _rotation;
    private long _turnedAt;
    private int _stage;

    public StatusProcess Process { get; } = process;

    public StatusStage Stage
    {
        get => (StatusStage)Volatile.Read(ref _stage);
        set => Volatile.Write(ref _stage, (int)value);
    }

    /// <summary>What was wrong and what to change, once the stage is <see cref="StatusStage.Refused"/>; null before.</summary>
    public string? Refusal { get; private set; }

    public FaultLog Faults { get; } = faults;

    /// <summary>For how long the loop has given no sign; nothing while there is none.</summary>
    public TimeSpan SinceTurn => Stage is StatusStage.Starting or StatusStage.StandingBy or StatusStage.Refused
        ? TimeSpan.Zero
        : time.GetElapsedTime(Volatile.Read(ref _turnedAt));

    public bool IsStalled => SinceTurn >= StallLimit;

    /// <summary>Before a loop begins, as often as one does: the three snapshots, all alike.</summary>
    public void Begin(Func<StatusSnapshot> create)
    {
        Volatile.Write(ref _rotation, new Rotation { Writing = create(), Finished = create(), Reading = create() });
        Volatile.Write(ref _turnedAt, time.GetTimestamp());
        Stage = StatusStage.Running;
    }

    /// <summary>There is no loop, or none any more, and nothing to tell of it.</summary>
    public void StandBy()
    {
        Stage = StatusStage.StandingBy;
        Volatile.Write(ref _rotation, null);
    }

    /// <summary>Nothing is tried any more, and this is why.</summary>
    public void Refuse(string reason)
    {
        Refusal = reason;
        Stage = StatusStage.Refused;
        Volatile.Write(ref _rotation, null);
    }

    /// <summary>Loop threads, one at a time: gives out the snapshot to be written next, which holds what it did three ago.</summary>
    public StatusSnapshot Write() => _rotation!.Writing;

    /// <summary>The first loop's thread, once a second: what was written is the newest now.</summary>
    public void Publish()
    {
        Rotation rotation = _rotation!;
        rotation.Writing.TakenAt = time.GetUtcNow().ToUnixTimeMilliseconds();
        rotation.Writing.IsFresh = true;
        rotation.Writing = Interlocked.Exchange(ref rotation.Finished, rotation.Writing);
        Volatile.Write(ref _turnedAt, time.GetTimestamp());
    }

    /// <summary>
    /// Server thread: the newest snapshot with its age, this thread's until the next call; null before the first was published.
    /// </summary>
    public StatusSnapshot? Read()
    {
        if (Volatile.Read(ref _rotation) is not { } rotation)
        {
            return null;
        }

        // Only this thread leaves one that is not fresh, so what is swapped for is as fresh as what was looked at, or fresher.
        if (Volatile.Read(ref rotation.Finished).IsFresh)
        {
            rotation.Reading.IsFresh = false;
            rotation.Reading = Interlocked.Exchange(ref rotation.Finished, rotation.Reading);
        }

        if (!rotation.Reading.IsFresh)
        {
            return null;
        }

        rotation.Reading.Age = (long)SinceTurn.TotalMilliseconds;
        rotation.Reading.Stalled = IsStalled;
        rotation.Reading.Faults = Faults.Newest();
        return rotation.Reading;
    }

    /// <summary>The snapshots of one run.</summary>
    private sealed class Rotation
    {
        /// <summary>The loops' own.</summary>
        public required StatusSnapshot Writing;

        /// <summary>Either's to swap for.</summary>
        public required StatusSnapshot Finished;

        /// <summary>The server's own.</summary>
        public required StatusSnapshot Reading;
    }
}
