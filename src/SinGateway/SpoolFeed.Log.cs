using Microsoft.Extensions.Logging;

namespace SinGateway;

/// <summary>What is said of the spool's use.</summary>
internal sealed partial class SpoolFeed
{
    /// <summary>A disk that is behind for a moment is not worth a line, in ms.</summary>
    private const int SaysFullAfter = 1_000;

    /// <summary>Between two lines of the same kind, in ms.</summary>
    private const long LinePeriod = 60_000;

    private bool _saidInUse;
    private long? _saidInUseAt;
    private long _readBefore;

    /// <summary>A 신경 that is a little too slow fills and empties the spool many times a second: one line a minute is enough.</summary>
    private void SayInUse()
    {
        if (!_saidInUse && (_saidInUseAt is null || _loop.Now - _saidInUseAt >= LinePeriod))
        {
            _saidInUse = true;
            _saidInUseAt = _loop.Now;
            _readBefore = Read;
            LogInUse();
        }
    }

    private void SayEmpty()
    {
        if (_saidInUse)
        {
            _saidInUse = false;
            LogEmpty(Read - _readBefore);
        }
    }

    private void SayFull()
    {
        if (!_spool.IsFailing)
        {
            LogFull(_spool.Bytes);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The outbox is full: 신경 is away or slower than Discord. Events go to the spool on disk from now on, and from there in their order.")]
    private partial void LogInUse();

    [LoggerMessage(Level = LogLevel.Information, Message = "The spool is empty again: {Count} events went through it")]
    private partial void LogEmpty(long count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The spool is full ({Bytes} bytes), or its disk is too slow: shards wait. Raise spool.maxSize.")]
    private partial void LogFull(long bytes);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Shard {Shard}, seq {Seq}: the event has {Size} bytes, and spool and outbox take {Maximum} at most; it is {Fate} and counted. Raise singyeong.outbox and spool.maxSize.")]
    private partial void LogOversized(int shard, long seq, int size, long maximum, string fate);
}
