namespace SinGateway.Tests;

public sealed class StartProgressTests
{
    [Test]
    [Arguments(0, 0, "the others are connecting")]
    [Arguments(3, 0, "seconds left")]
    [Arguments(1, 5_300, "about 6 s left")]
    [Arguments(1, 119_999, "about 120 s left")]
    [Arguments(1, 120_000, "about 2 min left")]
    [Arguments(1, 7_200_001, "about 3 h left")]
    public async Task What_is_left_of_a_start_is_said_as_far_as_it_can_be_known(int waiting, long estimate, string expected) =>
        await Assert.That(StartProgress.Left(waiting, estimate)).IsEqualTo(expected);
}
