using Microsoft.Extensions.Logging;
using SinGateway.Loop;

namespace SinGateway.Singyeong;

/// <summary>Says that 신경 gave dispatches back because nobody takes them, in few lines however many they are.</summary>
internal sealed partial class UnroutedDispatches(EventLoop loop, ILogger logger)
{
    /// <summary>The least time between two lines, in ms.</summary>
    private const int LinePeriod = 10_000;

    private long _said;
    private long _saidAt = long.MinValue / 2;

    /// <summary>Some came back.</summary>
    /// <param name="count">How many since the start.</param>
    /// <param name="nonce">Of the latest.</param>
    public void Say(long count, string nonce)
    {
        if (loop.Now - _saidAt >= LinePeriod)
        {
            LogUnrouted(logger, count - _said, nonce);
            _said = count;
            _saidAt = loop.Now;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "신경 found no receiver for {Count} dispatches since the last such line (the latest: {Nonce}); they are dropped and counted: is a worker connected?")]
    private static partial void LogUnrouted(ILogger logger, long count, string nonce);
}
