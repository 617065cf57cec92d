namespace SinGateway.Tests.Generations;

/// <summary>Changes of the shard count in which everything fails, with many seeds.</summary>
public sealed class GenerationModelTests
{
    private const int Seeds = 500;
    private const int FaultySteps = 1_200;
    private const int CalmSteps = 600;

    [Test]
    public async Task Whatever_fails_meanwhile_each_event_is_forwarded_by_one_generation_at_least_and_the_change_ends()
    {
        List<string> failures = [];
        for (int seed = 0; seed < Seeds; seed++)
        {
            GenerationModel model = new(seed);
            for (int step = 0; step < FaultySteps + CalmSteps; step++)
            {
                model.Calm = step >= FaultySteps;
                model.Advance();
            }

            if (!model.HasChangedOver || model.Lost.Any())
            {
                failures.Add($"seed {seed}: {model.State}; lost {string.Join(' ', model.Lost.Take(5))}");
            }
        }

        await Assert.That(failures).IsEmpty();
    }
}
