using SinGateway.Discord;

namespace SinGateway.Tests.Discord;

/// <summary>What the simulated Discord does to every shard.</summary>
public enum SimulatedFault
{
    /// <summary>Nothing: all shards become ready and stay so.</summary>
    None,

    /// <summary>Op 9 false right after READY.</summary>
    InvalidAfterReady,

    /// <summary>Close 4000 right after READY, and every RESUME is answered by op 9 false.</summary>
    ClosedAfterReady,

    /// <summary>TCP reset right after READY, and every RESUME by a reset, too.</summary>
    ResetAfterReady,

    /// <summary>Close 4009 right after READY.</summary>
    TimedOutAfterReady,

    /// <summary>Op 9 false in answer to IDENTIFY.</summary>
    IdentifyRefused,

    /// <summary>Close 4000 in answer to IDENTIFY.</summary>
    ClosedWhileIdentifying,

    /// <summary>The connection is reset before HELLO.</summary>
    NoHello,
}

/// <summary>
/// A bot against a Discord that turns on it, in virtual time: the real <see cref="ShardLife"/> with its backoff and the real
/// <see cref="IdentifyPermits"/>, driven by a queue of events. Discord's side keeps its own books: the pace of each bucket, the window, and
/// each IDENTIFY with its time.
/// </summary>
internal sealed class IdentifySimulation
{
    public const long Day = 24 * 60 * 60 * 1_000L;
    private const long DiscordsPace = 5_000;

    private readonly SimulatedFault _fault;
    private readonly int _total;
    private readonly int _maxConcurrency;
    private readonly Random _random;
    private readonly IdentifyPermits _permits = new();
    private readonly ShardState[] _shards;
    private readonly int[] _connection;
    private readonly PriorityQueue<Action, (long At, long Order)> _events = new();
    private readonly Dictionary<int, long> _lastOfBucket = [];
    private readonly List<int> _granted = [];
    private readonly List<long> _identifies = [];
    private long _order;
    private long _now;
    private long _passAt = long.MaxValue;
    private long _windowEnds;
    private int _used;

    public IdentifySimulation(SimulatedFault fault, int shards, int total, int maxConcurrency, int seed)
    {
        _fault = fault;
        _total = total;
        _maxConcurrency = maxConcurrency;
        _random = new Random(seed);
        _shards = new ShardState[shards];
        _connection = new int[shards];
        Array.Fill(_shards, ShardState.Initial(false));
    }

    /// <summary>IDENTIFYs that reached Discord.</summary>
    public int Identifies => _identifies.Count;

    public int IdentifiesOfTheFirstDay => _identifies.Count(at => at < Day);

    /// <summary>IDENTIFYs of a bucket within five seconds of the one before.</summary>
    public int PaceViolations { get; private set; }

    /// <summary>The least that was left of a window.</summary>
    public int LeastRemaining { get; private set; } = int.MaxValue;

    public int Connections { get; private set; }

    /// <summary>When the last shard became ready that had not been, in ms; 0 when some never were.</summary>
    public long AllReadyAt { get; private set; }

    public int EverReady { get; private set; }

    /// <summary>The fullest 24 hours.</summary>
    public int MostInADay
    {
        get
        {
            int most = 0, first = 0;
            for (int last = 0; last < _identifies.Count; last++)
            {
                while (_identifies[last] - _identifies[first] >= Day)
                {
                    first++;
                }

                most = Math.Max(most, last - first + 1);
            }

            return most;
        }
    }

    public void Run(long milliseconds)
    {
        _permits.Update(Limit(), 0);
        for (int shard = 0; shard < _shards.Length; shard++)
        {
            Signal(shard, new ShardSignal(ShardInput.Start));
        }

        while (_events.TryDequeue(out Action? happen, out (long At, long Order) when) && when.At <= milliseconds)
        {
            _now = when.At;
            happen();
        }
    }

    private SessionStartLimit Limit()
    {
        BeginWindowIfOver();
        return new(_total, _total - _used, Math.Max(_windowEnds - _now, 0), _maxConcurrency);
    }

    private void BeginWindowIfOver()
    {
        if (_now >= _windowEnds)
        {
            _windowEnds = _now + Day;
            _used = 0;
        }
    }

    private void After(long milliseconds, Action action) => _events.Enqueue(action, (_now + milliseconds, _order++));

    /// <summary>What the network adds, in ms.</summary>
    private int Latency() => _random.Next(20, 200);

    /// <summary>Happens to the shard's connection of now, if it is still that one then.</summary>
    private void Happens(int shard, long milliseconds, ShardSignal signal)
    {
        int connection = _connection[shard];
        After(milliseconds, () =>
        {
            if (_connection[shard] == connection)
            {
                Signal(shard, signal);
            }
        });
    }

