using Microsoft.Extensions.Logging;
using SinGateway.Loop;
using SinGateway.Sessions;

namespace SinGateway.Discord;

/// <summary>
/// One shard: carries out what <see cref="ShardLife"/> decides. It outlives its connections, of which it has one at a time, and keeps the
/// session between them. Belongs to the loop's thread.
/// </summary>
internal sealed partial class Shard
{
    /// <summary>
    /// Any code but 1000 and 1001 leaves the session alive (https://docs.discord.com/developers/events/gateway#initiating-a-disconnect).
    /// </summary>
    public const ushort ResumableClose = 4000;

    /// <summary>Ends the session: Discord need not keep it for minutes.</summary>
    private const ushort FinalClose = 1000;

    /// <summary>
    /// The close code of a session whose authentication was revoked, or of a payload before IDENTIFY, which is not sent here.
    /// </summary>
    private const int NotAuthenticated = 4003;

    private readonly ShardSettings _settings;
    private readonly ILogger _logger;
    private readonly LoopTimer _backoff;
    private readonly Action _turnCame;
    private ShardConnection? _connection;
    private ushort _closeCode = ResumableClose;
    private ShardState _state;
    private (Session? Session, long Seq) _tooLargeAfter;
    private long _permitAskedAt;
    private long _lastEventAt;
    private DeafnessWatch _deafness;
    private CommandQueue? _commands;
    private LoopTimer? _commandTimer;

    /// <summary>What the session was last told to show; a session of an earlier process shows what it was told then.</summary>
    private ReadOnlyMemory<byte> _shown;
    private bool _isPresenceLost;

    /// <param name="id">From 0.</param>
    /// <param name="settings">Shared by all shards.</param>
    /// <param name="receiver">Takes its events.</param>
    /// <param name="stored">A session of an earlier process to be resumed, or null.</param>
    public Shard(int id, ShardSettings settings, IDispatchReceiver receiver, Session? stored)
    {
        Id = id;
        Receiver = receiver;
        _settings = settings;
        _logger = settings.Logger;
        Session = stored;
        _shown = settings.Presence;
        SessionSince = PhaseSince = settings.Loop.Now;
        _state = ShardState.Initial(stored is not null);
        _backoff = new LoopTimer(settings.Loop, () => Signal(new ShardSignal(ShardInput.BackoffOver)));
        _turnCame = () => Signal(new ShardSignal(ShardInput.TurnCame));
    }

    public int Id { get; }

    public IDispatchReceiver Receiver { get; }

    public ShardPhase Phase => _state.Phase;

    /// <summary>Discord has accepted the RESUME: missed events arrive.</summary>
    public bool IsReplaying => _state.IsReplaying;

    /// <summary>Null before the first READY and after the session's end.</summary>
    public Session? Session { get; private set; }

    /// <summary>Milliseconds since the epoch; 0 before the first.</summary>
    public long LastHeartbeat { get; private set; }

    /// <summary>Milliseconds since the epoch; 0 before the first.</summary>
    public long LastHeartbeatAck { get; private set; }

    /// <summary>Milliseconds from the last heartbeat to its ack.</summary>
    public long Latency { get; private set; }

    public long Identified { get; private set; }

    public long Resumed { get; private set; }

    /// <summary>RESUMEs that were sent in vain.</summary>
    public long ResumesFailed { get; private set; }

    /// <summary>Sessions that Discord would not go on with.</summary>
    public long SessionsLost { get; private set; }

    /// <summary>Since when it is in its phase, in the loop's ms.</summary>
    public long PhaseSince { get; private set; }

    /// <summary>When the session began, or was taken over from an earlier process, in the loop's ms.</summary>
    public long SessionSince { get; private set; }

    /// <summary>Events that came, READY and RESUMED excepted.</summary>
    public long Events { get; private set; }

    /// <summary>Of them, those that Discord sent again after a RESUME.</summary>
    public long Replayed { get; private set; }

    /// <summary>When the last of them came, in the loop's ms; null before the first.</summary>
    public long? LastEventAt => Events > 0 ? _lastEventAt : null;

