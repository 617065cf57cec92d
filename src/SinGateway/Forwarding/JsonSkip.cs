using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SinGateway.Forwarding;

/// <summary>
/// Moves behind a JSON value without parsing it. Containers go 64 bytes at a time, by bit masks of quotes, escapes and brackets, as in
/// "Parsing Gigabytes of JSON per Second" (https://arxiv.org/abs/1902.08318, section 3.1): a GUILD_CREATE is mostly short strings, on which a
/// search for the next quote or bracket, again and again, takes several times as long.
/// Brackets are matched by depth alone, so what is skipped is well-formed no further than that. Never reads beyond its input.
/// </summary>
internal static class JsonSkip
{
    private const int BlockSize = 64;

    /// <summary>Bit i is set for odd i.</summary>
    private const ulong OddBits = 0xAAAA_AAAA_AAAA_AAAA;

    /// <summary>Sets the bit in which <c>[</c> differs from <c>{</c>, and <c>]</c> from <c>}</c>.</summary>
    private const byte BracketToBrace = 0x20;

    /// <summary>Moves behind the value that starts at the position; false when it has no end, or there is none.</summary>
    public static bool TryValue(ReadOnlySpan<byte> json, ref int position)
    {
        if (position >= json.Length)
        {
            return false;
        }

        switch (json[position])
        {
            case (byte)'"':
                return TryString(json, ref position, out _);
            case (byte)'{' or (byte)'[':
                return TryContainer(json, ref position);
            default:
                // A number or a word; a message never ends with one.
                int length = json[position..].IndexOfAny(",}] \n\r\t"u8);
                position += Math.Max(length, 0);
                return length > 0;
        }
    }

    /// <summary>Moves behind the string whose opening quote is at the position; false when there is none, or it has no end.</summary>
    public static bool TryString(ReadOnlySpan<byte> json, ref int position, out bool hasEscape)
    {
        hasEscape = false;
        if (position >= json.Length || json[position] != '"')
        {
            return false;
        }

        position++;
        while (position < json.Length)
        {
            int next = json[position..].IndexOfAny((byte)'"', (byte)'\\');
            if (next < 0)
            {
                return false;
            }

            position += next + 1;
            if (json[position - 1] == '"')
            {
                return true;
            }

            hasEscape = true;
            position++;
        }

        return false;
    }

    private static bool TryContainer(ReadOnlySpan<byte> json, ref int position)
    {
        Span<byte> last = stackalloc byte[BlockSize];
        int depth = 0;
        ulong escapes = 0;
        ulong inString = 0;
        for (int start = position; start < json.Length; start += BlockSize)
        {
            scoped ReadOnlySpan<byte> block = json[start..];
            if (block.Length < BlockSize)
            {
                last.Fill((byte)' ');
                block.CopyTo(last);
                block = last;
            }

            (ulong quotes, ulong backslashes, ulong opening, ulong closing) = Find(block);
            quotes &= ~FindEscaped(backslashes, ref escapes);

            // All ones when the block before ended inside a string, which turns the meaning of every quote in this one.
            ulong inside = PrefixXor(quotes) ^ inString;
            inString = (ulong)((long)inside >> 63);
            opening &= ~inside;
            closing &= ~inside;

            int closings = BitOperations.PopCount(closing);
            if (depth > closings)
            {
                depth += BitOperations.PopCount(opening) - closings;
                continue;
            }

            for (ulong brackets = opening | closing; brackets != 0; brackets &= brackets - 1)
            {
                ulong lowest = brackets & (0 - brackets);
                depth += (opening & lowest) != 0 ? 1 : -1;
                if (depth == 0)
                {
                    position = start + BitOperations.TrailingZeroCount(lowest) + 1;
                    return true;
                }
            }
        }

        position = json.Length;
        return false;
    }

    /// <summary>Where quotes, backslashes, opening and closing brackets are: bit i is byte i.</summary>
    private static (ulong Quotes, ulong Backslashes, ulong Opening, ulong Closing) Find(ReadOnlySpan<byte> block)
    {
        Debug.Assert(block.Length >= BlockSize, "a short block is padded");
        ulong quotes = 0, backslashes = 0, opening = 0, closing = 0;
        ReadOnlySpan<Vector128<byte>> parts = MemoryMarshal.Cast<byte, Vector128<byte>>(block[..BlockSize]);
        for (int i = 0; i < parts.Length; i++)
        {
            Vector128<byte> part = parts[i];
            Vector128<byte> braces = part | Vector128.Create(BracketToBrace);
            int shift = i * Vector128<byte>.Count;
            quotes |= (ulong)Vector128.Equals(part, Vector128.Create((byte)'"')).ExtractMostSignificantBits() << shift;
            backslashes |= (ulong)Vector128.Equals(part, Vector128.Create((byte)'\\')).ExtractMostSignificantBits() << shift;
            opening |= (ulong)Vector128.Equals(braces, Vector128.Create((byte)'{')).ExtractMostSignificantBits() << shift;
            closing |= (ulong)Vector128.Equals(braces, Vector128.Create((byte)'}')).ExtractMostSignificantBits() << shift;
        }

        return (quotes, backslashes, opening, closing);
    }

    /// <summary>
    /// The bytes behind a backslash that is not escaped itself. <paramref name="carry"/> is 1 when the last byte of the block before was
    /// such a backslash.
    /// </summary>
    private static ulong FindEscaped(ulong backslashes, ref ulong carry)
    {
        if (backslashes == 0)
        {
            ulong first = carry;
            carry = 0;
            return first;
        }

        backslashes &= ~carry;
        ulong behind = backslashes << 1 | carry;

        // Runs that start at an odd place end, by the carry of an addition, with the opposite parity.
        ulong oddStarts = backslashes & OddBits & ~behind;
        ulong ends = unchecked(oddStarts + backslashes);
        carry = ends < oddStarts ? 1UL : 0;
        return (~OddBits ^ (ends << 1)) & behind;
    }

    /// <summary>Bit i is set when an odd number of bits up to and with i are: inside a string, its opening quote included.</summary>
    private static ulong PrefixXor(ulong bits)
    {
        bits ^= bits << 1;
        bits ^= bits << 2;
        bits ^= bits << 4;
        bits ^= bits << 8;
        bits ^= bits << 16;
        return bits ^ bits << 32;
    }
}
