using System.Collections.Concurrent;

namespace SinGateway.Sandbox.Discord;

/// <summary>
/// All members of a guild may be asked for once in 30 s
/// (https://docs.discord.com/developers/events/gateway-events#request-guild-members).
/// </summary>
internal sealed class MemberRequests
{
    private const long Interval = 30_000;

    private readonly ConcurrentDictionary<string, long> _served = new();

    /// <summary>Zero when the request is served; else how long to wait before the next one.</summary>
    public TimeSpan Take(string guild)
    {
        long now = Environment.TickCount64;
        if (_served.TryGetValue(guild, out long last) && now - last < Interval)
        {
            return TimeSpan.FromMilliseconds(Interval - (now - last));
        }
        _served[guild] = now;
        return TimeSpan.Zero;
    }
}
