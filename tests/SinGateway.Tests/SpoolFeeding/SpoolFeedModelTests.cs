using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using SinGateway.Sessions;
using SinGateway.Singyeong;
using SinGateway.Spooling;
using SinGateway.Tests.Fixtures;
using SinGateway.Tests.Spooling;

namespace SinGateway.Tests.SpoolFeeding;

/// <summary>
/// Random lives of deliveries with one real spool behind them: 신경 is away, slow, fails, loses its workers; the disk is full; the process dies
/// with or without its power and comes back to what is on the disk and to what Discord sends again from the stored seq. Every event arrives at
/// least once, nothing is committed that could get lost, and memory is bounded.
/// </summary>
public sealed class SpoolFeedModelTests
{
    [Test]
    [MatrixDataSource]
    public async Task Nothing_is_lost_or_committed_too_early([Matrix(1, 2, 3, 4)] int seed, [Matrix(true, false)] bool commits, [Matrix(true, false)] bool dies)
    {
        long spooled = 0, parked = 0, moved = 0, processed = 0;
        int deaths = 0;
        for (int life = 0; life < 6; life++)
        {
            using World world = new((seed * 1_000) + life, commits, dies);
            string? wrong = world.Live(steps: 2_500);
            await Assert.That(wrong).IsNull().Because($"seed {seed}, life {life}, commits {commits}, dies {dies}");
            spooled += world.Spooled;
            parked += world.Parked;
            moved += world.Moved;
            processed += world.Processed;
            deaths += world.Deaths;
        }

        Console.WriteLine($"seed {seed}: processed {processed}, spooled {spooled}, parked {parked}, moved from lanes {moved}, deaths {deaths}");
        await Assert.That(Math.Min(spooled, parked)).IsGreaterThan(0).Because("a world without trouble shows nothing");
        await Assert.That(moved > 0).IsEqualTo(commits);
    }

    private sealed class World : IDisposable
    {
        private const int Groups = 2;
        private const int Shards = 4;
        private const long OutboxLimit = 512 * 1024;

        private readonly Random _random;
        private readonly bool _commits;
        private readonly bool _dies;
        private readonly TemporaryDirectory _directory = new();
        private readonly BrokerModel[] _brokers = [.. Enumerable.Range(0, Groups).Select(_ => new BrokerModel(DeliveryOutlet.Targets))];
        private readonly (string Id, long LastSeq)[] _discord = new (string, long)[Shards];
        private readonly long[] _stored = new long[Shards];
        private readonly HashSet<string> _open = [];
        private readonly Dictionary<(string Session, ulong Target), long> _firstArrivals = [];
        private readonly List<Session> _replaced = [];
        private readonly Session[] _sessions = new Session[Shards];
        private SpoolUnderTest _spool = null!;
        private SpoolFeed _feed = null!;
        private Delivery[] _deliveries = [];
        private DeliveryOutlet[] _outlets = [];
        private string? _wrong;
        private long _now;
        private int _sessionCount;

        public World(int seed, bool commits, bool dies)
        {
            _random = new Random(seed);
            (_commits, _dies) = (commits, dies);
            foreach (BrokerModel broker in _brokers)
            {
                broker.Taken += (name, target) => Take(broker, name, target);
                broker.Dropped += name => _open.Remove(name);
            }

            for (int shard = 0; shard < Shards; shard++)
            {
                _discord[shard] = (NewSession(), 0);
            }

            Begin();
        }

        public int Processed { get; private set; }

        public long Spooled { get; private set; }

        public long Parked { get; private set; }

        public long Moved { get; private set; }

        public int Deaths { get; private set; }

        public string? Live(int steps)
        {
            for (int step = 0; step < steps && _wrong is null; step++)
            {
                Step();
                if (_random.Next(4) > 0)
                {
                    _feed.GoOn();
                }

                FindWrong();
            }

            _wrong = _wrong is null ? null : $"in life: {_wrong}";
            return _wrong ?? End();
        }

        public void Dispose()
        {
            Array.ForEach(_deliveries, delivery => delivery.Dispose());
            _spool.Dispose();
            _directory.Dispose();
        }

