using Microsoft.Extensions.Logging;
using SinGateway.Loop;

namespace SinGateway.Singyeong;

/// <summary>Counts the dispatches that 신경 gave back because nobody takes them, and says so in few lines however many they are.</summary>
internal sealed partial class UnroutedDispatches(EventLoop loop, ILogger logger)
{
    /// <summary>The least time between two lines, in ms.</summary>
    private const int LinePeriod = 10_000;

    private long _said;
    private long _saidAt = long.MinValue / 2;

    public long Count { get; private set; }

    /// <summary>One came back. <paramref name="packet"/> is the no_route that gives it back.</summary>
    public void Add(in SingyeongPacket packet)
    {
        Count++;
        if (loop.Now - _saidAt >= LinePeriod)
        {
            LogUnrouted(logger, Count - _said, packet.UnroutedNonce());
            _said = Count;
            _saidAt = loop.Now;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "신경 found no receiver for {Count} dispatches since the last such line (the latest: {Nonce}); they are dropped and counted: is a worker connected?")]
    private static partial void LogUnrouted(ILogger logger, long count, string nonce);
}
