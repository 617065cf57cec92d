using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using SinGateway.Configuration;

namespace SinGateway.Operations;

/// <summary>The text of one log entry, for people.</summary>
internal static class LogLine
{
    // The longest name of a level.
    private const int LevelWidth = 8;

    /// <summary>
    /// Wire format: <c>2026-11-23 13:00:01.123 INFO     shard: text</c> and a newline; behind it <c> (repeated 41 times in 60 s)</c> where it
    /// stands for several. An exception adds its message to the line, or, with its stack, all of it on lines of its own. Control characters
    /// inside a text become spaces, so that nobody can forge an entry or reach the terminal.
    /// </summary>
    public static string Format(LogEntry entry, bool colour)
    {
        string name = LoggingLevels.NameOf(entry.Level).PadRight(LevelWidth);
        if (colour)
        {
            name = $"{ColourOf(entry.Level)}{name}\e[0m";
        }

        string line = string.Create(CultureInfo.InvariantCulture, $"{entry.Time:yyyy-MM-dd HH:mm:ss.fff} {name} {entry.Category}: {OneLine(entry.Text)}");
        if (entry is { Exception: { } cause, WithStack: false })
        {
            line = $"{line}: {OneLine(cause.Message)}";
        }

        if (entry.Repeated > 0)
        {
            line = string.Create(CultureInfo.InvariantCulture, $"{line} (repeated {Times(entry.Repeated)} in {RepeatedEntries.Window / 1000} s)");
        }

        return entry is { Exception: { } whole, WithStack: true } ? $"{line}\n{whole}\n" : line + "\n";
    }

    private static string Times(int count) => count == 1 ? "1 time" : string.Create(CultureInfo.InvariantCulture, $"{count} times");

    private static string ColourOf(LogLevel level) => level switch
    {
        LogLevel.Critical => "\e[1;31m",
        LogLevel.Error => "\e[31m",
        LogLevel.Warning => "\e[33m",
        LogLevel.Information => "\e[32m",
        _ => "\e[2m",
    };

    private static string OneLine(string text)
    {
        if (!text.Any(char.IsControl))
        {
            return text;
        }

        StringBuilder line = new(text.Replace("\r\n", " ", StringComparison.Ordinal));
        for (int i = 0; i < line.Length; i++)
        {
            line[i] = char.IsControl(line[i]) ? ' ' : line[i];
        }

        return line.ToString();
    }
}
