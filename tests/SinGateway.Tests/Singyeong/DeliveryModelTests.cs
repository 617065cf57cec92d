using System.Buffers.Binary;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using SinGateway.Sessions;
using SinGateway.Singyeong;

namespace SinGateway.Tests.Singyeong;

/// <summary>
/// Random lives of a delivery against a server that behaves as the real one was seen to: it handles messages in order, answers a no_route
/// without ops, fails with 1011 on one with ops, fails on poison or refuses it, forgets what was in flight behind that, and loses its workers
/// now and then.
/// What must hold at every moment: nothing is committed that was not processed, what was not refused arrives in order, and a dispatch fares as
/// the rules say that it was written under, whatever rules there are by now.
/// </summary>
public sealed class DeliveryModelTests
{
    private const int Rules = 4;
    private const int Targets = 6;

    [Test]
    [Arguments(1)]
    [Arguments(2)]
    [Arguments(3)]
    [Arguments(4)]
    [Arguments(5)]
    [Arguments(6)]
    [Arguments(7)]
    [Arguments(8)]
    public async Task Nothing_is_lost_committed_too_early_or_out_of_order(int seed)
    {
        long held = 0, unrouted = 0, expired = 0, poisonous = 0, processed = 0;
        for (int life = 0; life < 12; life++)
        {
            using World world = new((seed * 1_000) + life);
            string? wrong = world.Live(steps: 1_500);
            await Assert.That(wrong).IsNull().Because($"seed {seed}, life {life}");
            held += world.MostHeld;
            processed += world.Processed;
            unrouted += world.Delivery.Unrouted;
            expired += world.Delivery.Expired;
            poisonous += world.Delivery.Poisonous;
        }

        Console.WriteLine($"seed {seed}: processed {processed}, held {held}, unrouted {unrouted}, expired {expired}, poison {poisonous}");
        await Assert.That(Math.Min(held, Math.Min(unrouted, Math.Min(expired, poisonous)))).IsGreaterThan(0).Because("a world without trouble shows nothing");
    }

    /// <summary>One delivery, one server, and everything that is known of both.</summary>
    private sealed class World : IDisposable
    {
        // Held with ops, held without, dropped without, held with ops once more: the second one's events may be poison.
        private static readonly UnroutedPolicy[] Policies =
        [
            new(true, 1_000_000_000, "a", true),
            new(true, 1_000_000_000, "b", false),
            new(false, 0, "c", false),
            new(true, 40_000, "a", true),
        ];

        private readonly Random _random;
        private readonly Delivery _delivery;
        private readonly Session[] _sessions = [new(0, "zero", null, 0), new(1, "one", null, 0)];
        private readonly long[] _seqs = new long[2];
        private readonly List<byte> _wire = [];
        private readonly Queue<string> _answers = new();
        private readonly bool[] _present = new bool[Targets];
        private readonly HashSet<string> _open = [];
        private readonly Dictionary<string, UnroutedPolicy> _written = [];
        private readonly int[] _kinds = [0, 1, 2, 3];
        private readonly HashSet<string> _refused = [];
        private readonly Dictionary<(int Shard, ulong Target), List<long>> _processed = [];
        private readonly HashSet<ulong> _everRefused = [];
        private long _now;
        private LossCause _failure;
        private bool _connected = true;
        private string? _wrong;

        public World(int seed)
        {
            _random = new Random(seed);
            _delivery = new Delivery(4 << 20, Policies, () => _now, NullLogger.Instance);
            _delivery.Poisoned += (in FrameNote note, ReadOnlySpan<byte> frame) => _open.Remove(Name(note));
            Array.Fill(_present, true);
        }

        public Delivery Delivery => _delivery;

        public int MostHeld { get; private set; }

        public int Processed => _processed.Values.Sum(seqs => seqs.Count);

        public string? Live(int steps)
        {
            for (int step = 0; step < steps; step++)
            {
                Step();
                if (FindWrong() is { } wrong)
                {
                    return $"step {step}: {wrong}";
                }
            }

            // Everybody is there again; what is open must arrive, except what expired.
            Array.Fill(_present, true);
            for (int i = 0; i < 200_000 && !(_delivery.IsConfirmed && _delivery.Lanes.Messages == 0); i++)
            {
                _now += 50;
                Expire();
                if (!_connected)
                {
                    Reconnect();
                }

                if (_delivery.Barriers.Open == 0)
                {
                    _delivery.Barriers.Begin(_delivery.Outbox.End);
                }

                Pump(int.MaxValue);
                Process(int.MaxValue);
                Answer(int.MaxValue);
                if (FindWrong() is { } wrong)
                {
                    return $"at the end: {wrong}";
                }
            }

            return !(_delivery.IsConfirmed && _delivery.Lanes.Messages == 0) ? $"never settles: {_delivery.Lanes.Messages} in lanes, confirmed {_delivery.Outbox.Confirmed} of {_delivery.Outbox.End}"
                : _open.Count > 0 ? $"lost: {string.Join(' ', _open.Take(10))}"
                : _sessions.Any(session => session.Committed != session.Received) ? "not committed to the end"
                : _delivery.UsedBytes > Outbox.ChunkSize ? $"keeps {_delivery.UsedBytes} bytes"
                : null;
        }

