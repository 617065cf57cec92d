using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;

namespace SinGateway.Forwarding;

/// <summary>
/// One dispatch that an event name produces: its rule, and the rule's target with all that is known beforehand already filled in, so that
/// only the shard is left to write, and the event's own ids where the target has them.
/// </summary>
internal sealed class RouteCopy
{
    /// <summary>The target is these pieces with a variable between each two: at least one piece.</summary>
    private readonly byte[][] _pieces;

    /// <summary>The variables between the pieces. Null when each is the shard, as it is in most targets.</summary>
    private readonly VariableUse[]? _uses;

    private readonly int _pieceBytes;

    /// <summary><paramref name="eventName"/> is UTF-8 and need not be valid: whatever it holds, the target stays valid JSON.</summary>
    public RouteCopy(ForwardingRule rule, ReadOnlySpan<byte> eventName, int cluster, int shardCount)
    {
        Rule = rule;
        ArrayBufferWriter<byte> piece = new();
        List<byte[]> pieces = [];
        List<VariableUse> uses = [];
        foreach (TemplateSegment segment in rule.Target.Segments)
        {
            if (segment.Literal is { } literal)
            {
                piece.Write(literal);
                continue;
            }

            string? text = segment.Use.Variable switch
            {
                TemplateVariable.Cluster => cluster.ToString(CultureInfo.InvariantCulture),
                TemplateVariable.Shards => shardCount.ToString(CultureInfo.InvariantCulture),
                TemplateVariable.Event => JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(Encoding.UTF8.GetString(eventName)),
                _ => null,
            };
            if (text is not null)
            {
                Encoding.UTF8.GetBytes(text, piece);
                continue;
            }

            pieces.Add(piece.WrittenSpan.ToArray());
            piece.Clear();
            uses.Add(segment.Use);
            Fields |= segment.Use.Variable switch
            {
                TemplateVariable.GuildId or TemplateVariable.GuildSlot => EventFields.Guild,
                TemplateVariable.ChannelId => EventFields.Channel,
                TemplateVariable.UserId => EventFields.User,
                _ => EventFields.None,
            };
        }

        pieces.Add(piece.WrittenSpan.ToArray());
        _pieces = [.. pieces];
        _uses = Fields == EventFields.None ? null : [.. uses];
        _pieceBytes = pieces.Sum(bytes => bytes.Length);
    }

    public ForwardingRule Rule { get; }

    /// <summary>What <see cref="MeasureTarget"/> and <see cref="WriteTarget"/> need of an event; its name says where that stands.</summary>
    public EventFields Fields { get; }

    /// <summary>The length in bytes of what <see cref="WriteTarget"/> writes for this shard and these ids.</summary>
    public int MeasureTarget(int shard, in EventIds ids)
    {
        if (_uses is null)
        {
            return _pieceBytes + (_pieces.Length - 1) * CountDigits((uint)shard);
        }

        int length = _pieceBytes;
        foreach (VariableUse use in _uses)
        {
            length += Value(use, shard, ids) is { } value ? CountDigits(value) : Absent(use).Length;
        }

        return length;
    }

    /// <summary>
    /// Writes the target's JSON and returns its length. <paramref name="destination"/> holds at least <see cref="MeasureTarget"/> bytes.
    /// Does not allocate.
    /// </summary>
    public int WriteTarget(int shard, in EventIds ids, Span<byte> destination)
    {
        _pieces[0].CopyTo(destination);
        int written = _pieces[0].Length;
        for (int i = 1; i < _pieces.Length; i++)
        {
            written += _uses is null ? WriteDigits((uint)shard, destination[written..]) : WriteValue(_uses[i - 1], shard, ids, destination[written..]);
            _pieces[i].CopyTo(destination[written..]);
            written += _pieces[i].Length;
        }

        return written;
    }

    private static int WriteValue(VariableUse use, int shard, in EventIds ids, Span<byte> destination)
    {
        if (Value(use, shard, ids) is { } value)
        {
            return WriteDigits(value, destination);
        }

        ReadOnlySpan<byte> absent = Absent(use);
        absent.CopyTo(destination);
        return absent.Length;
    }

    private static ulong? Value(VariableUse use, int shard, in EventIds ids) => use.Variable switch
    {
        TemplateVariable.GuildId => ids.Guild,
        TemplateVariable.ChannelId => ids.Channel,
        TemplateVariable.UserId => ids.User,
        TemplateVariable.GuildSlot => (uint)ids.GuildSlot(use.Slots),
        _ => (uint)shard,
    };

    private static ReadOnlySpan<byte> Absent(VariableUse use) => use.AsNumber ? "null"u8 : default;

    private static int WriteDigits(ulong number, Span<byte> destination)
    {
        bool fits = Utf8Formatter.TryFormat(number, destination, out int digits);
        Debug.Assert(fits, "the caller measured");
        return digits;
    }

    private static int CountDigits(ulong number)
    {
        int digits = 1;
        while ((number /= 10) > 0)
        {
            digits++;
        }

        return digits;
    }
}