        private void Step()
        {
            int group = _random.Next(Groups);
            switch (_random.Next(100))
            {
                case < 38:
                    Receive(_random.Next(Shards));
                    break;
                case < 50:
                    _brokers[group].Pump(_deliveries[group], _random.Next(1, 20_000), _random);
                    break;
                case < 60:
                    _brokers[group].Process(_random.Next(1, 12));
                    break;
                case < 72:
                    _brokers[group].Answer(_deliveries[group], _random.Next(1, 5));
                    break;
                case < 76:
                    _deliveries[group].Barriers.Begin(_deliveries[group].Outbox.End);
                    break;
                case < 86:
                    _spool.Thread.RunOne();
                    break;
                case < 89:
                    _now += _random.Next(1, 20_000);
                    Age();
                    break;
                case < 90:
                    _spool.PassTime();
                    break;
                case < 92:
                    int target = _random.Next(DeliveryOutlet.Targets);
                    _brokers[group].Present[target] = !_brokers[group].Present[target];
                    _deliveries[group].ReceiverConnected(((string[])["a", "b", "c"])[_random.Next(3)]);
                    break;
                case < 93:
                    _brokers[group].Lose(_deliveries[group], serverFailed: false, _random.Next(3) == 0);
                    break;
                case < 95:
                    _brokers[group].Connect();
                    break;
                case < 96:
                    Burst();
                    break;
                case < 97:
                    int error = _random.Next(3) == 0 ? FaultyFiles.NoSpace : 0;
                    _spool.Files.Fault = (call, _) => call is "write" or "sync" or "create" ? error : 0;
                    break;
                case < 98:
                    Array.ForEach(Enumerable.Range(0, Shards).ToArray(), shard => _stored[shard] = Math.Max(_sessions[shard].Committed, 0));
                    break;
                case < 99:
                    Replace(_random.Next(Shards));
                    break;
                default:
                    if (_dies && _random.Next(4) == 0)
                    {
                        Die();
                    }

                    break;
            }
        }

        /// <summary>신경 is away for long enough to fill everything.</summary>
        private void Burst()
        {
            for (int i = 0; i < 600; i++)
            {
                Receive(_random.Next(Shards));
                if (_random.Next(20) == 0)
                {
                    _spool.Thread.RunOne();
                    _feed.GoOn();
                }
            }
        }

        /// <summary>The next event of a shard, which may be one of old that is sent again, is read as far as there is room.</summary>
        private void Receive(int shard, bool produces = true)
        {
            Session session = _sessions[shard];
            (string id, long last) = _discord[shard];
            bool reads = _feed.HasRoom || (produces && _random.Next(200) == 0);
            if (session.Id != id || !reads)
            {
                return;
            }

            long seq = Math.Max(session.Received, 0) + 1;
            if (seq > last)
            {
                if (!produces)
                {
                    return;
                }

                _discord[shard] = (id, seq);
                _open.UnionWith(DeliveryOutlet.RulesOf(shard, seq).Select(rule => $"{NameOf(session, seq)}:{rule}"));
            }

            int group = shard % Groups;
            bool forwarded = false;
            if (DeliveryOutlet.RulesOf(shard, seq).Any())
            {
                byte[] message = DeliveryOutlet.Event(shard, session.Tag, seq);
                if (_feed.Takes(_outlets[group]))
                {
                    bool hadRoom = _feed.HasRoom;
                    _feed.Put(_outlets[group], session, seq, message);
                    Parked += hadRoom && !_feed.HasRoom ? 1 : 0;
                }
                else
                {
                    SpoolRecord record = new() { ShardId = shard, SessionTag = session.Tag, Seq = seq, RuleIndex = SpoolFeed.EveryRule, Payload = message };
                    forwarded = _outlets[group].Forward(session, record, isLate: false) > 0;
                }
            }

            if (session.Receive(seq, forwarded, _now))
            {
                _deliveries[group].Barriers.Await(session);
            }
        }

