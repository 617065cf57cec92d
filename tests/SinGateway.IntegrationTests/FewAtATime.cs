using TUnit.Core.Interfaces;

namespace SinGateway.IntegrationTests;

/// <summary>
/// Most of these tests wait most of the time: a few may do so side by side. Those that load the machine are [NotInParallel].
/// </summary>
internal sealed class FewAtATime : IParallelLimit
{
    public int Limit => 4;
}
