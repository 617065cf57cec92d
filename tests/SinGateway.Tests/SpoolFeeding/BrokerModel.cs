using System.Buffers.Binary;
using System.Text;
using SinGateway.Singyeong;

namespace SinGateway.Tests.SpoolFeeding;

/// <summary>
/// A 신경 without a socket, as the real one was seen to behave: it handles messages in order, answers a no_route without ops, fails with 1011
/// on one with ops and on poison, and forgets what was in flight behind that. It outlives the gateways that speak to it.
/// </summary>
internal sealed class BrokerModel(int targets)
{
    private static readonly byte[] Heartbeat = new byte[4];

    private readonly List<byte> _wire = [];
    private readonly Queue<string> _answers = new();
    private bool _hasFailed;

    public bool IsConnected { get; private set; } = true;

    /// <summary>Whether somebody takes messages of a target.</summary>
    public bool[] Present { get; } = Enumerable.Repeat(true, targets).ToArray();

    /// <summary>Targets of which a message was ever refused.</summary>
    public HashSet<ulong> Refused { get; } = [];

    /// <summary>A message was taken: its name, shard:tag:seq:rule, and its target.</summary>
    public event Action<string, ulong>? Taken;

    /// <summary>A message came back and was dropped by policy.</summary>
    public event Action<string>? Dropped;

    public static string Name(in FrameNote note) => $"{note.ShardId}:{Encoding.ASCII.GetString(BitConverter.GetBytes(note.SessionTag))}:{note.Seq}:{note.Rule}";

    public static byte[] Frame(in FrameNote note, bool isPoison, bool costsConnection, int padding)
    {
        byte[] text = Encoding.ASCII.GetBytes(
            $"{Name(note)} {note.Target} {(isPoison ? "poison" : "good")} {(costsConnection ? "ops" : "-")} {new string('.', padding)}");
        return [.. BitConverter.GetBytes(text.Length), .. text];
    }

    /// <summary>Writes as the client does; the socket takes so many bytes, then it is full.</summary>
    public void Pump(Delivery delivery, int room, Random random)
    {
        while (IsConnected)
        {
            switch (delivery.Next(out ReadOnlySpan<byte> bytes, stopAtBoundary: random.Next(10) == 0))
            {
                case DeliveryPiece.Frames when room == 0:
                    delivery.MarkBlocked(bytes.Length);
                    return;
                case DeliveryPiece.Frames:
                    int written = Math.Min(room, bytes.Length);
                    _wire.AddRange(bytes[..written]);
                    delivery.MarkSent(written);
                    room -= written;
                    break;
                case DeliveryPiece.Heartbeat:
                    _wire.AddRange(Heartbeat);
                    delivery.MarkHeartbeat();
                    break;
                default:
                    return;
            }
        }
    }

    /// <summary>Handles some of what has reached it.</summary>
    public void Process(int messages)
    {
        int position = 0;
        Span<byte> wire = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_wire);
        for (int i = 0; i < messages && !_hasFailed && wire.Length - position >= 4; i++)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(wire[position..]);
            if (wire.Length - position < 4 + length)
            {
                break;
            }

            string text = Encoding.ASCII.GetString(wire.Slice(position + 4, length));
            position += 4 + length;
            if (length == 0)
            {
                _answers.Enqueue("ack");
            }
            else
            {
                Process(text.Split(' '));
            }
        }

        _wire.RemoveRange(0, _hasFailed ? _wire.Count : position);
    }

    /// <summary>Some answers arrive; behind the last one of a server that failed, its close.</summary>
    public void Answer(Delivery delivery, int answers)
    {
        for (int i = 0; i < answers && IsConnected; i++)
        {
            if (!_answers.TryDequeue(out string? answer))
            {
                if (_hasFailed)
                {
                    Lose(delivery, serverFailed: true);
                }

                return;
            }

            if (answer == "ack")
            {
                delivery.Acknowledge();
                continue;
            }

            DispatchNonce.TryParse(Encoding.ASCII.GetBytes(answer), out DispatchNonce nonce);
            long before = delivery.Unrouted;
            delivery.ComeBack(nonce);
            if (delivery.Unrouted > before)
            {
                Dropped?.Invoke(answer);
            }
        }
    }

    /// <summary>The connection is gone. What had reached the server is handled or not; the answers reach nobody.</summary>
    public void Lose(Delivery delivery, bool serverFailed, bool handlesRest = false)
    {
        if (IsConnected)
        {
            delivery.Lose(serverFailed ? LossCause.ServerFailed : LossCause.Connection);
        }

        Forget(handlesRest);
    }

    /// <summary>The gateway has died.</summary>
    public void Forget(bool handlesRest)
    {
        IsConnected = false;
        if (handlesRest)
        {
            Process(int.MaxValue);
        }

        _wire.Clear();
        _answers.Clear();
        _hasFailed = false;
    }

    public void Connect() => IsConnected = true;

    private void Process(string[] text)
    {
        (string name, ulong target) = (text[0], ulong.Parse(text[1]));
        if (text[2] == "good" && Present[target])
        {
            Taken?.Invoke(name, target);
            return;
        }

        Refused.Add(target);
        if (text[2] == "poison" || text[3] == "ops")
        {
            _hasFailed = true;
        }
        else
        {
            _answers.Enqueue(name);
        }
    }
}