        private void Age()
        {
            foreach (Delivery delivery in _deliveries)
            {
                HashSet<string> before = [.. Held(delivery)];
                if (delivery.Expire() > 0)
                {
                    before.ExceptWith(Held(delivery));
                    _open.ExceptWith(before);
                }

                delivery.SpoolAged();
            }
        }

        private void Take(BrokerModel broker, string name, ulong target)
        {
            string[] parts = name.Split(':');
            long seq = long.Parse(parts[2]);
            Processed++;
            if (_open.Remove(name) && !_dies)
            {
                (string, ulong) key = ($"{parts[0]}:{parts[1]}", target);
                if (!broker.Refused.Contains(target) && seq < _firstArrivals.GetValueOrDefault(key))
                {
                    _wrong ??= $"target {target} got {name} after {_firstArrivals[key]}";
                }

                _firstArrivals[key] = Math.Max(seq, _firstArrivals.GetValueOrDefault(key));
            }
        }

        /// <summary>Discord ends a session; what was received of it stays to be delivered as long as the process lives.</summary>
        private void Replace(int shard)
        {
            if (_sessions[shard].Received < _discord[shard].LastSeq)
            {
                return;
            }

            _replaced.Add(_sessions[shard]);
            _discord[shard] = (NewSession(), 0);
            _sessions[shard] = new Session(shard, _discord[shard].Id, null, -1);
            _stored[shard] = 0;
        }

        /// <summary>Kill -9, or the power goes; then a new process.</summary>
        private void Die()
        {
            Deaths++;
            foreach (Session session in _replaced)
            {
                // Nobody can send again what was not committed of a session that has ended.
                _open.RemoveWhere(name => name.StartsWith($"{NameOf(session, 0)[..^1]}", StringComparison.Ordinal) && long.Parse(name.Split(':')[2]) > session.Committed);
            }

            _replaced.Clear();
            if (_random.Next(2) == 0)
            {
                Array.ForEach(Enumerable.Range(0, Shards).ToArray(), shard => _stored[shard] = Math.Max(_sessions[shard].Committed, 0));
            }

            Collect();
            _spool.Files.Fault = (_, _) => 0;
            _spool.Dispose();
            if (_random.Next(2) == 0)
            {
                _spool.Files.LosePower(_random);
            }

            Array.ForEach(_deliveries, delivery => delivery.Dispose());
            Array.ForEach(_brokers, broker => broker.Forget(handlesRest: _random.Next(2) == 0));
            Begin();
        }

        private void Begin()
        {
            _spool = new SpoolUnderTest(
                new SpoolOptions { Directory = _directory.File(""), MaxSize = 1_500_000, MemoryLimit = 512 * 1024, BlockSize = 64 * 1024 }, start: false);
            _feed = new SpoolFeed(_spool.Loop, _spool.Spool, _commits, NullLogger.Instance);
            _deliveries = [.. Enumerable.Range(0, Groups).Select(_ => new Delivery(OutboxLimit, DeliveryOutlet.Policies, () => _now, NullLogger.Instance))];
            _outlets = [.. _deliveries.Select(delivery => new DeliveryOutlet(delivery, () => _now))];
            for (int group = 0; group < Groups; group++)
            {
                int own = group;
                Delivery delivery = _deliveries[group];
                _feed.Add(_outlets[group], Enumerable.Range(0, Shards).Where(shard => shard % Groups == own));
                delivery.CopySettled += _feed.Settle;
                delivery.Poisoned += (in FrameNote note, ReadOnlySpan<byte> frame) => _open.Remove(BrokerModel.Name(note));
                if (_commits)
                {
                    delivery.TrySpool = Move;
                }
            }

            for (int shard = 0; shard < Shards; shard++)
            {
                _sessions[shard] = new Session(shard, _discord[shard].Id, null, _stored[shard]);
            }

            _feed.Start();
        }

        private long Move(HeldDispatch held)
        {
            byte[] tag = BitConverter.GetBytes(held.Note.SessionTag);
            long number = _feed.TryMove(held, DeliveryOutlet.Event(held.Note.ShardId, tag, held.Note.Seq));
            Moved += number > 0 ? 1 : 0;
            return number;
        }

        private void Collect() => Spooled += _feed.Spooled;

