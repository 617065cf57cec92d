using Microsoft.Extensions.Logging;

namespace SinGateway.Discord;

/// <summary>
/// Tells the operator what becomes of the bot's session starts: when they run low, when shards wait for them, and when Discord changes its
/// pace; each once, not whenever it is looked at. Times are ms of the loop's clock.
/// </summary>
internal sealed partial class IdentifyReport(ILogger logger)
{
    private const int WarningShare = 4;

    private readonly ILogger _logger = logger;
    private long? _saidReserveUntil;
    private long? _saidExtrasUntil;
    private bool _isLow;

    /// <summary>Says that a quarter or less is left, once a window.</summary>
    public void SayLow(int remaining, int total, long resetAt, long now)
    {
        bool isLow = (long)remaining * WarningShare <= total;
        if (isLow && !_isLow)
        {
            LogLow(remaining, total, MinutesUntil(resetAt, now));
        }

        _isLow = isLow;
    }

    /// <summary>Shards wait because only the reserve is left.</summary>
    public void SayReserve(int remaining, int reserve, long resetAt, long now)
    {
        if (!(now < _saidReserveUntil))
        {
            _saidReserveUntil = Math.Max(resetAt, now + SessionStartBudget.ResetGrace);
            LogReserve(remaining, reserve, MinutesUntil(resetAt, now));
        }
    }

    /// <summary>Shards wait because the day's IDENTIFYs beyond each shard's first are spent, until <paramref name="nextAt"/>.</summary>
    public void SayExtras(int allowed, int total, int waiting, long nextAt, long now)
    {
        if (!(now < _saidExtrasUntil))
        {
            // Each extra that is a day old lets one shard through, so this obstacle comes and goes: once a day is enough.
            _saidExtrasUntil = now + DailyIdentifies.Day;
            LogExtras(allowed, total, waiting, MinutesUntil(nextAt, now));
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Discord lets {Now} shards identify at a time from now on, not {Before}")]
    public partial void SayConcurrency(int now, int before);

    // Rounded up: "0 minutes" would say that it goes on now. An end that is not in sight (none is allowed at all) is a day.
    private static long MinutesUntil(long at, long now) => (Math.Clamp(at - now, 0, DailyIdentifies.Day) + 59_999) / 60_000;

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Remaining} of {Total} session starts are left for the next {Minutes} minutes: sessions were lost, or the bot was started often. Find out why before they are used up")]
    private partial void LogLow(int remaining, int total, long minutes);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Only {Remaining} session starts are left today and {Reserve} are kept in reserve: no shard identifies for {Minutes} minutes. Resumes go on.")]
    private partial void LogReserve(int remaining, int reserve, long minutes);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Sessions die young: {Allowed} IDENTIFYs (a quarter of {Total}) within a day went to shards that had identified before, which is the limit. {Waiting} shards wait, the first for {Minutes} minutes. The lines above say why sessions ended; a restart does not help.")]
    private partial void LogExtras(int allowed, int total, int waiting, long minutes);
}
