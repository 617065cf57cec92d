using SinGateway.Discord;
using SinGateway.Sessions;

namespace SinGateway;

/// <summary>What the shards of a loop leave when they have ended.</summary>
/// <param name="sessions">Their last state, to be saved.</param>
/// <param name="totals">What they did.</param>
/// <param name="commands">What became of the commands of workers.</param>
internal sealed class FleetEnd(SessionRecord[] sessions, FleetTotals totals, CommandCounts commands)
{
    public SessionRecord[] Sessions => sessions;

    public FleetTotals Totals => totals;

    public CommandCounts Commands => commands;
}
