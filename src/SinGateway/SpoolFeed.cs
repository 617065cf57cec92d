using System.Buffers.Binary;
using Microsoft.Extensions.Logging;
using SinGateway.Loop;
using SinGateway.Sessions;
using SinGateway.Singyeong;
using SinGateway.Spooling;

namespace SinGateway;

/// <summary>
/// Between the receivers and the spool (G13, G14): takes the events that an outbox has no room for, and everything newer behind them, and
/// forwards them in that order when there is room again. An event is a record once for all its rules, which are looked up when it is read.
/// One for the process; belongs to the loop's thread.
/// </summary>
/// <remarks>
/// Nothing goes past the spool while something in it is unread. When it takes no more, the one event that was already read off its socket is
/// parked here, and reading stops. Records are confirmed up to the first whose copies are not all settled.
/// </remarks>
internal sealed partial class SpoolFeed : ISpoolListener
{
    /// <summary>The rule of a record that is for every rule that takes it when it is read.</summary>
    public const int EveryRule = -1;

    /// <summary>What is forwarded in one turn of the loop at most, in bytes of events; a record counts for <see cref="LeastOfRecord"/> at least.</summary>
    private const int BytesOfTurn = 256 * 1024;

    private const int LeastOfRecord = 512;

    private readonly EventLoop _loop;
    private readonly Spool _spool;
    private readonly bool _commits;
    private readonly ILogger _logger;
    private readonly Action _goOn;
    private readonly LoopTimer _parkedTimer;
    private readonly List<ISpoolOutlet> _outlets = [];
    private readonly Dictionary<int, ISpoolOutlet> _outletOf = [];
    private readonly Queue<ParkedEvent> _parked = new();
    private readonly SpoolWindow _window = new();
    private readonly SpooledSessions _sessions = new();

    /// <summary>The session of each shard whose events went into the spool last; where what is on disk does not count as settled.</summary>
    private readonly Dictionary<int, Session> _spooling = [];

    private readonly SpooledLanes _lanes = new();
    private readonly long _lastOfOthers;
    private long _lastRead;
    private bool _isQueued;
    private bool _isStopped;

    /// <param name="loop">Of all outlets.</param>
    /// <param name="spool">Open and not started; the caller's to dispose.</param>
    /// <param name="commits">What is on disk counts as settled (G14), else what 신경 has confirmed.</param>
    /// <param name="logger">Told when the spool comes into use, has no room, and is empty again.</param>
    public SpoolFeed(EventLoop loop, Spool spool, bool commits, ILogger logger)
    {
        _loop = loop;
        _spool = spool;
        _commits = commits;
        _logger = logger;
        _goOn = GoOn;
        _parkedTimer = new LoopTimer(loop, SayFull);
        _lastOfOthers = spool.Last;
        _lastRead = spool.Confirmed;
        _saidInUse = !spool.IsEmpty;
    }

    /// <summary>False while an event is parked: then nothing more can be taken.</summary>
    public bool HasRoom => _parked.Count == 0;

    /// <summary>The spool itself, for who watches; to be read only.</summary>
    public Spool Spool => _spool;

    /// <summary>Nothing is in it, or on its way from it.</summary>
    public bool IsDrained => _parked.Count == 0 && _spool.IsEmpty && _window.IsEmpty;

    /// <summary>Events that went into the spool.</summary>
    public long Spooled { get; private set; }

    /// <summary>Events that were read from the spool to be forwarded.</summary>
    public long Read { get; private set; }

    /// <summary>There is room again after an event was parked.</summary>
    public event Action? RoomCame;

    /// <summary>Events of these shards go through this outlet; those of other shards, which an earlier process has left, through any.</summary>
    public void Add(ISpoolOutlet outlet, IEnumerable<int> shards)
    {
        _outlets.Add(outlet);
        foreach (int shard in shards)
        {
            _outletOf[shard] = outlet;
        }
    }

    /// <summary>A group's events go through here when its outbox has no room for them; what it holds for long moves here.</summary>
    public void Connect(ShardGroup group, IEnumerable<int> shards)
    {
        Add(group.Forwarder, shards);
        Delivery delivery = group.Client.Delivery;
        delivery.CopySettled += Settle;
        group.Client.Progressed += Wake;
        RoomCame += group.RoomCame;
        if (_commits)
        {
            BinaryPackets? binary = group.Client.Binary;
            delivery.TrySpool = held => TryMove(held, DispatchReader.TryRead(binary, held.Frame, out SingyeongPacket packet) ? packet.Payload() : default);
        }
    }

