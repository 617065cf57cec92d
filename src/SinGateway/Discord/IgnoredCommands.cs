using Microsoft.Extensions.Logging;

namespace SinGateway.Discord;

/// <summary>Stands for <see cref="CommandRouter"/> where workers may send no commands: says once how to change that.</summary>
internal sealed partial class IgnoredCommands(ILogger logger)
{
    private bool _said;

    /// <param name="payload">Not looked at.</param>
    public void Receive(ReadOnlySpan<byte> payload)
    {
        if (!_said)
        {
            _said = true;
            LogIgnored();
        }
    }

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "A client of 신경 sent something to this gateway; it is ignored, as all that follows. With commands.enabled: true workers may send commands to Discord")]
    private partial void LogIgnored();
}
