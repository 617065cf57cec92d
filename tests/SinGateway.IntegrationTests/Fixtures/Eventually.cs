namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>The one way in which these tests wait: for a condition, with a deadline that only a fault exceeds.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);

    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(50);

    /// <summary>Probes until <paramref name="isMet"/> and returns what met it.</summary>
    /// <param name="probe">Reads the state.</param>
    /// <param name="isMet">The condition on it.</param>
    /// <param name="expectation">The condition in words, for the failure.</param>
    /// <param name="explain">What the failure says of the last state.</param>
    /// <param name="deadline">Another one than usual.</param>
    public static async Task<T> HoldsAsync<T>(
        Func<Task<T>> probe, Func<T, bool> isMet, string expectation, Func<T, string> explain, TimeSpan? deadline = null)
    {
        TimeSpan limit = deadline ?? Deadline;
        long started = Environment.TickCount64;
        using PeriodicTimer timer = new(Period);
        while (true)
        {
            T state = await probe();
            if (isMet(state))
            {
                return state;
            }
            if (Environment.TickCount64 - started > limit.TotalMilliseconds)
            {
                throw new TimeoutException($"after {limit.TotalSeconds:0} s still not: {expectation}\n{explain(state)}");
            }
            await timer.WaitForNextTickAsync();
        }
    }

    public static Task HoldsAsync(Func<bool> isMet, string expectation, Func<string>? explain = null) =>
        HoldsAsync(() => Task.FromResult(isMet()), met => met, expectation, _ => explain?.Invoke() ?? "");
}
