using SinGateway.Discord;
using SinGateway.Operations;

namespace SinGateway.Tests.Operations;

public sealed class ShardPhaseNamesTests
{
    [Test]
    public async Task Every_phase_has_a_name_that_is_listed_and_every_name_a_phase() =>
        await Assert.That(Enum.GetValues<ShardPhase>().Select(ShardPhaseNames.Of).Distinct()).IsEquivalentTo(ShardPhaseNames.All);
}
