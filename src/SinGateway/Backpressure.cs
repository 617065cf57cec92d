using Microsoft.Extensions.Logging;
using SinGateway.Discord;
using SinGateway.Loop;
using SinGateway.Singyeong;

namespace SinGateway;

/// <summary>
/// Lets the shards of a 신경 connection wait, close, go on or lose events as <see cref="OutboxPressure"/> decides, and says so. Belongs to the
/// loop's thread.
/// </summary>
internal sealed partial class Backpressure
{
    /// <summary>Between two looks at the room, in ms; that there is enough again is told at once.</summary>
    private const int Period = 1_000;

    /// <summary>Between two lines of the same kind, in ms.</summary>
    private const long LinePeriod = 60_000;

    private readonly EventLoop _loop;
    private readonly Forwarder _forwarder;
    private readonly Shard[] _shards;
    private readonly WhenFull _whenFull;
    private readonly ILogger _logger;
    private readonly LoopTimer _timer;
    private OutboxPressure _pressure;

    /// <summary>When there was no room for the first time since there was enough, in ms, and what had been lost before.</summary>
    private long _beganAt;
    private long _lostBefore;
    private bool _hasClosed;
    private long? _saidFullAt;
    private long _saidLostAt;

    public Backpressure(EventLoop loop, Forwarder forwarder, Shard[] shards, WhenFull whenFull, ILogger logger)
    {
        _loop = loop;
        _forwarder = forwarder;
        _shards = shards;
        _whenFull = whenFull;
        _logger = logger;
        _timer = new LoopTimer(loop, OnPeriodOver);
    }

    public PressurePhase Phase => _pressure.Phase;

    public void Start() => _timer.Start(Period);

    public void Stop() => _timer.Stop();

    /// <summary>There is enough room: who stopped reading goes on. May be told any number of times, and after the end.</summary>
    public void RoomCame()
    {
        if (_timer.IsRunning)
        {
            Look();
            ContinueReading();
        }
    }

    private void OnPeriodOver()
    {
        _timer.Start(Period);
        Look();
        if (_pressure.Phase == PressurePhase.Closed)
        {
            // Again each time: a shard that was about to connect when the others closed is connected by now.
            HoldBack();
        }
        else if (_pressure.Phase == PressurePhase.Dropping && _loop.Now - _saidLostAt >= LinePeriod)
        {
            _saidLostAt = _loop.Now;
            LogLosing(_forwarder.LostToFullOutbox - _lostBefore, (_loop.Now - _beganAt) / 1000);
        }
    }

    private void Look()
    {
        PressurePhase before = _pressure.Phase;
        _pressure = _pressure.Next(_forwarder.Room, _whenFull, _loop.Now);
        if (_pressure.Phase == before)
        {
            return;
        }

        _forwarder.DropsWhenFull = _pressure.Phase == PressurePhase.Dropping;
        switch (_pressure.Phase)
        {
            case PressurePhase.Full when before == PressurePhase.Flowing:
                Begin();
                break;
            case PressurePhase.Full:
                LogKeptWaiting();
                GoOn();
                break;
            case PressurePhase.Closed:
                _hasClosed = true;
                LogClosing(_shards.Length, OutboxPressure.Grace / 1000, OutboxPressure.Away / 1000);
                HoldBack();
                break;
            case PressurePhase.Dropping:
                _saidLostAt = _loop.Now;
                LogDropping();
                GoOn();
                break;
            default:
                End();
                GoOn();
                break;
        }
    }

    private void Begin()
    {
        _beganAt = _loop.Now;
        _lostBefore = _forwarder.LostToFullOutbox;
        _hasClosed = false;
        if (!_forwarder.HasSpool && (_saidFullAt is null || _loop.Now - _saidFullAt >= LinePeriod))
        {
            _saidFullAt = _loop.Now;
            LogFull(_forwarder.WaitingBytes);
        }
    }

    private void End()
    {
        long lost = _forwarder.LostToFullOutbox - _lostBefore;
        if (lost > 0)
        {
            LogFlowsWithLoss((_loop.Now - _beganAt) / 1000, lost);
        }
        else if (_hasClosed)
        {
            LogFlows((_loop.Now - _beganAt) / 1000);
        }
    }

    private void HoldBack()
    {
        foreach (Shard shard in _shards)
        {
            shard.HoldBack();
        }
    }

    /// <summary>Those that closed resume in their turn; those that only stopped reading read on.</summary>
    private void GoOn()
    {
        foreach (Shard shard in _shards)
        {
            shard.GoOn();
        }

        ContinueReading();
    }

    private void ContinueReading()
    {
        foreach (Shard shard in _shards)
        {
            shard.ContinueReading();
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The outbox is full ({Bytes} bytes): 신경 is away or slower than Discord. Shards wait; raise singyeong.outbox if this is usual.")]
    private partial void LogFull(long bytes);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The outbox has had no room for {Grace} s: {Shards} shards close their connections, keep their sessions, and resume when there is room, or in {Away} s")]
    private partial void LogClosing(int shards, long grace, long away);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The outbox still has no room: the shards resume to keep their sessions, and close again if it stays so (singyeong.whenFull: close)")]
    private partial void LogKeptWaiting();

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "The outbox still has no room: the shards resume, and events that find none are lost and counted until 신경 takes events again (singyeong.whenFull: drop)")]
    private partial void LogDropping();

    [LoggerMessage(Level = LogLevel.Error, Message = "{Lost} events were lost because the outbox has been full for {Seconds} s: 신경 is away or slower than Discord")]
    private partial void LogLosing(long lost, long seconds);

    [LoggerMessage(Level = LogLevel.Information, Message = "The outbox has room again after {Seconds} s; nothing was lost, the shards resume")]
    private partial void LogFlows(long seconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The outbox has room again after {Seconds} s, in which {Lost} events were lost")]
    private partial void LogFlowsWithLoss(long seconds, long lost);
}