    /// <summary>Connections that ended because their compressed stream was broken.</summary>
    public long BrokenStreams { get; private set; }

    /// <summary>It hears no events though its heartbeats are acknowledged, and has been reported for it.</summary>
    public bool IsDeaf => _deafness.IsDeaf;

    /// <summary>It was given a command since its start.</summary>
    public bool HasCommands => _commands is not null;

    public void Start() => Signal(new ShardSignal(ShardInput.Start));

    public void Stop() => Signal(new ShardSignal(ShardInput.Stop));

    /// <summary>Stops, and ends the session at Discord.</summary>
    public void Retire()
    {
        _closeCode = FinalClose;
        Stop();
    }

    /// <summary>
    /// The receiver has had no room for a while: closes the connection and keeps the session until <see cref="GoOn"/>. May be said again to
    /// a shard that was not connected before.
    /// </summary>
    public void HoldBack() => Signal(new ShardSignal(ShardInput.HeldBack));

    /// <summary>Comes back after <see cref="HoldBack"/>, in its turn.</summary>
    public void GoOn() => Signal(new ShardSignal(ShardInput.RoomCame));

    /// <summary>Goes on after the receiver had no room.</summary>
    public void ContinueReading() => _connection?.ContinueReading();

    /// <summary>What happened to the connection or the queue; calls of an ended connection are its own to suppress.</summary>
    public void Signal(in ShardSignal signal, string cause = "")
    {
        bool hadSocket = _state.HasSocket;
        ShardPhase before = _state.Phase;
        ShardStep step = ShardLife.Next(_state, signal, _settings.Loop.Now, _settings.Random);
        _state = step.State;
        Note(before, signal.Input);
        if (hadSocket && !_state.HasSocket && signal.Input is not (ShardInput.Stop or ShardInput.HeldBack))
        {
            LogDisconnected(Id, cause, Plan(step));
            _settings.Faults?.Add("shard", $"Shard {Id} lost its connection: {cause}");
        }

        if (signal.CloseCode == NotAuthenticated && _settings.Revoked.Add(Id, _settings.Loop.Now))
        {
            LogRevoked();
        }

        Carry(step, signal.CloseCode);
        if (_state.Phase == ShardPhase.Ready)
        {
            SendCommands();
        }
    }

    /// <summary>Sends a command when the shard is ready and the limits allow it, in turn; the command is told what became of it.</summary>
    public void Send(GatewayCommand command)
    {
        if (_state.Phase == ShardPhase.Stopped)
        {
            command.Finish(CommandResult.Expired);
            return;
        }

        _commands ??= new CommandQueue();
        _commandTimer ??= new LoopTimer(_settings.Loop, SendCommands);
        _commands.Add(command, _settings.Loop.Now);
        SendCommands();
    }

    /// <summary>Goes on with the commands that wait, as something changed that may have kept them back.</summary>
    public void SendCommands()
    {
        if (_commands is null)
        {
            return;
        }

        _commands.Advance(_settings.Loop.Now);
        if (_state.Phase == ShardPhase.Ready)
        {
            _connection!.SendCommands(_commands);
        }

        if (_commands.IsEmpty)
        {
            _commandTimer!.Stop();
        }
        else
        {
            _commandTimer!.Start(_commands.NextAt - _settings.Loop.Now);
        }
    }

    /// <summary>Discord refused one of this shard's commands: RATE_LIMITED.</summary>
    public void HoldCommands(RateLimitedPayload limit) => _commands?.Hold(limit, _settings.Loop.Now);

    /// <summary>An event came that is neither READY nor RESUMED.</summary>
    public void CountEvent()
    {
        Events++;
        _lastEventAt = _settings.Loop.Now;
        Replayed += _state.Phase == ShardPhase.Resuming ? 1 : 0;
    }

