using Microsoft.Extensions.Logging;
using SinGateway.Discord;
using SinGateway.Forwarding;
using SinGateway.Generations;
using SinGateway.Loop;
using SinGateway.Sessions;
using SinGateway.Singyeong;

namespace SinGateway;

/// <summary>
/// All shards of this process, on whatever loops they are: hands each loop what concerns it, and waits until all of them have ended. Any
/// thread but for <see cref="Abandon"/>.
/// </summary>
/// <param name="loops">The shards of each loop, with the first one where <paramref name="report"/> belongs.</param>
/// <param name="report">Of all of them.</param>
/// <param name="spool">Of all of them; null without one.</param>
/// <param name="logger">Told the totals.</param>
internal sealed partial class ShardFleet(LoopShards[] loops, FleetReport report, SpoolFeed? spool, ILogger logger) : IMutedFleet
{
    private readonly ILogger _logger = logger;
    private readonly EventLoop _first = loops[0].Loop;
    private readonly long _startedAt = Environment.TickCount64;

    public bool IsReady => Array.TrueForAll(loops, loop => loop.IsReady);

    public void Start()
    {
        Post(loop => loop.Start());
        _first.Post(report.Start);
    }

    /// <summary>Keeps <see cref="IsReady"/> up to date from now on.</summary>
    public void TellWhetherReady() => Post(loop => loop.TellWhetherReady());

    public Task UnmuteAsync() => Task.WhenAll(loops.Select(loop =>
    {
        var unmuted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Loop.Post(() =>
        {
            loop.Unmute();
            unmuted.SetResult();
        });
        return unmuted.Task;
    }));

    /// <summary>Once: ends each loop's shards (<see cref="LoopShards.Stop"/>); answers what each leaves.</summary>
    public Task<FleetEnd[]> StopAsync()
    {
        _first.Post(report.Stop);
        return EndAsync((loop, stopped) => loop.Stop(stopped));
    }

    /// <summary>Once, in place of <see cref="StopAsync"/>: the same by <see cref="LoopShards.Retire"/>.</summary>
    public async Task<FleetEnd[]> RetireAsync()
    {
        _first.Post(report.Progress.Stop);
        FleetEnd[] ends = await EndAsync((loop, stopped) => loop.Retire(stopped)).ConfigureAwait(false);
        _first.Post(report.Stop);
        return ends;
    }

    /// <summary>What a <see cref="RetireAsync"/> has not forwarded yet gets ten more seconds.</summary>
    public void HurryUp() => Post(loop => loop.HurryUp());

    /// <summary>A loop must not read and write any more (<see cref="LoopShards.Abandon"/>); on its thread.</summary>
    public void Abandon(EventLoop loop)
    {
        if (loop == _first)
        {
            report.Stop();
        }

        Array.Find(loops, shards => shards.Loop == loop)!.Abandon();
    }

    /// <summary>What comes from now on goes by other rules (<see cref="LoopShards.Use"/>).</summary>
    /// <param name="routes">Makes a table of them.</param>
    /// <param name="policies">By rule.</param>
    public void Use(Func<RouteTable> routes, UnroutedPolicy[] policies)
    {
        foreach (LoopShards loop in loops)
        {
            RouteTable own = routes();
            loop.Loop.Post(() => loop.Use(own, policies));
        }
    }

    /// <summary>Lets every session show this presence.</summary>
    public void Show(ReadOnlyMemory<byte> presence) => Post(loop => loop.Show(presence));

    /// <summary>The store came back, perhaps without its data.</summary>
    public void RequireFullWrite() => Array.ForEach(loops, loop => loop.Writer.RequireFullWrite());

    /// <summary>Once, at the end: saves the last state of each loop's sessions (<see cref="SessionWriter.StopAsync"/>).</summary>
    /// <param name="ends">Of the loops.</param>
    /// <param name="state">What is to be saved of a loop's.</param>
    /// <param name="patience">Ends the waiting for the store.</param>
    public async Task SaveAsync(FleetEnd[] ends, Func<SessionRecord[], SessionRecord[]> state, CancellationToken patience)
    {
        for (int i = 0; i < loops.Length; i++)
        {
            await loops[i].Writer.StopAsync(state(ends[i].Sessions), patience).ConfigureAwait(false);
        }
    }

    private void Post(Action<LoopShards> action)
    {
        foreach (LoopShards loop in loops)
        {
            loop.Loop.Post(() => action(loop));
        }
    }

    private async Task<FleetEnd[]> EndAsync(Action<LoopShards, Action<FleetEnd>> end)
    {
        FleetEnd[] ends = await Task.WhenAll(loops.Select(loop =>
        {
            var ended = new TaskCompletionSource<FleetEnd>(TaskCreationOptions.RunContinuationsAsynchronously);
            loop.Loop.Post(() => end(loop, ended.SetResult));
            return ended.Task;
        })).ConfigureAwait(false);
        SayTotals(ends);
        return ends;
    }

    private void SayTotals(FleetEnd[] ends)
    {
        CommandCounts commands = CommandCounts.Sum(ends.Select(each => each.Commands));
        if (commands.Total > 0)
        {
            LogCommands(commands.ToString());
        }

        var totals = new FleetTotals();
        Array.ForEach(ends, each => totals.Add(each.Totals));
        LogStopped(
            totals.Events,
            totals.Forwarded,
            totals.Unrouted,
            totals.Expired,
            totals.Poisonous,
            totals.Oversized,
            totals.Unencodable,
            totals.LostToFullOutbox,
            spool?.Spooled ?? 0,
            totals.Outdated,
            totals.Identified,
            totals.Resumed,
            (Environment.TickCount64 - _startedAt) / 1000,
            GC.GetTotalAllocatedBytes());
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Commands of workers: {Counts}")]
    private partial void LogCommands(string counts);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Stopped: events={Events} forwarded={Forwarded} unrouted={Unrouted} expired={Expired} poisonous={Poisonous} oversized={Oversized} unencodable={Unencodable} outbox_full={LostToFullOutbox} spooled={Spooled} outdated={Outdated} identified={Identified} resumed={Resumed} seconds={Seconds} allocated={Allocated}")]
    private partial void LogStopped(
        long events, long forwarded, long unrouted, long expired, long poisonous, long oversized, long unencodable, long lostToFullOutbox, long spooled, long outdated,
        long identified, long resumed, long seconds, long allocated);
}