    /// <summary>When all outlets are known: begins with what an earlier process has left.</summary>
    public void Start()
    {
        _spool.Start(this);
        Wake();
    }

    /// <summary>Whether an event for this outlet has to go through here: there is no room, or something older is not forwarded yet.</summary>
    public bool Takes(ISpoolOutlet outlet) => _parked.Count > 0 || !_spool.IsEmpty || !outlet.HasRoom;

    /// <summary>
    /// Takes an event, which is borrowed, and keeps its session from being committed until it is settled; the caller tells the session that
    /// it was received. False when it was too large and was set aside.
    /// </summary>
    public bool Put(ISpoolOutlet outlet, Session session, long seq, ReadOnlySpan<byte> message)
    {
        SpoolRecord record = new()
        {
            ShardId = session.ShardId,
            SessionTag = session.Tag,
            Seq = seq,
            RuleIndex = EveryRule,
            ReceivedAt = _loop.UnixNow,
            Payload = message,
        };
        long maximum = Math.Min(_spool.MaximumPayload, outlet.MaximumEvent);
        if (message.Length > maximum)
        {
            bool isKept = _spool.SetAside(record, $"larger than spool and outbox take ({maximum} bytes)");
            LogOversized(record.ShardId, seq, message.Length, maximum, isKept ? "kept in the spool's poison directory" : "dropped");
            return false;
        }

        if (!outlet.HasRoom)
        {
            SayInUse();
        }

        if (_parked.Count > 0 || !TryAppend(session, record))
        {
            session.Hold(seq, EveryRule);
            _parked.Enqueue(new ParkedEvent(outlet, session, seq, record.ReceivedAt, message.ToArray()));
            _parkedTimer.Start(SaysFullAfter);
        }

        return true;
    }

    /// <summary>
    /// Copies a held message to the spool, where its session need not wait for it any more; the lane's copy stays the one that is sent.
    /// Answers its number, 0 when there is no room now, and -1 when there never is.
    /// </summary>
    /// <param name="held">Not in the spool yet.</param>
    /// <param name="payload">Its event.</param>
    public long TryMove(HeldDispatch held, ReadOnlySpan<byte> payload)
    {
        ref readonly FrameNote note = ref held.Note;
        Span<byte> tag = stackalloc byte[Session.TagSize];
        if (payload.IsEmpty || payload.Length > _spool.MaximumPayload)
        {
            return -1;
        }

        if (_parked.Count > 0 || _isStopped || !_spool.TryAppend(RecordOf(note, payload, tag), out long number))
        {
            return 0;
        }

        _lanes.Add(number, held);
        Wake();
        return number;
    }

    /// <summary>Keeps an event that is given up in <c>poison/</c>; false when that is not possible.</summary>
    public bool SetAside(in FrameNote note, ReadOnlySpan<byte> payload, string reason)
    {
        Span<byte> tag = stackalloc byte[Session.TagSize];
        return _spool.SetAside(RecordOf(note, payload, tag), reason);
    }

    /// <summary>A copy of a record is settled.</summary>
    public void Settle(long number)
    {
        if (number > _lastRead)
        {
            _lanes.Settle(number);
        }
        else
        {
            _window.Settle(number);
        }

        Wake();
    }

    /// <summary>Something may go on: there may be room, or something to read or to confirm. Done at the end of the turn.</summary>
    public void Wake()
    {
        if (!_isQueued)
        {
            _isQueued = true;
            _loop.AtEndOfTurn(_goOn);
        }
    }

    /// <summary>Confirms what is settled, and forwards what there is room for, as much as is good for one turn.</summary>
    public void GoOn()
    {
        _isQueued = false;
        if (!_isStopped)
        {
            bool hadNoRoom = !HasRoom;
            PlaceParked();
            if (!_spool.IsEmpty)
            {
                Forward();
            }

            if (hadNoRoom && HasRoom)
            {
                _parkedTimer.Stop();
                RoomCame?.Invoke();
            }
        }

        Confirm();
    }

    /// <summary>Nothing is forwarded from the spool any more; what is on its way may still be confirmed.</summary>
    public void Stop()
    {
        _isStopped = true;
        _parkedTimer.Stop();
    }

