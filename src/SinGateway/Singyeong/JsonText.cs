using System.Buffers;
using System.Buffers.Text;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text;

namespace SinGateway.Singyeong;

/// <summary>The strings of JSON (RFC 8259, section 7) as pure functions over spans, and the white space around them.</summary>
internal static class JsonText
{
    private const byte FirstPrintable = 0x20;
    private const int EscapedUnit = 6;

    /// <summary>The first index from <paramref name="at"/> on that holds no white space (section 2), or the length.</summary>
    public static int SkipSpace(ReadOnlySpan<byte> json, int at)
    {
        while (at < json.Length && json[at] <= ' ' && json[at] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
        {
            at++;
        }

        return at;
    }

    /// <summary>
    /// The first index from <paramref name="at"/> on that holds a quote, a backslash or a control character, or the length. Most texts are
    /// shorter than a vector, so this is cheaper than a call of IndexOfAny.
    /// </summary>
    public static int FindSpecial(ReadOnlySpan<byte> json, int at)
    {
        ref byte start = ref MemoryMarshal.GetReference(json);
        for (; at <= json.Length - Vector128<byte>.Count; at += Vector128<byte>.Count)
        {
            Vector128<byte> block = Vector128.LoadUnsafe(ref start, (nuint)at);
            Vector128<byte> special = Vector128.Equals(block, Vector128.Create((byte)'"'))
                | Vector128.Equals(block, Vector128.Create((byte)'\\'))
                | Vector128.Equals(Vector128.Min(block, Vector128.Create((byte)(FirstPrintable - 1))), block);
            uint found = special.ExtractMostSignificantBits();
            if (found != 0)
            {
                return at + BitOperations.TrailingZeroCount(found);
            }
        }

        while (at < json.Length && json[at] is not ((byte)'"' or (byte)'\\' or < FirstPrintable))
        {
            at++;
        }

        return at;
    }

    /// <summary>The closing quote of the text that begins at <paramref name="at"/>; false when there is none, or a control character.</summary>
    public static bool TryFindEnd(ReadOnlySpan<byte> json, int at, out int end)
    {
        end = FindSpecial(json, at);
        while (end < json.Length && json[end] == '\\')
        {
            end = FindSpecial(json, Math.Min(end + 2, json.Length));
        }

        return end < json.Length && json[end] == '"';
    }

    /// <summary>
    /// Writes what stands between two quotes without its escapes, as valid UTF-8: half of a surrogate pair, and with <paramref
    /// name="repair"/> each invalid byte, becomes U+FFFD. <paramref name="destination"/> holds at least the length of <paramref
    /// name="text"/>, three times that with <paramref name="repair"/>. False when an escape is none of JSON's.
    /// </summary>
    public static bool TryUnescape(ReadOnlySpan<byte> text, Span<byte> destination, bool repair, out int length)
    {
        length = 0;
        while (true)
        {
            int escape = text.IndexOf((byte)'\\');
            ReadOnlySpan<byte> plain = escape < 0 ? text : text[..escape];
            length += repair ? Repair(plain, destination[length..]) : Copy(plain, destination[length..]);
            if (escape < 0)
            {
                return true;
            }

            text = text[escape..];
            if (text.Length < 2)
            {
                return false;
            }

            if (text[1] == 'u')
            {
                if (!TryReadUnit(text, out char unit))
                {
                    return false;
                }

                text = text[EscapedUnit..];
                if (!Rune.TryCreate(unit, out Rune rune))
                {
                    bool isPair = TryReadUnit(text, out char second) && Rune.TryCreate(unit, second, out rune);
                    text = text[(isPair ? EscapedUnit : 0)..];
                    rune = isPair ? rune : Rune.ReplacementChar;
                }

                length += rune.EncodeToUtf8(destination[length..]);
                continue;
            }

            byte letter = Unescaped(text[1]);
            if (letter == 0)
            {
                return false;
            }

            destination[length++] = letter;
            text = text[2..];
        }
    }

    /// <summary>Writes text with its invalid bytes as U+FFFD; returns the length, at most three times that of the text.</summary>
    public static int Repair(ReadOnlySpan<byte> text, Span<byte> destination)
    {
        int length = 0;
        while (!text.IsEmpty)
        {
            // Answers U+FFFD for what is no character.
            Rune.DecodeFromUtf8(text, out Rune rune, out int consumed);
            length += rune.EncodeToUtf8(destination[length..]);
            text = text[consumed..];
        }

        return length;
    }

    private static int Copy(ReadOnlySpan<byte> text, Span<byte> destination)
    {
        text.CopyTo(destination);
        return text.Length;
    }

    /// <summary>The code unit of <c>\uXXXX</c> at the front.</summary>
    private static bool TryReadUnit(ReadOnlySpan<byte> text, out char unit)
    {
        unit = default;
        if (text.Length < EscapedUnit || text[0] != '\\' || text[1] != 'u')
        {
            return false;
        }

        ReadOnlySpan<byte> digits = text[2..EscapedUnit];
        bool read = Utf8Parser.TryParse(digits, out ushort value, out int consumed, 'x') && consumed == digits.Length;
        unit = (char)value;
        return read;
    }

    /// <summary>What a backslash and this letter stand for; 0 when they stand for nothing.</summary>
    private static byte Unescaped(byte letter) => letter switch
    {
        (byte)'"' or (byte)'\\' or (byte)'/' => letter,
        (byte)'b' => (byte)'\b',
        (byte)'f' => (byte)'\f',
        (byte)'n' => (byte)'\n',
        (byte)'r' => (byte)'\r',
        (byte)'t' => (byte)'\t',
        _ => 0,
    };
}