        /// <summary>Everything works again, so everything that is open must arrive, except what expired.</summary>
        private string? End()
        {
            _spool.Files.Fault = (_, _) => 0;
            for (int i = 0; i < 100_000 && !IsQuiet(); i++)
            {
                _now += 50;
                Age();
                _spool.PassTime();
                _feed.GoOn();
                for (int group = 0; group < Groups; group++)
                {
                    Delivery delivery = _deliveries[group];
                    Array.Fill(_brokers[group].Present, true);
                    _brokers[group].Connect();
                    if (delivery.Barriers.Open == 0 && delivery.IsBarrierDue)
                    {
                        delivery.Barriers.Begin(delivery.Outbox.End);
                    }

                    _brokers[group].Pump(delivery, int.MaxValue, _random);
                    _brokers[group].Process(int.MaxValue);
                    _brokers[group].Answer(delivery, int.MaxValue);
                }

                for (int shard = 0; shard < Shards; shard++)
                {
                    Receive(shard, produces: false);
                }

                FindWrong();
            }

            Collect();
            return _wrong
                ?? (!IsQuiet() ? $"never settles: {State()}"
                : _open.Count > 0 ? $"lost {_open.Count}: {string.Join(' ', _open.Take(5))}"
                : _sessions.FirstOrDefault(session => session.Committed != Math.Max(session.Received, 0) && session.Received > 0) is { } session
                    ? $"shard {session.ShardId} is committed to {session.Committed} of {session.Received}"
                : _spool.Spool.Confirmed != _spool.Spool.Last ? $"the spool is confirmed to {_spool.Spool.Confirmed} of {_spool.Spool.Last}"
                : null);
        }

        private string State() =>
            $"unread {_spool.Spool.Unread}, confirmed {_spool.Spool.Confirmed} of {_spool.Spool.Last}, room {_feed.HasRoom}, failing {_spool.Spool.IsFailing}, "
            + string.Join(", ", _deliveries.Select(delivery => $"{delivery.Outbox.Confirmed} of {delivery.Outbox.End} with {delivery.Lanes.Messages} in lanes"))
            + string.Join(", ", Enumerable.Range(0, Shards).Select(shard => $" {_sessions[shard].Received}/{_discord[shard].LastSeq}"));

        private bool IsQuiet() =>
            _spool.Spool.IsEmpty && _feed.HasRoom && _spool.Spool.Confirmed == _spool.Spool.Last
            && _deliveries.All(delivery => delivery.IsConfirmed && delivery.Lanes.Messages == 0)
            && Enumerable.Range(0, Shards).All(shard => Math.Max(_sessions[shard].Received, 0) == _discord[shard].LastSeq);

        private void FindWrong()
        {
            if (_deliveries.FirstOrDefault(delivery => delivery.UsedBytes > OutboxLimit + (2 * Outbox.ChunkSize)) is { } full)
            {
                _wrong ??= $"an outbox takes {full.UsedBytes} bytes";
            }

            if (_spool.Spool.MemoryBytes > _spool.Options.MemoryLimit)
            {
                _wrong ??= $"the spool takes {_spool.Spool.MemoryBytes} bytes of memory";
            }

            if (_commits)
            {
                // What is committed may be on the disk alone; that it is there is seen after a death.
                return;
            }

            foreach (string name in _open)
            {
                string[] parts = name.Split(':');
                Session session = _sessions[int.Parse(parts[0])];
                if (long.Parse(parts[2]) <= session.Committed && name.StartsWith(NameOf(session, 0)[..^1], StringComparison.Ordinal))
                {
                    _wrong ??= $"{name} is committed ({session.Committed}) and was not processed";
                    return;
                }
            }
        }

        private string NewSession() => $"session {_sessionCount++}";

        private static IEnumerable<string> Held(Delivery delivery) =>
            delivery.Lanes.All.SelectMany(lane => lane.Dispatches).Select(dispatch => BrokerModel.Name(dispatch.Note));

        private static string NameOf(Session session, long seq) => $"{session.ShardId}:{Encoding.ASCII.GetString(session.Tag)}:{seq}";
    }
}
