using System.Diagnostics;

namespace SinGateway.Loop;

/// <summary>Something with a descriptor that a loop watches.</summary>
internal interface IPollable
{
    /// <summary>
    /// Called on the loop's thread with the bits of <see cref="SystemCalls"/>; level-triggered, so what is left undone is told again.
    /// </summary>
    void OnReady(uint events);
}

/// <summary>
/// One thread that waits for readiness and calls whoever is ready: no async, no Task, no lock. Everything that it calls runs to its end
/// without blocking (G25). What is slow runs elsewhere and comes back through <see cref="Post"/>.
/// </summary>
internal sealed class EventLoop : IDisposable
{
    private const int EventsPerWait = 256;
    private const ulong WakeUp = ulong.MaxValue;

    /// <summary>
    /// How often a gate is asked at least, in ms: a closed one might have opened, and one that was not asked for longer knows that the process
    /// was stopped.
    /// </summary>
    private const int GatePeriod = 1_000;

    private readonly TimeProvider _time;
    private readonly long _startTimestamp;
    private readonly int _epoll = SystemCalls.EpollCreate();
    private readonly int _wakeUp = SystemCalls.EventCreate();
    private readonly List<Watcher> _watches = [];
    private readonly Stack<int> _freeWatches = [];
    private List<Action> _atEnd = [];
    private List<Action> _atEndRunning = [];
    private PostedAction? _posted;
    private Thread? _thread;
    private volatile bool _stopping;
    private volatile bool _disposed;

    public EventLoop(TimeProvider time)
    {
        _time = time;
        _startTimestamp = time.GetTimestamp();
        SystemCalls.EpollAddDescriptor(_epoll, _wakeUp, SystemCalls.PollIn, WakeUp);
    }

    /// <summary>Something threw on the loop, which is a bug and the end of the loop. Called on its thread.</summary>
    public event Action<Exception>? Failed;

    /// <summary>Milliseconds since the loop was made, on the monotonic clock, as of the current turn.</summary>
    public long Now { get; private set; }

    /// <summary>The clock's own count at the current turn, finer than <see cref="Now"/>; see <see cref="Microseconds"/>.</summary>
    public long Timestamp { get; private set; }

    /// <summary>The wall clock, in milliseconds since the epoch.</summary>
    public long UnixNow => _time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>What <see cref="Timestamp"/> was when <see cref="Now"/> was <paramref name="now"/>, as exactly as that tells.</summary>
    public long TimestampAt(long now) => now == Now ? Timestamp : Timestamp - ((Now - now) * _time.TimestampFrequency / 1_000);

    /// <summary>As <see cref="Timestamp"/>, at this moment.</summary>
    public long ReadTimestamp() => _time.GetTimestamp();

    /// <summary>As <see cref="Now"/>, at this moment.</summary>
    public long ReadNow() => MillisecondsAt(_time.GetTimestamp());

    /// <summary>µs between two timestamps.</summary>
    public long Microseconds(long from, long to) => _time.GetElapsedTime(from, to).Ticks / TimeSpan.TicksPerMicrosecond;

    public TimerHeap Timers { get; } = new();

    /// <summary>Asked before each turn reads and before it writes; null lets everything pass. Set before the start.</summary>
    public ILoopGate? Gate { get; set; }

    /// <summary>Buffers that every connection of the loop borrows for the length of one call.</summary>
    public LoopBuffers Buffers { get; } = new();

    public void Start(string name = "loop")
    {
        _thread = new Thread(Run) { Name = name, IsBackground = true };
        _thread.Start();
    }

    /// <summary>Runs <paramref name="action"/> on the loop's thread, soon. Callable from any thread; takes no lock.</summary>
    public void Post(Action action) => Post(new PostedAction(action));

    /// <summary>The same, for an action that is posted often: nothing is allocated. Not again before it has begun to run.</summary>
    public void Post(PostedAction posted)
    {
        // Once it is in the list, the action's Next belongs to the loop: only the local may be read after that.
        PostedAction? before;
        do
        {
            posted.Next = before = Volatile.Read(ref _posted);
        }
        while (Interlocked.CompareExchange(ref _posted, posted, before) != before);

        if (before is null && !_disposed)
        {
            SystemCalls.Signal(_wakeUp);
        }
    }

    /// <summary>Lets the loop turn, and a closed gate be asked again. Callable from any thread.</summary>
    public void Wake()
    {
        if (!_disposed)
        {
            SystemCalls.Signal(_wakeUp);
        }
    }

    /// <summary>
    /// Runs <paramref name="action"/> when everyone who is ready in this turn has been called: where output is written, many messages at
    /// once. One that is asked for while these run has its turn in the next round, which then does not wait.
    /// </summary>
    public void AtEndOfTurn(Action action)
    {
        AssertOnThread();
        _atEnd.Add(action);
    }

