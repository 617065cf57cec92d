using SinGateway.Singyeong;
using SinGateway.Tests.Configuration;

namespace SinGateway.Tests.Singyeong;

/// <summary>By which targets 신경 ends the connection in place of saying no_route (singyeong.md, bugs).</summary>
public sealed class UnroutedPolicyTests
{
    [Test]
    [Arguments("{application: w}", SingyeongEncoding.Json, false)]
    [Arguments("{application: w, ops: [], selector: ~}", SingyeongEncoding.Json, false)]
    [Arguments("{application: w, ops: [{path: /a, op: $eq, to: {value: 1}}]}", SingyeongEncoding.Json, true)]
    [Arguments("{application: w, ops: [{path: /a, op: $eq, to: {value: 1}}]}", SingyeongEncoding.Msgpack, true)]
    [Arguments("{application: w, ops: [{path: /a, op: $eq, to: {value: 1}}]}", SingyeongEncoding.Etf, false)]
    [Arguments("{application: w, selector: {$min: /load}}", SingyeongEncoding.Json, true)]
    [Arguments("{application: w, selector: {$min: /load}}", SingyeongEncoding.Etf, true)]
    internal async Task Ops_and_selectors_cost_the_connection_when_nobody_matches(string target, SingyeongEncoding encoding, bool costs)
    {
        UnroutedPolicy policy = UnroutedPolicy.Of(Sample.Load(Sample.With(5, $"  target: {target}")).Configuration!.Forwarding[0], encoding);

        await Assert.That(policy).IsEqualTo(new UnroutedPolicy(true, 60_000, "w", costs));
    }
}
