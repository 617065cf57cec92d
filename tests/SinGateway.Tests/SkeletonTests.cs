namespace SinGateway.Tests;

public sealed class SkeletonTests
{
    [Test]
    public async Task A_test_runs() => await Assert.That(Environment.ProcessId).IsPositive();
}
