using Microsoft.Extensions.Logging;
using SinGateway.Discord;
using SinGateway.Loop;
using SinGateway.Singyeong;

namespace SinGateway;

/// <summary>
/// A 신경 connection and the shards whose events it carries (G24): starts them, lets them wait while the outbox is full, and ends them so
/// that nothing is lost. Several may share a loop; none knows of the others. Belongs to the loop's thread.
/// </summary>
internal sealed partial class ShardGroup
{
    /// <summary>
    /// How long identifying and resuming wait for 신경 at the start, in ms: it might refuse us, and IDENTIFYs would be spent in vain.
    /// </summary>
    private const int BrokerPatience = 5_000;

    /// <summary>How long the outbox may take to be confirmed at the end, in ms.</summary>
    private const int FlushPatience = 10_000;

    private readonly ILogger _logger;
    private readonly CommandRouter _commands;
    private readonly Backpressure _pressure;
    private readonly LoopTimer _patienceTimer;
    private readonly SingyeongIdentity? _unmuted;
    private Action? _stopped;
    private bool _hasStarted;
    private bool _hasEnded;

    /// <param name="connection">Its number, from 0.</param>
    /// <param name="loop">Of the connection and the shards.</param>
    /// <param name="client">The connection; this group's to end.</param>
    /// <param name="forwarder">Writes into it.</param>
    /// <param name="shards">Those whose events it carries.</param>
    /// <param name="shardCount">Of the whole bot.</param>
    /// <param name="whenFull">What becomes of events that find no room for long.</param>
    /// <param name="logger">Of the connection.</param>
    /// <param name="takesCommands">Workers may send to Discord through it, by these shards only.</param>
    /// <param name="unmuted">Whom the connection is when it is to forward; null when it does so from the start (G23).</param>
    public ShardGroup(
        int connection,
        EventLoop loop,
        SingyeongClient client,
        Forwarder forwarder,
        Shard[] shards,
        int shardCount,
        WhenFull whenFull,
        ILogger logger,
        bool takesCommands = false,
        SingyeongIdentity? unmuted = null)
    {
        _unmuted = unmuted;
        forwarder.IsMuted = unmuted is not null;
        Connection = connection;
        Client = client;
        Forwarder = forwarder;
        Shards = shards;
        _logger = logger;
        _pressure = new Backpressure(loop, forwarder, shards, whenFull, logger);
        _patienceTimer = new LoopTimer(loop, OnPatienceEnded);
        client.Ready += StartShards;
        client.HasRoom += _pressure.RoomCame;
        client.Confirmed += OnConfirmed;
        Dictionary<int, Action<GatewayCommand>> senders = shards.ToDictionary(shard => shard.Id, shard => (Action<GatewayCommand>)shard.Send);
        _commands = new CommandRouter(senders, shardCount, () => loop.Now, logger);
        Action<ReadOnlySpan<byte>> receive = takesCommands ? _commands.Receive : new IgnoredCommands(logger).Receive;
        client.CommandReceived += command =>
        {
            // While muted it is not the one that a worker means: its metadata names no shards.
            if (!forwarder.IsMuted)
            {
                receive(command);
            }
        };
    }

    /// <summary>The connection's number among all of this process, from 0.</summary>
    public int Connection { get; }

    public SingyeongClient Client { get; }

    public Forwarder Forwarder { get; }

    public Shard[] Shards { get; }

    /// <summary>What is done about the room of the outbox.</summary>
    public PressurePhase Pressure => _pressure.Phase;

    /// <summary>What became of the commands of workers.</summary>
    public CommandCounts Commands => _commands.Counts;

    /// <summary>Every shard has all that Discord has sent it, and 신경 takes events.</summary>
    public bool IsReady => Client.IsReady && Array.TrueForAll(Shards, shard => shard.Phase == ShardPhase.Ready);

    /// <summary>Connects to 신경, and then, or after five seconds, the shards.</summary>
    public void Start()
    {
        Client.Connect();
        _patienceTimer.Start(BrokerPatience);
        _pressure.Start();
    }

    /// <summary>
    /// Once: ends every shard with its session alive, waits until 신경 has confirmed everything (at most ten seconds), and calls <paramref
    /// name="stopped"/>.
    /// </summary>
    public void Stop(Action stopped)
    {
        if (_hasEnded)
        {
            stopped();
            return;
        }

        _stopped = stopped;
        StopShards();
        _patienceTimer.Start(FlushPatience);
        Client.BeginBarrier();
        OnConfirmed();
    }

    /// <summary>Ends the shards with their sessions alive, and the connection, at once: what is unconfirmed is not sent.</summary>
    public void Abandon()
    {
        if (!_hasEnded)
        {
            StopShards();
            End();
        }
    }

    /// <summary>Forwards, from the next event on.</summary>
    public void Unmute()
    {
        if (Forwarder.IsMuted && !_hasEnded)
        {
            Forwarder.IsMuted = false;
            Client.Announce(_unmuted!);
        }
    }

    /// <summary>Ends the shards with their sessions; what they have sent is forwarded on. <see cref="Stop"/> follows.</summary>
    public void Retire()
    {
        if (_hasEnded)
        {
            return;
        }

        _hasStarted = true;
        _pressure.Stop();
        foreach (Shard shard in Shards)
        {
            shard.Retire();
        }

        Client.BeginBarrier();
    }

    /// <summary>Nothing is left that 신경 has not confirmed.</summary>
    public bool IsConfirmed => _hasEnded || Client.Delivery.IsConfirmed;

    private void StopShards()
    {
        _hasStarted = true;
        foreach (Shard shard in Shards)
        {
            shard.Stop();
        }

        _pressure.Stop();
    }

    /// <summary>There is enough room again, in the outbox or in the spool: who stopped reading goes on.</summary>
    public void RoomCame() => _pressure.RoomCame();

    private void StartShards()
    {
        if (_hasStarted)
        {
            return;
        }

        _hasStarted = true;
        _patienceTimer.Stop();
        foreach (Shard shard in Shards)
        {
            shard.Start();
        }
    }

    private void OnConfirmed()
    {
        if (_stopped is not null && Client.Delivery.IsConfirmed)
        {
            End();
        }
    }

    private void OnPatienceEnded()
    {
        if (_stopped is null)
        {
            LogBrokerLate();
            StartShards();
        }
        else
        {
            LogUnconfirmed(Client.Delivery.UnconfirmedBytes);
            End();
        }
    }

    private void End()
    {
        _hasEnded = true;
        (Action? stopped, _stopped) = (_stopped, null);
        _patienceTimer.Stop();
        Client.Dispose();
        stopped?.Invoke();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "신경 is not ready yet; starting the shards all the same, events wait in the outbox")]
    private partial void LogBrokerLate();

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "신경 did not confirm {Bytes} bytes within ten seconds; the next start resumes before them, so they are not lost")]
    private partial void LogUnconfirmed(long bytes);
}
