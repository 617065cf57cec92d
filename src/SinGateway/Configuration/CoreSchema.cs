using System.Globalization;

namespace SinGateway.Configuration;

/// <summary>
/// What an unquoted scalar means: the core schema of YAML 1.2, https://yaml.org/spec/1.2.2/#103-core-schema. JSON's literals mean the same
/// by it.
/// </summary>
internal static class CoreSchema
{
    private const NumberStyles Decimal =
        NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    public static ScalarKind Resolve(string plain) => plain switch
    {
        "" or "~" or "null" or "Null" or "NULL" => ScalarKind.Null,
        "true" or "True" or "TRUE" or "false" or "False" or "FALSE" => ScalarKind.Boolean,
        _ when IsInteger(plain) => ScalarKind.Integer,
        _ when IsNumber(plain) => ScalarKind.Number,
        _ => ScalarKind.Text,
    };

    /// <summary>
    /// The scalar as a JSON literal: integers keep all their digits, other numbers are the nearest double. Null when JSON has no literal
    /// for it: text, infinities, NaN, and octal or hexadecimal numbers beyond 64 bits.
    /// </summary>
    public static string? ToJson(ScalarKind kind, string plain) => kind switch
    {
        ScalarKind.Null => "null",
        ScalarKind.Boolean => plain.ToLowerInvariant(),
        ScalarKind.Integer => IntegerToJson(plain),
        ScalarKind.Number => NumberToJson(plain),
        _ => null,
    };

    private static bool IsInteger(string plain)
    {
        ReadOnlySpan<char> digits = plain.AsSpan(plain[0] is '-' or '+' ? 1 : 0);
        return plain.StartsWith("0x", StringComparison.Ordinal) ? plain.Length > 2 && !plain.AsSpan(2).ContainsAnyExcept("0123456789abcdefABCDEF")
            : plain.StartsWith("0o", StringComparison.Ordinal) ? plain.Length > 2 && !plain.AsSpan(2).ContainsAnyExcept("01234567")
            : !digits.IsEmpty && !digits.ContainsAnyExceptInRange('0', '9');
    }

    private static bool IsNumber(string plain) =>
        IsBeyondJson(plain)
        || !plain.AsSpan().ContainsAnyExcept("+-.0123456789eE") && double.TryParse(plain, Decimal, CultureInfo.InvariantCulture, out _);

    private static bool IsBeyondJson(string plain) =>
        (plain[0] is '-' or '+' ? plain[1..] : plain) is ".inf" or ".Inf" or ".INF" || plain is ".nan" or ".NaN" or ".NAN";

    private static string? IntegerToJson(string plain)
    {
        if (plain is ['0', 'x' or 'o', ..])
        {
            return TryReadPrefixed(plain, out ulong value) ? value.ToString(CultureInfo.InvariantCulture) : null;
        }

        string digits = plain.TrimStart('-', '+').TrimStart('0');
        return digits.Length == 0 ? "0" : plain[0] == '-' ? "-" + digits : digits;
    }

    private static bool TryReadPrefixed(string plain, out ulong value)
    {
        if (plain[1] == 'x')
        {
            return ulong.TryParse(plain.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
        }

        value = 0;
        foreach (char digit in plain.AsSpan(2))
        {
            if (value > ulong.MaxValue >> 3)
            {
                return false;
            }

            value = value << 3 | (uint)(digit - '0');
        }

        return true;
    }

    private static string? NumberToJson(string plain)
    {
        if (IsBeyondJson(plain))
        {
            return null;
        }

        double value = double.Parse(plain, Decimal, CultureInfo.InvariantCulture);
        if (!double.IsFinite(value))
        {
            return null;
        }

        // 신경 tells floats from integers, so 1.0 must not become 1.
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        return text.AsSpan().ContainsAny(".E") ? text : text + ".0";
    }
}
