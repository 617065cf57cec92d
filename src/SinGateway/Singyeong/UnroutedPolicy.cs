using SinGateway.Forwarding;

namespace SinGateway.Singyeong;

/// <summary>What happens to a rule's dispatches that find no receiver (G9, G10).</summary>
/// <param name="Holds">They wait in their lane; else they are dropped and counted.</param>
/// <param name="HoldFor">For how long, in ms since receipt.</param>
/// <param name="Application">The target's application: one that connects is a reason to try again.</param>
/// <param name="CostsConnection">The target has <c>ops</c> and is not droppable, or a selector: the server closes with 1011 in place of an answer.</param>
internal sealed record UnroutedPolicy(bool Holds, long HoldFor, string Application, bool CostsConnection)
{
    /// <summary>
    /// The policy of a rule. On an etf connection a no_route with ops is answered; a selector over nobody fails before there is an answer to write,
    /// whatever the encoding (singyeong.md, bugs).
    /// </summary>
    public static UnroutedPolicy Of(ForwardingRule rule, SingyeongEncoding encoding) => new(
        rule.Holds,
        (long)rule.HoldFor.TotalMilliseconds,
        rule.Target.Application ?? Lane.AnyApplication,
        (rule.Target.HasOps && encoding != SingyeongEncoding.Etf) || rule.Target.HasSelector);
}
