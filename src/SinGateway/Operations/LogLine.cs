using System.Globalization;
using Microsoft.Extensions.Logging;

namespace SinGateway.Operations;

/// <summary>The text of one log entry.</summary>
internal static class LogLine
{
    /// <summary>
    /// Wire format: <c>2026-11-23 13:00:01.123 INFO     shard: text</c> and a newline. An exception adds its message to the line, or,
    /// with <paramref name="withStack"/>, all of it on lines of its own. Line breaks inside a text become spaces, so that nobody can forge
    /// an entry.
    /// </summary>
    public static string Format(DateTimeOffset time, LogLevel level, string category, string text, Exception? exception, bool withStack, bool colour)
    {
        string name = NameOf(level);
        if (colour)
        {
            name = $"{ColourOf(level)}{name}\e[0m";
        }

        string line = string.Create(CultureInfo.InvariantCulture, $"{time:yyyy-MM-dd HH:mm:ss.fff} {name} {category}: {OneLine(text)}");
        return exception switch
        {
            null => line + "\n",
            _ when withStack => $"{line}\n{exception}\n",
            _ => $"{line}: {OneLine(exception.Message)}\n",
        };
    }

    // Python's names, padded to the longest.
    private static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Critical => "CRITICAL",
        LogLevel.Error => "ERROR   ",
        LogLevel.Warning => "WARNING ",
        LogLevel.Information => "INFO    ",
        _ => "DEBUG   ",
    };

    private static string ColourOf(LogLevel level) => level switch
    {
        LogLevel.Critical => "\e[1;31m",
        LogLevel.Error => "\e[31m",
        LogLevel.Warning => "\e[33m",
        LogLevel.Information => "\e[32m",
        _ => "\e[2m",
    };

    private static string OneLine(string text) =>
        text.AsSpan().ContainsAny('\r', '\n') ? text.Replace("\r\n", " ").Replace('\n', ' ').Replace('\r', ' ') : text;
}
