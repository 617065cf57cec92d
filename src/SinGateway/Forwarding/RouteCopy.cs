using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;

namespace SinGateway.Forwarding;

/// <summary>
/// One dispatch that an event name produces: its rule, and the rule's target with the event name and the cluster already filled in, so
/// that only the shard is left to write.
/// </summary>
internal sealed class RouteCopy
{
    /// <summary>The target is these pieces with the shard's number between each two: at least one piece.</summary>
    private readonly byte[][] _pieces;

    private readonly int _pieceBytes;

    /// <summary><paramref name="eventName"/> is UTF-8 and need not be valid: whatever it holds, the target stays valid JSON.</summary>
    public RouteCopy(ForwardingRule rule, ReadOnlySpan<byte> eventName, int cluster)
    {
        Rule = rule;
        ArrayBufferWriter<byte> piece = new();
        List<byte[]> pieces = [];
        foreach (TemplateSegment segment in rule.Target.Segments)
        {
            if (segment.Literal is { } literal)
            {
                piece.Write(literal);
            }
            else if (segment.Variable is TemplateVariable.Shard)
            {
                pieces.Add(piece.WrittenSpan.ToArray());
                piece.Clear();
            }
            else
            {
                string text = segment.Variable is TemplateVariable.Cluster
                    ? cluster.ToString(CultureInfo.InvariantCulture)
                    : JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(Encoding.UTF8.GetString(eventName));
                Encoding.UTF8.GetBytes(text, piece);
            }
        }

        pieces.Add(piece.WrittenSpan.ToArray());
        _pieces = [.. pieces];
        _pieceBytes = pieces.Sum(bytes => bytes.Length);
    }

    public ForwardingRule Rule { get; }

    /// <summary>The length in bytes of what <see cref="WriteTarget"/> writes for this shard.</summary>
    public int MeasureTarget(int shard) => _pieceBytes + (_pieces.Length - 1) * CountDigits(shard);

    /// <summary>
    /// Writes the target's JSON and returns its length. <paramref name="destination"/> holds at least <see cref="MeasureTarget"/> bytes.
    /// Does not allocate.
    /// </summary>
    public int WriteTarget(int shard, Span<byte> destination)
    {
        _pieces[0].CopyTo(destination);
        int written = _pieces[0].Length;
        for (int i = 1; i < _pieces.Length; i++)
        {
            bool fits = Utf8Formatter.TryFormat(shard, destination[written..], out int digits);
            Debug.Assert(fits, "the caller measured");
            written += digits;
            _pieces[i].CopyTo(destination[written..]);
            written += _pieces[i].Length;
        }

        return written;
    }

    private static int CountDigits(int shard)
    {
        Debug.Assert(shard >= 0, "shards count from 0");
        int digits = 1;
        while ((shard /= 10) > 0)
        {
            digits++;
        }

        return digits;
    }
}
