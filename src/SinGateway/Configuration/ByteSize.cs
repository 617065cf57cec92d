using System.Globalization;

namespace SinGateway.Configuration;

/// <summary>A size as the file writes it: <c>500000</c> bytes, <c>256KiB</c>, <c>32MiB</c>, <c>1GiB</c>.</summary>
internal static class ByteSize
{
    private static readonly (string Suffix, int Shift)[] Units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("", 0)];

    /// <summary>Whole numbers only, units in any case; false also when the size does not fit in 63 bits.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        (string suffix, int shift) = Units.First(unit => text.EndsWith(unit.Suffix, StringComparison.OrdinalIgnoreCase));
        ReadOnlySpan<char> number = text.AsSpan(0, text.Length - suffix.Length).TrimEnd(' ');
        bool read = long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out bytes) && bytes <= long.MaxValue >> shift;
        bytes = read ? bytes << shift : 0;
        return read;
    }
}
