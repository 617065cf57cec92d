namespace SinGateway.Singyeong;

/// <summary>How long to wait before the next connection to 신경: 100 ms, doubled with each failure up to ten seconds, with jitter.</summary>
internal sealed class ReconnectBackoff(Random random)
{
    private const int First = 100;
    private const int Maximum = 10_000;

    /// <summary>Connections since the last one that got something done.</summary>
    public int Failures { get; private set; }

    /// <summary>
    /// Only progress proves a connection good: one that dies on the same message again and again must be retried ever more slowly.
    /// </summary>
    public void Forgive() => Failures = 0;

    /// <summary>
    /// A connection ended; answers the ms to wait. The first try after one that worked goes at once; then jitter between a tenth of the
    /// ceiling and all of it.
    /// </summary>
    public int Next(bool wasReady)
    {
        int ceiling = Math.Min(Maximum, First << Math.Min(Failures, 10));
        int delay = wasReady && Failures == 0 ? 0 : random.Next(ceiling / 10, ceiling);
        Failures++;
        return delay;
    }
}
