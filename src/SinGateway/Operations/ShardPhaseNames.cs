using SinGateway.Discord;

namespace SinGateway.Operations;

/// <summary>What operators read of a shard's phase: the <c>state</c> of metrics and status.</summary>
internal static class ShardPhaseNames
{
    public const string Ready = "ready";

    /// <summary>Every name, once.</summary>
    public static readonly string[] All = ["waiting", "connecting", "identifying", "resuming", Ready, "waiting_for_room", "backoff", "stopped"];

    public static string Of(ShardPhase phase) => phase switch
    {
        ShardPhase.Disconnected or ShardPhase.WaitingForIdentify or ShardPhase.WaitingToResume => "waiting",
        ShardPhase.Connecting or ShardPhase.AwaitingHello or ShardPhase.ConfirmingPermit => "connecting",
        ShardPhase.Identifying => "identifying",
        ShardPhase.Resuming => "resuming",
        ShardPhase.Ready => Ready,
        ShardPhase.WaitingForRoom => "waiting_for_room",
        ShardPhase.Backoff => "backoff",
        ShardPhase.Stopped => "stopped",
        _ => throw new ArgumentOutOfRangeException(nameof(phase)),
    };
}
