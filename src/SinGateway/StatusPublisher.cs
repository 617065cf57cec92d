using SinGateway.Discord;
using SinGateway.Forwarding;
using SinGateway.Loop;
using SinGateway.Operations;
using SinGateway.Spooling;

namespace SinGateway;

/// <summary>
/// Tells the status board once a second that the loops turn, and how everything on them stands: a snapshot goes from loop to loop, and each
/// writes its part (<see cref="StatusPart"/>). Nothing else of the gateway knows that it is watched. Allocates next to nothing. Belongs to the
/// first loop's thread.
/// </summary>
internal sealed class StatusPublisher
{
    private const int Period = 1_000;

    private readonly EventLoop _loop;
    private readonly StatusBoard _board;
    private readonly int _cluster;
    private readonly LoopShards[] _loops;
    private readonly StatusPart[] _parts;
    private readonly LoopTour _tour;
    private readonly IIdentifyQueue _identifies;
    private readonly Spool? _spool;
    private readonly LoopTimer _timer;
    private readonly RateHistory _history = new();

    /// <param name="board">Where snapshots go.</param>
    /// <param name="cluster">Which it is.</param>
    /// <param name="loops">All of this process.</param>
    /// <param name="identifies">Of all shards.</param>
    /// <param name="spool">Of all groups; null without one.</param>
    /// <param name="takesCommands">Workers may send to Discord.</param>
    public StatusPublisher(StatusBoard board, int cluster, LoopShards[] loops, IIdentifyQueue identifies, Spool? spool, bool takesCommands)
    {
        _loop = loops[0].Loop;
        _board = board;
        _cluster = cluster;
        _loops = loops;
        _identifies = identifies;
        _spool = spool;
        _parts = new StatusPart[loops.Length];
        int shards = 0;
        for (int i = 0; i < loops.Length; i++)
        {
            _parts[i] = new StatusPart(loops[i], shards, takesCommands);
            shards += loops[i].Groups.Sum(group => group.Shards.Length);
        }

        // What is written on another loop is seen there and here, since a post hands it on.
        _tour = new LoopTour(loops.Select(each => each.Loop), index => _parts[index].AddTo(_board.Write()), Finish);
        _timer = new LoopTimer(_loop, Publish);
        Begin();
    }

    /// <summary>The same on all loops, but while a reload is on its way.</summary>
    private RouteTable Routes => _loops[0].Groups[0].Forwarder.Routes;

    public void Start() => Publish();

    private void Begin() => _board.Begin(() => new StatusSnapshot(
        _board.Process,
        _loops.Sum(loop => loop.Groups.Sum(group => group.Shards.Length)),
        _loops.Sum(loop => loop.Groups.Length),
        Routes.Rules));

    private void Publish()
    {
        _timer.Start(Period);
        if (_tour.IsUnderWay)
        {
            // A loop stands still. The board notices that nothing comes.
            return;
        }

        if (_board.Write().Rules.Length != Routes.Rules)
        {
            // The rules were reloaded.
            Begin();
        }

        StatusSnapshot snapshot = _board.Write();
        snapshot.Cluster = _cluster;
        snapshot.ShardCount = _loops[0].Settings.ShardCount;
        snapshot.EventLatency.Clear();
        snapshot.BarrierTime.Clear();
        snapshot.IdentifyWait.Clear();
        snapshot.SaveTime.Clear();
        snapshot.Rules.AsSpan().Clear();
        snapshot.EventCounts.AsSpan().Clear();
        snapshot.Closes.AsSpan().Clear();
        snapshot.Totals = default;
        snapshot.ReadyShards = 0;
        snapshot.Commands = null;
        _tour.Start();
    }

    private void Finish()
    {
        StatusSnapshot snapshot = _board.Write();
        snapshot.Shards.AsSpan().Sort(static (one, other) => one.Id - other.Id);
        snapshot.SessionStarts = SessionStarts();
        TellSpool(snapshot);
        snapshot.Rates = _history.Next(_loop.Now, snapshot.Totals);
        _board.Publish();
    }

    private void TellSpool(StatusSnapshot snapshot)
    {
        if (_spool is not null)
        {
            snapshot.Spool = new SpoolStatus { Bytes = _spool.Bytes, Limit = _spool.MaximumBytes, Waiting = _spool.Unread, Failing = _spool.IsFailing };
            StatusTotals totals = snapshot.Totals;
            totals.Lost = totals.Lost with { Poison = totals.Lost.Poison + _spool.Lost };
            snapshot.Totals = totals;
        }
    }

    private BudgetStatus SessionStarts()
    {
        SessionStarts? starts = _identifies.Starts;
        return new BudgetStatus
        {
            Known = starts is not null,
            Total = starts?.Total ?? 0,
            Remaining = starts?.Remaining ?? 0,
            Reserve = starts?.Reserve ?? 0,
            ResetIn = starts?.ResetIn ?? 0,
            Waiting = _identifies.Waiting,
            LastPermitIn = _identifies.EstimatedWait,
        };
    }
}