    /// <summary>Watches <paramref name="descriptor"/> for <paramref name="events"/>; the result names the watch in later calls.</summary>
    public ulong Watch(int descriptor, uint events, IPollable target)
    {
        AssertOnThread();
        if (!_freeWatches.TryPop(out int index))
        {
            index = _watches.Count;
            _watches.Add(default);
        }

        uint generation = _watches[index].Generation + 1;
        _watches[index] = new Watcher(target, generation);
        ulong watch = ((ulong)generation << 32) | (uint)index;
        SystemCalls.EpollAddDescriptor(_epoll, descriptor, events, watch);
        return watch;
    }

    public void ChangeWatch(ulong watch, int descriptor, uint events) => SystemCalls.EpollModifyDescriptor(_epoll, descriptor, events, watch);

    /// <summary>
    /// Ends a watch; events of it that this turn has already collected are dropped. The descriptor stays the caller's to close.
    /// </summary>
    public void Unwatch(ulong watch, int descriptor)
    {
        AssertOnThread();
        SystemCalls.EpollRemoveDescriptor(_epoll, descriptor);
        int index = (int)(uint)watch;
        _watches[index] = _watches[index] with { Target = null };
        _freeWatches.Push(index);
    }

    /// <summary>Asks the loop to end after its current turn. Callable from any thread.</summary>
    public void Stop()
    {
        _stopping = true;
        SystemCalls.Signal(_wakeUp);
    }

    /// <summary>Asks the loop to end, and returns when it has. Not from its own thread.</summary>
    public void End()
    {
        Stop();
        _thread?.Join();
    }

    public void Dispose()
    {
        End();

        // Work that others still do may post its result: nobody takes it, and the descriptor is not theirs to signal.
        _disposed = true;
        SystemCalls.Close(_epoll);
        SystemCalls.Close(_wakeUp);
        Buffers.Dispose();
    }

    [Conditional("DEBUG")]
    public void AssertOnThread() => Debug.Assert(_thread is null || _thread == Thread.CurrentThread, "called off the loop's thread");

    private void Run()
    {
        try
        {
            Turn();
        }
        catch (Exception failure) when (Failed is not null)
        {
            Failed(failure);
        }
    }

    private void Turn()
    {
        Span<byte> events = stackalloc byte[EventsPerWait * SystemCalls.EpollEventSize];
        ReadClock();
        while (!_stopping)
        {
            int ready = SystemCalls.EpollWait(_epoll, events, _atEnd.Count > 0 ? 0 : LongestWait());
            ReadClock();
            if (!PassGate())
            {
                return;
            }

            for (int i = 0; i < ready; i++)
            {
                uint happened = SystemCalls.EventAt(events, i, out ulong watch);
                if (watch == WakeUp)
                {
                    RunPosted();
                }
                else if (_watches[(int)(uint)watch] is { Target: { } target } known && known.Generation == (uint)(watch >> 32))
                {
                    target.OnReady(happened);
                }
            }

            Timers.FireDue(Now);

            // The process may have been stopped since this turn began.
            if (_atEnd.Count > 0 && PassGate())
            {
                RunEndOfTurn();
            }
        }
    }

    /// <summary>Milliseconds to the next timer or the next look at the gate; -1 without either.</summary>
    private int LongestWait()
    {
        int toTimer = Timers.Timeout(Now);
        return Gate is null || toTimer is >= 0 and < GatePeriod ? toTimer : GatePeriod;
    }

    private void ReadClock()
    {
        Timestamp = _time.GetTimestamp();
        Now = MillisecondsAt(Timestamp);
    }

    private long MillisecondsAt(long timestamp) => (long)_time.GetElapsedTime(_startTimestamp, timestamp).TotalMilliseconds;

    /// <summary>
    /// Returns when the gate is open; until then nothing runs: no descriptor, no timer, nothing that was posted. False when the loop is to
    /// stop before that.
    /// </summary>
    private bool PassGate()
    {
        if (Gate is not { } gate || gate.IsOpen())
        {
            return true;
        }

        do
        {
            SystemCalls.WaitReadable(_wakeUp, GatePeriod);
            if (_stopping)
            {
                return false;
            }

            // What was posted meanwhile is run below.
            SystemCalls.Consume(_wakeUp);
        }
        while (!gate.IsOpen());

        ReadClock();
        RunPosted();
        return true;
    }

    private void RunPosted()
    {
        SystemCalls.Consume(_wakeUp);
        PostedAction? newestFirst = Interlocked.Exchange(ref _posted, null);
        PostedAction? oldestFirst = null;
        while (newestFirst is not null)
        {
            (newestFirst.Next, oldestFirst, newestFirst) = (oldestFirst, newestFirst, newestFirst.Next);
        }

        while (oldestFirst is not null)
        {
            // What runs may be posted again from then on, so its Next is read before.
            PostedAction running = oldestFirst;
            oldestFirst = running.Next;
            running.Action();
        }
    }

    private void RunEndOfTurn()
    {
        (_atEnd, _atEndRunning) = (_atEndRunning, _atEnd);
        foreach (Action action in _atEndRunning)
        {
            action();
        }

        _atEndRunning.Clear();
    }

    /// <param name="Target">Null when the watch has ended.</param>
    /// <param name="Generation">Tells an old event of this place in the table from a new one.</param>
    private readonly record struct Watcher(IPollable? Target, uint Generation);
}
