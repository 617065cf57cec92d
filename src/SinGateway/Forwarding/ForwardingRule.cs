namespace SinGateway.Forwarding;

/// <summary>The kind of 신경 dispatch that a rule produces.</summary>
internal enum DispatchKind
{
    Send,
    Broadcast,
}

/// <summary>One entry of <c>forwarding</c>: which events go where.</summary>
/// <param name="Index">Position in the file, from 0; part of every nonce (G7).</param>
/// <param name="Kind">SEND or BROADCAST.</param>
/// <param name="Target">The routing query, its variables not yet filled in.</param>
/// <param name="Events">Event names, or the single entry <c>*</c>.</param>
/// <param name="Holds">A dispatch without a receiver waits for one (G9); else it is dropped and counted (G10).</param>
/// <param name="HoldFor">For how long it waits, since its receipt.</param>
internal sealed record ForwardingRule(
    int Index, DispatchKind Kind, TargetTemplate Target, IReadOnlyList<string> Events, bool Holds, TimeSpan HoldFor);
