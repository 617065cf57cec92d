using System.Globalization;

namespace SinGateway.Configuration;

/// <summary>A length of time as the file writes it: <c>500ms</c>, <c>60s</c>, <c>5m</c>, <c>1h</c>, and seconds without a unit.</summary>
internal static class Duration
{
    private static readonly (string Suffix, long Milliseconds)[] Units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("", 1_000)];

    /// <summary>Whole numbers only, units in any case; false also above a thousand days.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        (string suffix, long milliseconds) = Units.First(unit => text.EndsWith(unit.Suffix, StringComparison.OrdinalIgnoreCase));
        ReadOnlySpan<char> number = text.AsSpan(0, text.Length - suffix.Length).TrimEnd(' ');
        bool read = long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long count)
            && count <= (long)TimeSpan.FromDays(1_000).TotalMilliseconds / milliseconds;
        duration = read ? TimeSpan.FromMilliseconds(count * milliseconds) : default;
        return read;
    }
}