        public void Dispose() => _delivery.Dispose();

        private void Step()
        {
            switch (_random.Next(100))
            {
                case < 40:
                    Receive();
                    break;
                case < 60:
                    Pump(_random.Next(1, 5_000));
                    break;
                case < 75:
                    Process(_random.Next(1, 6));
                    break;
                case < 88:
                    Answer(_random.Next(1, 4));
                    break;
                case < 92:
                    _delivery.Barriers.Begin(_delivery.Outbox.End);
                    break;
                case < 95:
                    _now += _random.Next(1, 20_000);
                    Expire();
                    break;
                case < 96 when _random.Next(4) == 0:
                    Reload();
                    break;
                case < 97:
                    int target = _random.Next(Targets);
                    _present[target] = !_present[target];
                    if (_present[target])
                    {
                        _delivery.ReceiverConnected(((string[])["a", "b", "c"])[_random.Next(3)]);
                    }

                    break;
                case < 98:
                    Lose(LossCause.Connection);
                    break;
                default:
                    Reconnect();
                    break;
            }
        }

        /// <summary>The rules change places: an index means another rule from now on.</summary>
        private void Reload()
        {
            _random.Shuffle(_kinds);
            if (!_delivery.TryUse([.. _kinds.Select(kind => Policies[kind])]))
            {
                _wrong = "the new rules are refused";
            }
        }

        private void Receive()
        {
            int shard = _random.Next(2);
            long seq = ++_seqs[shard];
            bool forwarded = false;
            for (int rule = 0; rule < Rules; rule++)
            {
                if (_random.Next(3) > 0 || _delivery.IsFull)
                {
                    continue;
                }

                int kind = _kinds[rule];
                ulong target = (ulong)((kind * 2) + _random.Next(2)) % Targets;
                bool isPoison = kind == 1 && _random.Next(200) == 0;
                FrameNote note = new()
                {
                    ShardId = shard, SessionTag = DispatchNonce.Tag(_sessions[shard].Tag), Seq = seq, Rule = rule, Target = target, ReceivedAt = _now,
                };
                byte[] frame = Frame(note, isPoison, _random.Next(0, _random.Next(20) == 0 ? 60_000 : 400));
                _open.Add(Name(note));
                _written.Add(Name(note), Policies[kind]);
                frame.CopyTo(_delivery.Outbox.Reserve(frame.Length));
                _delivery.Add(_sessions[shard], frame.Length, note);
                forwarded = true;
            }

            if (_sessions[shard].Receive(seq, forwarded, _now))
            {
                _delivery.Barriers.Await(_sessions[shard]);
            }
        }

        /// <summary>Writes as the client does; the socket takes some of it, or is full.</summary>
        private void Pump(int room)
        {
            while (_connected)
            {
                switch (_delivery.Next(out ReadOnlySpan<byte> bytes, stopAtBoundary: _random.Next(10) == 0))
                {
                    case DeliveryPiece.Frames when room == 0:
                        _delivery.MarkBlocked(bytes.Length);
                        return;
                    case DeliveryPiece.Frames:
                        int written = Math.Min(room, bytes.Length);
                        _wire.AddRange(bytes[..written]);
                        _delivery.MarkSent(written);
                        room -= written;
                        break;
                    case DeliveryPiece.Heartbeat:
                        _wire.AddRange(Heartbeat);
                        _delivery.MarkHeartbeat();
                        break;
                    default:
                        return;
                }
            }
        }

        private static readonly byte[] Heartbeat = Encoding.ASCII.GetBytes("\0\0\0\0");