    /// <summary>READY: a new session begins.</summary>
    public void BeginSession(string sessionId, string? resumeUrl)
    {
        Session = new Session(Id, sessionId, resumeUrl, GatewayMessage.NoSeq);
        SessionSince = _settings.Loop.Now;
        Identified++;
        Signal(new ShardSignal(ShardInput.Ready));
        LogReady(Id);
        ShowPresence();
    }

    /// <summary>RESUMED: the old session goes on, and what it missed has arrived.</summary>
    public void ContinueSession()
    {
        Resumed++;
        Signal(new ShardSignal(ShardInput.Resumed));
        LogResumed(Id);
        ShowPresence();
    }

    /// <summary>
    /// Sends opcode 3, within the limits, if the session shows another presence than it should. A shard that is not ready does so when it
    /// is.
    /// </summary>
    public void ShowPresence()
    {
        if (_state.Phase != ShardPhase.Ready || (!_isPresenceLost && _shown.Equals(_settings.Presence)))
        {
            return;
        }

        _shown = _settings.Presence;
        _isPresenceLost = false;
        ReadOnlySpan<byte> presence = _shown.IsEmpty ? GatewayPayloads.PlainPresence : _shown.Span;
        Send(GatewayCommand.TryCreate(GatewayOpcode.PresenceUpdate, presence, result => _isPresenceLost = result != CommandResult.Sent)!);
    }

    /// <summary>
    /// A message above the limit ends the connection; when it comes again after the same seq, it would for ever, and ends the session
    /// (G26).
    /// </summary>
    public void MessageTooLarge()
    {
        long seq = Session?.Received ?? GatewayMessage.NoSeq;
        bool again = Session is not null && _tooLargeAfter == (Session, seq);
        _tooLargeAfter = (Session, seq);
        Signal(new ShardSignal(again ? ShardInput.SessionInvalid : ShardInput.Unreadable), "a message is larger than 64 MiB");
    }

    /// <summary>The compressed stream cannot be read on: the connection ends, and its session is resumed over a new one.</summary>
    public void StreamBroken(string cause)
    {
        BrokenStreams++;
        Signal(new ShardSignal(ShardInput.Unreadable), cause);
    }

    public void BeatSent() => LastHeartbeat = _settings.Loop.UnixNow;

    /// <param name="latency">From the heartbeat to its ack, in ms.</param>
    /// <param name="interval">Between heartbeats, in ms.</param>
    public void BeatAcknowledged(long latency, int interval)
    {
        LastHeartbeatAck = _settings.Loop.UnixNow;
        Latency = latency;
        if (_state.Phase == ShardPhase.Ready)
        {
            Listen(interval);
        }
    }

    /// <summary>
    /// Reports deafness, and tries a resume against it, once, where guilds should be heard: Discord then sends what it believes to have
    /// sent, or says that the session is invalid.
    /// </summary>
    private void Listen(int interval)
    {
        Hearing hearing = _deafness.Acknowledged(Events, interval, _settings.Loop.Now);
        long minutes = _deafness.Silence / 60_000;
        if (hearing == Hearing.StillDeaf)
        {
            LogStillDeaf(Id, minutes);
        }
        else if (hearing == Hearing.Deaf)
        {
            bool expectsGuilds = (_settings.Intents & ~Intents.BesidesGuilds) != 0;
            long usual = (_deafness.UsualGap(interval) + 999) / 1000;
            string plan = expectsGuilds ? "its session is resumed once" : "the intents promise no events of guilds, so nothing is done";
            LogDeaf(Id, minutes, usual, plan);
            if (expectsGuilds)
            {
                Signal(new ShardSignal(ShardInput.TimedOut), $"no event for {minutes} minutes");
            }
        }
    }

    /// <summary>Counts what a step means to who watches.</summary>
    private void Note(ShardPhase before, ShardInput input)
    {
        long now = _settings.Loop.Now;
        if (_state.Phase != before)
        {
            PhaseSince = now;
            bool isOver = before == ShardPhase.Resuming && _state.Phase != ShardPhase.Ready;
            ResumesFailed += isOver && input is not (ShardInput.Stop or ShardInput.HeldBack or ShardInput.ReconnectRequested) ? 1 : 0;
        }

        if (input == ShardInput.PermitGranted && before == ShardPhase.WaitingForIdentify)
        {
            _settings.Counts.IdentifyWait.Observe((now - _permitAskedAt) * 1_000);
        }
    }