    private void Signal(int shard, ShardSignal signal)
    {
        ShardStep step = ShardLife.Next(_shards[shard], signal, _now, _random);
        _shards[shard] = step.State;
        if (!step.State.HasSocket)
        {
            _connection[shard]++;
        }

        Carry(shard, step);
    }

    private void Carry(int shard, in ShardStep step)
    {
        if (step.Actions.HasFlag(ShardActions.ReturnPermit))
        {
            _permits.Return(shard);
            PassAt(_now);
        }

        if (step.Actions.HasFlag(ShardActions.RequestPermit))
        {
            _permits.Request(shard);
            PassAt(_now);
        }

        if (step.Actions.HasFlag(ShardActions.RequestTurn))
        {
            After(0, () => Signal(shard, new ShardSignal(ShardInput.TurnCame)));
        }

        if (step.Actions.HasFlag(ShardActions.Connect))
        {
            Connect(shard);
        }

        if (step.Actions.HasFlag(ShardActions.ConfirmPermit))
        {
            Spend(shard);
        }

        if (step.Actions.HasFlag(ShardActions.SendIdentify))
        {
            Identify(shard);
        }

        if (step.Actions.HasFlag(ShardActions.SendResume))
        {
            Happens(shard, Latency(), _fault == SimulatedFault.ResetAfterReady ? new(ShardInput.Lost) : new(ShardInput.SessionInvalid));
        }

        if (step.Actions.HasFlag(ShardActions.Wait))
        {
            After(step.Delay, () => Signal(shard, new ShardSignal(ShardInput.BackoffOver)));
        }
    }

    private void Connect(int shard)
    {
        _connection[shard]++;
        Connections++;
        int opened = Latency();
        Happens(shard, opened, new(ShardInput.Opened));
        Happens(shard, opened + Latency(), new(_fault == SimulatedFault.NoHello ? ShardInput.Lost : ShardInput.Hello));
    }

    private void Spend(int shard)
    {
        int connection = _connection[shard];
        bool spent = _permits.TrySpend(shard, _now);

        // The time that the ledger takes.
        After(_random.Next(1, 20), () =>
        {
            if (_connection[shard] == connection)
            {
                bool confirmed = spent && _permits.Confirm(shard, _now);
                PassAt(_now);
                Signal(shard, new ShardSignal(confirmed ? ShardInput.PermitConfirmed : ShardInput.PermitDenied));
            }
        });
    }

    /// <summary>
    /// Discord's books, and its answer. It is counted as sent: that latency may differ by 300 ms is what the pace's padding is for.
    /// </summary>
    private void Identify(int shard)
    {
        BeginWindowIfOver();
        _identifies.Add(_now);
        LeastRemaining = Math.Min(LeastRemaining, _total - ++_used);
        int bucket = shard % _maxConcurrency;
        if (_lastOfBucket.TryGetValue(bucket, out long last) && _now - last < DiscordsPace)
        {
            PaceViolations++;
        }

        _lastOfBucket[bucket] = _now;
        int answered = Latency();
        switch (_fault)
        {
            case SimulatedFault.IdentifyRefused:
                Happens(shard, answered, new(ShardInput.SessionInvalid));
                return;
            case SimulatedFault.ClosedWhileIdentifying:
                Happens(shard, answered, new(ShardInput.Lost, 4000));
                return;
        }

        Happens(shard, answered, new(ShardInput.Ready));
        After(answered, NoteReady);
        ShardSignal? dies = _fault switch
        {
            SimulatedFault.InvalidAfterReady => new(ShardInput.SessionInvalid),
            SimulatedFault.ClosedAfterReady => new(ShardInput.Lost, 4000),
            SimulatedFault.ResetAfterReady => new(ShardInput.Lost),
            SimulatedFault.TimedOutAfterReady => new(ShardInput.Lost, 4009),
            _ => null,
        };
        if (dies is { } signal)
        {
            Happens(shard, answered + 1, signal);
        }
    }

    private void NoteReady()
    {
        if (_fault == SimulatedFault.None && ++EverReady == _shards.Length)
        {
            AllReadyAt = _now;
        }
    }

    private void PassAt(long at)
    {
        if (at < _passAt)
        {
            _passAt = at;
            After(at - _now, () =>
            {
                if (_passAt <= _now)
                {
                    Pass();
                }
            });
        }
    }

    /// <summary>As the queue does: Discord is asked at the reset, permits are granted, and the next time is noted.</summary>
    private void Pass()
    {
        _passAt = long.MaxValue;
        if (_now >= _permits.Budget.ResetAt)
        {
            _permits.Update(Limit(), _now);
        }

        _granted.Clear();
        IdentifyPass pass = _permits.Grant(_now, _granted);
        foreach (int shard in _granted)
        {
            Signal(shard, new ShardSignal(ShardInput.PermitGranted));
        }

        if (pass.NextAt != long.MaxValue)
        {
            PassAt(Math.Max(pass.NextAt, _now + 1));
        }
    }
}
