namespace SinGateway.Singyeong;

/// <summary>The number at the front of a text (RFC 8259, section 6): <c>-? int frac? exp?</c></summary>
/// <param name="Length">Its bytes; 0 when there is none.</param>
/// <param name="IsNegative">It begins with a minus.</param>
/// <param name="IsInteger">It has neither fraction nor exponent.</param>
/// <param name="Magnitude">The absolute value of an integer; null when it takes more than 64 bits.</param>
internal readonly record struct JsonNumber(int Length, bool IsNegative, bool IsInteger, ulong? Magnitude)
{
    /// <summary>So many digits always fit into 64 bits.</summary>
    private const int SafeDigits = 19;

    public static JsonNumber Read(ReadOnlySpan<byte> text)
    {
        bool negative = text.Length > 0 && text[0] == '-';
        int start = negative ? 1 : 0;
        int at = start;
        ulong magnitude = 0;
        bool fits = true;
        for (; at < text.Length && text[at] is >= (byte)'0' and <= (byte)'9'; at++)
        {
            uint digit = (uint)(text[at] - '0');
            if (at - start < SafeDigits)
            {
                magnitude = magnitude * 10 + digit;
            }
            else if (fits && magnitude <= (ulong.MaxValue - digit) / 10)
            {
                magnitude = magnitude * 10 + digit;
            }
            else
            {
                fits = false;
            }
        }

        if (at == start || (text[start] == '0' && at > start + 1))
        {
            return default;
        }

        int integer = at;
        if (at < text.Length && text[at] == '.' && !TrySkipDigits(text, at + 1, out at))
        {
            return default;
        }

        if (at < text.Length && text[at] is (byte)'e' or (byte)'E')
        {
            at++;
            if (at < text.Length && text[at] is (byte)'+' or (byte)'-')
            {
                at++;
            }

            if (!TrySkipDigits(text, at, out at))
            {
                return default;
            }
        }

        return new JsonNumber(at, negative, at == integer, fits ? magnitude : null);
    }

    private static bool TrySkipDigits(ReadOnlySpan<byte> text, int start, out int end)
    {
        end = start;
        while (end < text.Length && text[end] is >= (byte)'0' and <= (byte)'9')
        {
            end++;
        }

        return end > start;
    }
}