        /// <summary>The server handles some of what has reached it.</summary>
        private void Process(int messages)
        {
            for (int i = 0; i < messages && _failure == LossCause.Connection && _wire.Count >= 4; i++)
            {
                int length = BinaryPrimitives.ReadInt32LittleEndian([.. _wire[..4]]);
                if (_wire.Count < 4 + length)
                {
                    return;
                }

                string[] text = Encoding.ASCII.GetString([.. _wire.GetRange(4, length)]).TrimEnd('.').Split(' ');
                _wire.RemoveRange(0, 4 + length);
                if (length == 0)
                {
                    _answers.Enqueue("ack");
                    continue;
                }

                (string name, ulong target, bool isPoison) = (text[0], ulong.Parse(text[1]), text[2] == "poison");
                if (isPoison)
                {
                    Fail(target, _random.Next(2) == 0 ? LossCause.ServerFailed : LossCause.MessageRefused);
                }
                else if (_present[target])
                {
                    Take(name, target);
                }
                else if (_written[name].CostsConnection)
                {
                    Fail(target, LossCause.ServerFailed);
                }
                else
                {
                    _everRefused.Add(target);
                    _answers.Enqueue(name);
                }
            }
        }

        private void Take(string name, ulong target)
        {
            string[] parts = name.Split(':');
            List<long> list = _processed.TryGetValue((int.Parse(parts[0]), target), out List<long>? known) ? known : _processed[(int.Parse(parts[0]), target)] = [];
            if (_open.Remove(name))
            {
                list.Add(long.Parse(parts[2]));
            }
        }

        private void Fail(ulong target, LossCause failure)
        {
            _everRefused.Add(target);
            _failure = failure;
            _wire.Clear();
        }

        /// <summary>Answers arrive; behind the last one of a server that failed, its close.</summary>
        private void Answer(int answers)
        {
            for (int i = 0; i < answers && _connected; i++)
            {
                if (!_answers.TryDequeue(out string? answer))
                {
                    if (_failure != LossCause.Connection)
                    {
                        Lose(_failure);
                    }

                    return;
                }

                if (answer == "ack")
                {
                    _delivery.Acknowledge();
                }
                else
                {
                    DispatchNonce.TryParse(Encoding.ASCII.GetBytes(answer), out DispatchNonce nonce);
                    long before = _delivery.Unrouted;
                    _delivery.ComeBack(nonce);
                    if (_delivery.Unrouted > before)
                    {
                        _open.Remove(answer);
                        _wrong ??= _written[answer].Holds ? $"{answer} was dropped, and its rule holds" : null;
                    }
                }
            }
        }

        private void Lose(LossCause cause)
        {
            if (_connected)
            {
                _connected = false;
                _delivery.Lose(cause);
            }

            // What reached the server is still handled, but its answers reach nobody.
            if (cause == LossCause.Connection && _failure == LossCause.Connection)
            {
                Process(_random.Next(3) == 0 ? 0 : int.MaxValue);
            }

            _wire.Clear();
            _answers.Clear();
            _failure = LossCause.Connection;
        }

        private void Reconnect() => _connected = true;

        private void Expire()
        {
            HashSet<string> before = [.. Held()];
            if (_delivery.Expire() > 0)
            {
                before.ExceptWith(Held());
                _open.ExceptWith(before);
                _wrong ??= before.FirstOrDefault(name => _written[name].HoldFor > 100_000_000) is { } early ? $"{early} expired too early" : null;
            }
        }

        private IEnumerable<string> Held() => _delivery.Lanes.All.SelectMany(lane => lane.Dispatches).Select(dispatch => Name(dispatch.Note));

        /// <summary>Nothing that is still open is committed, and lanes that never refused flow in order.</summary>
        private string? FindWrong()
        {
            MostHeld = Math.Max(MostHeld, _delivery.Lanes.Messages);
            if (_wrong is not null || Held().FirstOrDefault(name => !_written[name].Holds) is { } dropped && (_wrong = $"{dropped} is held, and its rule drops") is not null)
            {
                return _wrong;
            }

            foreach (string name in _open)
            {
                string[] parts = name.Split(':');
                if (long.Parse(parts[2]) <= _sessions[int.Parse(parts[0])].Committed)
                {
                    return $"{name} is committed ({_sessions[int.Parse(parts[0])].Committed}) and was not processed";
                }
            }

            foreach (((int shard, ulong target), List<long> seqs) in _processed)
            {
                if (!_everRefused.Contains(target) && seqs.Count > 1 && seqs[^1] < seqs[^2])
                {
                    return $"target {target} of shard {shard} got {seqs[^1]} after {seqs[^2]}";
                }
            }

            return null;
        }

        private static string Name(in FrameNote note) =>
            $"{note.ShardId}:{Encoding.ASCII.GetString(BitConverter.GetBytes(note.SessionTag))}:{note.Seq}:{note.Rule}";

        private static byte[] Frame(in FrameNote note, bool isPoison, int padding)
        {
            byte[] text = Encoding.ASCII.GetBytes($"{Name(note)} {note.Target} {(isPoison ? "poison" : "good")} {new string('.', padding)}");
            return [.. BitConverter.GetBytes(text.Length), .. text];
        }
    }
}
