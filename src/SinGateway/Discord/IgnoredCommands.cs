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
        Message = "A client of 신경 sent a command to this gateway; ignored, as all that follow: workers may send them with commands.enabled: true")]
    private partial void LogIgnored();
}
