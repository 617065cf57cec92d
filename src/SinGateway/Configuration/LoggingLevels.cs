using Microsoft.Extensions.Logging;

namespace SinGateway.Configuration;

/// <summary>The level names of the Python program, in any case.</summary>
internal static class LoggingLevels
{
    /// <summary>All names, for messages.</summary>
    public const string Names = "CRITICAL, ERROR, WARNING, INFO or DEBUG";

    public static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Critical => "CRITICAL",
        LogLevel.Error => "ERROR",
        LogLevel.Warning => "WARNING",
        LogLevel.Information => "INFO",
        _ => "DEBUG",
    };

    public static bool TryParse(string name, out LogLevel level)
    {
        LogLevel? known = name.ToUpperInvariant() switch
        {
            "CRITICAL" => LogLevel.Critical,
            "ERROR" => LogLevel.Error,
            "WARNING" => LogLevel.Warning,
            "INFO" => LogLevel.Information,
            "DEBUG" => LogLevel.Debug,
            _ => null,
        };
        level = known ?? LogLevel.Information;
        return known is not null;
    }
}
