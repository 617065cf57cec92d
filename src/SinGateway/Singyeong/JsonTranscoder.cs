using System.Globalization;
using System.Text.Unicode;

namespace SinGateway.Singyeong;

/// <summary>What holds for the transcoding into every encoding.</summary>
internal static class JsonTranscoder
{
    /// <summary>How deep values may lie in a message. Discord's lie ten deep or so.</summary>
    public const int MaximumDepth = 512;

    /// <summary>
    /// No message of <paramref name="json"/> bytes takes more in any encoding: <c>[</c> and <c>]</c> become six bytes, <c>1e5</c> nine, an
    /// invalid byte three; the rest is for values too short to have a separator, and for the five bytes of a <c>[</c> whose <c>]</c> never comes.
    /// </summary>
    public static int MaximumLength(int json) => checked(3 * json + 16 + 2 * MaximumDepth);
}

/// <summary>
/// Rewrites JSON (RFC 8259) in another encoding of 신경, in one pass and without a document in between: each value is written as it is read,
/// and the number of a container's values when its end is met. What no other encoding can hold goes the way of the server's own decoder of
/// JSON, or the least harmful way where that would end the connection:
/// <list type="bullet">
/// <item>A number without fraction and exponent is an integer (<c>-0</c> is 0), any other a float, the nearest double.</item>
/// <item>A float beyond the largest double (<c>1e400</c>, fatal in JSON) is the largest double; no encoding can pass on an infinity.</item>
/// <item>A surrogate escape without its other half (fatal in JSON), and each invalid byte of UTF-8, is U+FFFD.</item>
/// <item>Of equal keys in one object the first counts; the later ones and their values are left out.</item>
/// <item>Integers above 64 bits: see the writers.</item>
/// </list>
/// Allocates nothing but for objects with more keys than any before. Belongs to the loop's thread.
/// </summary>
internal sealed class JsonTranscoder<TWriter>
    where TWriter : IValueWriter
{
    private const int None = -1;

    private readonly Container[] _open = new Container[JsonTranscoder.MaximumDepth];
    private readonly SeenKeys _keys = new();

    /// <summary>
    /// Writes the one value of <paramref name="json"/>, without what stands before a packet. <paramref name="destination"/> holds at least
    /// <see cref="JsonTranscoder.MaximumLength"/> bytes, in other memory.
    /// </summary>
    public TranscodeOutcome Transcode(ReadOnlySpan<byte> json, Span<byte> destination, out int length)
    {
        length = 0;
        _keys.Clear();
        bool repair = !Utf8.IsValid(json);
        int at = JsonText.SkipSpace(json, 0), to = 0, depth = 0;
        while (at < json.Length)
        {
            byte first = json[at];
            if (first == '"')
            {
                if (!TryCopyText(json, ref at, destination, ref to, out _, repair))
                {
                    return TranscodeOutcome.Malformed;
                }
            }
            else if (first is (byte)'{' or (byte)'[')
            {
                if (depth == JsonTranscoder.MaximumDepth)
                {
                    return TranscodeOutcome.TooDeep;
                }

                ref Container opened = ref _open[depth++];
                opened = new Container { Start = to, End = (byte)(first + 2), Keys = _keys.Count, DroppedAt = None };
                to += TWriter.ContainerHeader;
                at = JsonText.SkipSpace(json, at + 1);
                if (at < json.Length && json[at] != opened.End)
                {
                    if (!TryBeginMember(json, ref at, destination, ref to, depth, repair))
                    {
                        return TranscodeOutcome.Malformed;
                    }

                    continue;
                }
            }
            else if (!TryWriteLiteral(json, ref at, destination, ref to) && !TryWriteNumber(json, ref at, destination, ref to))
            {
                return TranscodeOutcome.Malformed;
            }

            // A value has ended, and with it, it may be, containers around it.
            while (true)
            {
                at = JsonText.SkipSpace(json, at);
                if (depth == 0)
                {
                    length = to;
                    return at == json.Length ? TranscodeOutcome.Written : TranscodeOutcome.Malformed;
                }

                if (at == json.Length)
                {
                    return TranscodeOutcome.Malformed;
                }

                ref Container open = ref _open[depth - 1];
                if (open.DroppedAt != None)
                {
                    to = open.DroppedAt;
                    open.DroppedAt = None;
                }

                byte next = json[at++];
                if (next == ',')
                {
                    at = JsonText.SkipSpace(json, at);
                    if (!TryBeginMember(json, ref at, destination, ref to, depth, repair))
                    {
                        return TranscodeOutcome.Malformed;
                    }

                    break;
                }

                if (next != open.End)
                {
                    return TranscodeOutcome.Malformed;
                }

                Span<byte> container = destination[open.Start..];
                to = open.Start + (open.IsMap
                    ? TWriter.EndMap(container, to - open.Start, open.Count)
                    : TWriter.EndList(container, to - open.Start, open.Count));
                _keys.Truncate(open.Keys);
                depth--;
            }
        }

        return TranscodeOutcome.Malformed;
    }

    /// <summary>Up to the value of the next member of the innermost container: in an object, over its key.</summary>
    private bool TryBeginMember(ReadOnlySpan<byte> json, ref int at, Span<byte> destination, ref int to, int depth, bool repair)
    {
        ref Container open = ref _open[depth - 1];
        if (!open.IsMap)
        {
            open.Count++;
            return true;
        }

        int before = to;
        if (at == json.Length || json[at] != '"' || !TryCopyText(json, ref at, destination, ref to, out int length, repair))
        {
            return false;
        }

        if (_keys.TryAdd(depth, destination, to - length, length))
        {
            open.Count++;
        }
        else
        {
            open.DroppedAt = before;
        }

        at = JsonText.SkipSpace(json, at);
        if (at == json.Length || json[at] != ':')
        {
            return false;
        }

        at = JsonText.SkipSpace(json, at + 1);
        return true;
    }

    /// <summary>Writes the text that begins at the quote at <paramref name="at"/>, and goes behind its end.</summary>
    private static bool TryCopyText(ReadOnlySpan<byte> json, ref int at, Span<byte> destination, ref int to, out int length, bool repair)
    {
        int start = at + 1;
        int end = JsonText.FindSpecial(json, start);
        length = end - start;
        bool plain = !repair && end < json.Length && json[end] == '"';
        if (!plain && !JsonText.TryFindEnd(json, start, out end))
        {
            return false;
        }

        ReadOnlySpan<byte> text = json[start..end];
        Span<byte> header = destination.Slice(to, TWriter.MeasureTextHeader(repair ? 3 * text.Length : text.Length));
        Span<byte> content = destination[(to + header.Length)..];
        if (plain)
        {
            text.CopyTo(content);
        }
        else if (!JsonText.TryUnescape(text, content, repair, out length))
        {
            return false;
        }

        TWriter.WriteTextHeader(header, length);
        to += header.Length + length;
        at = end + 1;
        return true;
    }

    private static bool TryWriteLiteral(ReadOnlySpan<byte> json, ref int at, Span<byte> destination, ref int to)
    {
        ReadOnlySpan<byte> rest = json[at..];
        if (rest.StartsWith("null"u8))
        {
            to += TWriter.WriteNull(destination[to..]);
            at += 4;
        }
        else if (rest.StartsWith("true"u8))
        {
            to += TWriter.WriteBoolean(destination[to..], true);
            at += 4;
        }
        else if (rest.StartsWith("false"u8))
        {
            to += TWriter.WriteBoolean(destination[to..], false);
            at += 5;
        }
        else
        {
            return false;
        }

        return true;
    }

    private static bool TryWriteNumber(ReadOnlySpan<byte> json, ref int at, Span<byte> destination, ref int to)
    {
        JsonNumber number = JsonNumber.Read(json[at..]);
        if (number.Length == 0)
        {
            return false;
        }

        Span<byte> output = destination[to..];
        if (number.IsInteger)
        {
            to += number.Magnitude is { } magnitude
                ? TWriter.WriteInteger(output, number.IsNegative, magnitude)
                : TWriter.WriteLargeInteger(output, number.IsNegative, json.Slice(at, number.Length)[(number.IsNegative ? 1 : 0)..]);
        }
        else
        {
            double value = double.Parse(json.Slice(at, number.Length), NumberStyles.Float, CultureInfo.InvariantCulture);
            to += TWriter.WriteFloat(output, Math.Clamp(value, double.MinValue, double.MaxValue));
        }

        at += number.Length;
        return true;
    }

    /// <summary>An object or array whose end has not been met.</summary>
    private struct Container
    {
        /// <summary>Where its header stands in the output.</summary>
        public int Start;

        /// <summary>Values or pairs written so far.</summary>
        public int Count;

        /// <summary>How many keys were seen before it.</summary>
        public int Keys;

        /// <summary>Where the output goes on after the present member, whose key was there before; else <see cref="None"/>.</summary>
        public int DroppedAt;

        /// <summary>The character that ends it.</summary>
        public byte End;

        public readonly bool IsMap => End == '}';
    }
}
