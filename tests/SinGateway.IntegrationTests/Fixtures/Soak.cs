using System.Globalization;

namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>
/// The tests that draw faults at random: short ones in every run, and long ones by <c>./build.sh soak</c>, which sets the variables of the
/// environment that are read here. Such a test has the category <see cref="Category"/>, takes its length and seed from here, and says both.
/// </summary>
internal static class Soak
{
    public const string Category = "Soak";

    /// <summary>SINGATEWAY_SOAK_SECONDS, or one minute.</summary>
    public static TimeSpan Duration { get; } = TimeSpan.FromSeconds(
        Environment.GetEnvironmentVariable("SINGATEWAY_SOAK_SECONDS") is { Length: > 0 } given ? double.Parse(given, CultureInfo.InvariantCulture) : 60);

    /// <summary>SINGATEWAY_SEED, or another one each time.</summary>
    public static int Seed { get; } = Environment.GetEnvironmentVariable("SINGATEWAY_SEED") is { Length: > 0 } given
        ? int.Parse(given, CultureInfo.InvariantCulture)
        : Random.Shared.Next(1, 1_000_000);

    /// <summary>
    /// How long the end of such a test may take: all that was broken has to come back, and a shard that identified in vain waits for minutes.
    /// </summary>
    public static TimeSpan Deadline { get; } = Eventually.Deadline + Duration / 2;

    /// <summary>Says something on the run's own output, past the test runner, which shows a test's output only when it fails.</summary>
    public static void Say(string text)
    {
        using StreamWriter output = new(Console.OpenStandardOutput());
        output.Write($"{text}\n");
    }
}