    /// <summary>Once, after <see cref="Stop"/>: writes what is left to be written and calls <paramref name="closed"/>: what is settled is known then.</summary>
    public void Close(Action closed)
    {
        Confirm();
        _spool.Close(_ =>
        {
            SettleSessions();
            closed();
        });
    }

    void ISpoolListener.OnDurable(long number) => SettleSessions();

    void ISpoolListener.OnReadReady() => Wake();

    void ISpoolListener.OnRoom() => Wake();

    void ISpoolListener.OnFailed(string cause)
    {
        // The spool has said it; whatever cannot be appended is parked.
    }

    void ISpoolListener.OnWorking() => Wake();

    private bool TryAppend(Session session, in SpoolRecord record)
    {
        if (!_spool.TryAppend(record, out long number))
        {
            return false;
        }

        Spooled++;
        session.Spool(record.Seq);
        if (_commits)
        {
            _sessions.Add(session, record.Seq, number);
        }
        else
        {
            _spooling[session.ShardId] = session;
        }

        Wake();
        return true;
    }

    /// <summary>Parked events go first; to the outbox itself when nothing is before them, since a broken disk must not keep them.</summary>
    private void PlaceParked()
    {
        while (_parked.TryPeek(out ParkedEvent? parked))
        {
            SpoolRecord record = parked.ToRecord();
            if (_spool.IsEmpty && parked.Outlet.HasRoom)
            {
                parked.Outlet.ForwardLate(parked.Session, record);
            }
            else if (!TryAppend(parked.Session, record))
            {
                return;
            }

            _parked.Dequeue();
            parked.Session.Settle(parked.Seq, EveryRule);
        }
    }

    private void Forward()
    {
        int left = BytesOfTurn;
        while (left > 0 && _spool.TryPeek(out SpoolRecord record))
        {
            long number = record.Number;
            bool isOfLane = _lanes.Has(number);
            ISpoolOutlet outlet = OutletOf(record.ShardId);
            if (!isOfLane && !outlet.HasRoom)
            {
                return;
            }

            left -= Math.Max(record.Payload.Length, LeastOfRecord);
            _lastRead = number;
            _spool.Pass(number);
            int copies = !isOfLane ? outlet.Forward(record) : _lanes.Pass() ? 1 : 0;
            if (copies > 0)
            {
                _window.Add(number, copies);
            }

            if (!isOfLane)
            {
                Read++;
                MarkRead(record);
            }
        }

        if (left <= 0)
        {
            Wake();
        }
    }

    /// <summary>
    /// Without the leave to commit, a session is settled as its records are confirmed. Those of an earlier process are none of it: Discord
    /// sends again what was not committed, and that goes through the spool behind them.
    /// </summary>
    private void MarkRead(in SpoolRecord record)
    {
        if (!_commits
            && record.Number > _lastOfOthers
            && _spooling.TryGetValue(record.ShardId, out Session? session)
            && record.SessionTag.SequenceEqual(session.Tag))
        {
            _sessions.Add(session, record.Seq, record.Number);
        }
    }

    private void Confirm()
    {
        // Behind the last record that was read may be numbers that turned out to be damaged.
        long settled = !_window.IsEmpty ? _window.First - 1 : _spool.IsEmpty ? _spool.Last : _lastRead;
        if (settled > _spool.Confirmed)
        {
            _spool.Confirm(settled);
            SettleSessions();
        }

        if (_spool.IsEmpty && _window.IsEmpty)
        {
            SayEmpty();
            foreach (Session session in _spooling.Values)
            {
                // Whatever was damaged is lost, and waits for nothing.
                session.SettleSpooled(long.MaxValue);
            }

            _spooling.Clear();
        }
    }

    private void SettleSessions()
    {
        _sessions.SettleUpTo(_commits ? _spool.Durable : _spool.Confirmed);
        _lanes.LetGo(_spool.Durable);
    }

    /// <summary>A shard that is not of this process was of an earlier one, with another count.</summary>
    private ISpoolOutlet OutletOf(int shard) => _outletOf.GetValueOrDefault(shard) ?? _outlets[shard % _outlets.Count];

    private SpoolRecord RecordOf(in FrameNote note, ReadOnlySpan<byte> payload, Span<byte> tag)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(tag, note.SessionTag);
        return new SpoolRecord
        {
            ShardId = note.ShardId,
            SessionTag = tag,
            Seq = note.Seq,
            RuleIndex = note.Rule,
            ReceivedAt = _loop.UnixNow - (_loop.Now - note.ReceivedAt),
            Payload = payload,
        };
    }
}
