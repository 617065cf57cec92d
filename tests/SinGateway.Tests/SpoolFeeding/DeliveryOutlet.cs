using System.Text;
using SinGateway.Sessions;
using SinGateway.Singyeong;
using SinGateway.Spooling;

namespace SinGateway.Tests.SpoolFeeding;

/// <summary>
/// What a forwarder is to a spool's feed, over a real delivery: rules, targets, sizes and poison follow from shard and seq. An event's bytes
/// are its name and padding.
/// </summary>
internal sealed class DeliveryOutlet(Delivery delivery, Func<long> now) : ISpoolOutlet
{
    public const int Rules = 4;
    public const int Targets = 6;

    /// <summary>Held with ops, held without, dropped without, held with ops once more and not for long.</summary>
    public static readonly UnroutedPolicy[] Policies =
    [
        new(true, 1_000_000_000, "a", true),
        new(true, 1_000_000_000, "b", false),
        new(false, 0, "c", false),
        new(true, 40_000, "a", true),
    ];

    /// <summary>The rules that take events of this process; null is all.</summary>
    public Func<int, bool>? Takes { get; set; }

    public bool HasRoom => !delivery.IsFull;

    public long MaximumEvent { get; set; } = 1 << 20;

    /// <summary>Seqs in the order in which their first copy was written.</summary>
    public List<(int Shard, long Seq)> Written { get; } = [];

    public static IEnumerable<int> RulesOf(int shard, long seq) => Enumerable.Range(0, Rules).Where(rule => ((Hash(shard, seq) >> (rule * 2)) & 3) is 1 or 2);

    public static byte[] Event(int shard, byte[] tag, long seq)
    {
        ulong hash = Hash(shard, seq);
        int size = hash % 23 == 0 ? (int)(hash % 60_000) : (int)(hash % 700);
        return Encoding.ASCII.GetBytes($"{shard}:{Encoding.ASCII.GetString(tag)}:{seq} {new string('.', size)}");
    }

    public int Forward(in SpoolRecord record) => Forward(null, record);

    public void ForwardLate(Session session, in SpoolRecord record) => Forward(session, record);

    /// <summary>As a forwarder does with an event that was just received.</summary>
    public int Forward(Session? session, in SpoolRecord record, bool isLate = true)
    {
        if (!Event(record.ShardId, record.SessionTag.ToArray(), record.Seq).AsSpan().SequenceEqual(record.Payload))
        {
            throw new InvalidDataException($"record {record.Number}, seq {record.Seq}, is not what was put in");
        }

        int copies = 0;
        Written.Add((record.ShardId, record.Seq));
        foreach (int rule in RulesOf(record.ShardId, record.Seq))
        {
            if ((record.RuleIndex >= 0 && record.RuleIndex != rule) || Takes?.Invoke(rule) == false)
            {
                continue;
            }

            ulong hash = Hash(record.ShardId, record.Seq);
            FrameNote note = new()
            {
                ShardId = record.ShardId,
                SessionTag = DispatchNonce.Tag(record.SessionTag),
                Seq = record.Seq,
                Rule = rule,
                Target = (ulong)((rule * 2) + (int)((hash >> (9 + rule)) & 1)) % Targets,
                ReceivedAt = now(),
                SpoolNumber = session is null ? record.Number : 0,
            };
            byte[] frame = BrokerModel.Frame(note, isPoison: rule == 1 && hash % 211 == 0, Policies[rule].CostsConnection, record.Payload.Length);
            frame.CopyTo(delivery.Outbox.Reserve(frame.Length));
            if (session is not null && isLate)
            {
                delivery.AddLate(session, frame.Length, note);
            }
            else
            {
                delivery.Add(session, frame.Length, note);
            }

            copies++;
        }

        return copies;
    }

    private static ulong Hash(int shard, long seq)
    {
        ulong hash = (((ulong)seq * 0x9E3779B97F4A7C15) ^ ((ulong)shard * 0xC2B2AE3D27D4EB4F)) * 0xFF51AFD7ED558CCD;
        return hash ^ (hash >> 29);
    }
}
