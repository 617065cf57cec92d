using Microsoft.Extensions.Logging;
using SinGateway.Configuration;

namespace SinGateway;

/// <summary>
/// Reads the configuration file again while the gateway runs, and lets it take over what can change without touching a session. A file with
/// an error changes nothing. Says what changed, and what has to wait for a restart. Any thread but a loop's.
/// </summary>
/// <param name="file">The configuration file.</param>
/// <param name="running">What was read from it at the start.</param>
/// <param name="level">What the command line says in place of the file's level, for the whole run; null when it says nothing.</param>
/// <param name="environment">The value of an environment variable, null when it is not set.</param>
/// <param name="use">Takes what is used from now on; called once at a time.</param>
/// <param name="logger">Told everything.</param>
internal sealed partial class ConfigurationReload(
    string file, GatewayConfiguration running, LogLevel? level, Func<string, string?> environment, Action<GatewayConfiguration> use, ILogger logger)
{
    private readonly Lock _oneAtATime = new();
    private readonly LogLevel? _level = level;
    private GatewayConfiguration _running = running with { LoggingLevel = level ?? running.LoggingLevel };

    public void Reload()
    {
        lock (_oneAtATime)
        {
            ConfigurationResult loaded = ConfigurationFile.Load(file, environment);
            if (loaded.Configuration is not { } configuration)
            {
                Refuse(loaded.Errors);
                return;
            }

            foreach (ConfigurationProblem warning in loaded.Warnings)
            {
                logger.LogWarning("{Warning}", warning);
            }

            Take(configuration with { LoggingLevel = _level ?? configuration.LoggingLevel });
        }
    }

    private void Refuse(IReadOnlyList<ConfigurationProblem> errors)
    {
        foreach (ConfigurationProblem error in errors)
        {
            logger.LogError("{Error}", error);
        }

        LogRefused(file, errors.Count);
    }

    private void Take(GatewayConfiguration configuration)
    {
        // The file was checked against the application that it names; until a restart we are still the former one (G12).
        string own = _running.Singyeong.ApplicationId;
        if (configuration.Forwarding.Any(rule => rule.Target.Application == own))
        {
            LogOwnApplication(file, own);
            return;
        }

        ConfigurationChanges changes = ConfigurationChanges.Between(_running, configuration);
        if (changes.AtRestart.Count > 0)
        {
            LogAtRestart(file, string.Join(", ", changes.AtRestart));
        }

        if (changes.Live.Count > 0)
        {
            bool hasRules = changes.Live.Any(key => key.StartsWith("forwarding", StringComparison.Ordinal));
            bool hasPresence = changes.Live.Contains("discord.presence");
            _running = _running with
            {
                Forwarding = hasRules ? configuration.Forwarding : _running.Forwarding,
                Presence = hasPresence ? configuration.Presence : _running.Presence,
                LoggingLevel = configuration.LoggingLevel,
            };
            use(_running);
            LogReloaded(file, string.Join(", ", changes.Live));
        }
        else if (changes.IsEmpty)
        {
            LogUnchanged(file);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Reloaded {File}; changed from now on: {Keys}")]
    private partial void LogReloaded(string file, string keys);

    [LoggerMessage(Level = LogLevel.Information, Message = "Reloaded {File}; nothing in it has changed")]
    private partial void LogUnchanged(string file);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{File} has changes that need a restart, until which the former values are used: {Keys}")]
    private partial void LogAtRestart(string file, string keys);

    [LoggerMessage(Level = LogLevel.Error, Message = "{File} is not reloaded and nothing changes, because it has errors ({Count}): correct them and reload again")]
    private partial void LogRefused(string file, int count);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "{File} is not reloaded and nothing changes: a rule's target is {Application}, which is this gateway's own application until a restart, so events would come back to it. Restart, or name another application")]
    private partial void LogOwnApplication(string file, string application);
}
