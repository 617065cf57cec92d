namespace SinGateway.Sessions;

/// <summary>What one look at the leases of some cluster indexes showed: one moment of one Redis instance.</summary>
/// <param name="RunId">Names the instance: another one after each start of Redis.</param>
/// <param name="Uptime">Of the instance, in whole seconds.</param>
/// <param name="Bot">Whose keys these are (a <see cref="BotId"/>); null while nobody has said so.</param>
/// <param name="Leases">In the order of the indexes that were asked for.</param>
internal sealed record LeaseLook(string RunId, long Uptime, string? Bot, LeaseView[] Leases);

/// <summary>One index' lease as it stands in Redis.</summary>
/// <param name="Holder">The token of its holder; null when nobody holds it.</param>
/// <param name="LastFence">The fence of the last holder, as text; empty when there was none that Redis knows.</param>
/// <param name="IsVacated">Its last holder stopped cleanly, and this instance has seen all since then.</param>
internal readonly record struct LeaseView(string? Holder, string LastFence, bool IsVacated);