    private void Carry(in ShardStep step, int closeCode)
    {
        ShardActions actions = step.Actions;
        if (!step.State.HasSocket || Has(actions, ShardActions.CloseResumably | ShardActions.Connect))
        {
            _connection?.End(_closeCode);
            _connection = null;
        }

        if (Has(actions, ShardActions.ReturnPermit) || _state.Phase == ShardPhase.Stopped)
        {
            _settings.Identifies.Return(Id);
        }

        if (Has(actions, ShardActions.DropSession))
        {
            Session = null;
            SessionsLost++;
        }

        if (Has(actions, ShardActions.RequestPermit))
        {
            _permitAskedAt = _settings.Loop.Now;
            _settings.Identifies.Request(Id, () => Signal(new ShardSignal(ShardInput.PermitGranted)));
        }

        if (Has(actions, ShardActions.RequestTurn))
        {
            _settings.Turns.Request(_turnCame);
        }

        if (Has(actions, ShardActions.Connect))
        {
            _connection = new ShardConnection(this, _settings, _state.UsesBaseUrl && _settings.GatewayUrl is not null ? null : Session?.ResumeUrl);
            _connection.Open();
        }

        if (Has(actions, ShardActions.ConfirmPermit))
        {
            _settings.Identifies.Spend(Id, confirmed => Signal(
                new ShardSignal(confirmed ? ShardInput.PermitConfirmed : ShardInput.PermitDenied),
                confirmed ? "" : "the IDENTIFY could not be counted, or came too late"));
        }

        if (Has(actions, ShardActions.SendIdentify))
        {
            _shown = _settings.Presence;
            _isPresenceLost = false;
            _connection!.SendIdentify();
        }

        if (Has(actions, ShardActions.SendResume))
        {
            _connection!.SendResume();
        }

        if (Has(actions, ShardActions.Wait))
        {
            _backoff.Start(step.Delay);
        }

        if (Has(actions, ShardActions.GiveUp))
        {
            _settings.GiveUp(closeCode);
        }

        if (_state.Phase == ShardPhase.Stopped)
        {
            _backoff.Stop();
            _commandTimer?.Stop();
            _commands?.Clear();
        }
    }

    private static bool Has(ShardActions actions, ShardActions wanted) => (actions & wanted) != 0;

    private static string Plan(in ShardStep step) => step.State.Phase switch
    {
        ShardPhase.Stopped => "giving up",
        ShardPhase.WaitingForIdentify => "waiting to identify",
        ShardPhase.Backoff => $"{(step.State.HasSession ? "resuming" : "identifying")} in {step.Delay} ms",
        _ => "resuming at once",
    };

    [LoggerMessage(Level = LogLevel.Information, Message = "Shard {Shard} is ready with a new session")]
    private partial void LogReady(int shard);

    [LoggerMessage(Level = LogLevel.Information, Message = "Shard {Shard} has resumed its session")]
    private partial void LogResumed(int shard);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Discord ends the sessions of several shards with 4003: the token was reset, or a privileged intent was switched off. The shards identify again; if Discord then refuses for good, the reason follows.")]
    private partial void LogRevoked();

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Shard {Shard} has had no event for {Minutes} minutes though Discord acknowledges its heartbeats; usual is one in {Usual} s or less: {Plan}")]
    private partial void LogDeaf(int shard, long minutes, long usual, string plan);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Shard {Shard} still has no event, for {Minutes} minutes now; nothing more is done until one comes. If its guilds are active, compare the intents with what the Developer Portal allows")]
    private partial void LogStillDeaf(int shard, long minutes);

    [LoggerMessage(Level = LogLevel.Information, Message = "Shard {Shard} lost its connection: {Cause}; {Plan}")]
    private partial void LogDisconnected(int shard, string cause, string plan);
}
