namespace SinGateway.Tests.Sessions;

/// <summary>Who forwards, whatever happens to processes and Redis (G18, G19), for many seeds.</summary>
public sealed class LeaseModelTests
{
    private const int Seeds = 100;
    private static readonly TimeSpan Trouble = TimeSpan.FromMinutes(20);

    /// <summary>Longer than a standstill, an absence and a takeover after each other.</summary>
    private static readonly TimeSpan Peace = TimeSpan.FromSeconds(150);

    [Test]
    [Arguments(2)]
    [Arguments(4)]
    public async Task Two_strict_processes_never_forward_for_one_shard(int members)
    {
        int takes = 0;
        for (int seed = 0; seed < Seeds; seed++)
        {
            LeaseModel model = new(seed, isStrict: true, members);
            await Assert.That(model.Run(Trouble, faults: true)).IsNull().Because($"seed {seed}");
            await Assert.That(model.Run(Peace, faults: false)).IsNull().Because($"seed {seed}");
            await Assert.That(model.Forwarding).IsEqualTo(1).Because($"seed {seed}: somebody forwards in the end");
            takes += model.Takes;
        }

        await Assert.That(takes).IsGreaterThan(Seeds * 10);
    }

    [Test]
    [Arguments(2)]
    [Arguments(4)]
    public async Task Two_processes_forward_for_one_shard_only_while_the_older_one_runs_and_cannot_reach_Redis(int members)
    {
        int takes = 0;
        int doubles = 0;
        for (int seed = 0; seed < Seeds; seed++)
        {
            LeaseModel model = new(seed, isStrict: false, members);
            await Assert.That(model.Run(Trouble, faults: true)).IsNull().Because($"seed {seed}");
            await Assert.That(model.Run(Peace, faults: false)).IsNull().Because($"seed {seed}");
            await Assert.That(model.Forwarding).IsEqualTo(1).Because($"seed {seed}: somebody forwards in the end");
            takes += model.Takes;
            doubles += model.Doubles;
        }

        await Assert.That(takes).IsGreaterThan(Seeds * 10);
        await Assert.That(doubles).IsGreaterThan(0).Because("else the rule was not put to the test");
    }
}
