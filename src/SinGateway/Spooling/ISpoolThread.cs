namespace SinGateway.Spooling;

/// <summary>Where file operations run: the thread pool, or a test that decides when.</summary>
internal interface ISpoolThread
{
    /// <summary>
    /// Executes <paramref name="work"/> off the loop, then calls <paramref name="completed"/> on the loop. At most one at a time.
    /// </summary>
    void Run(ISpoolWork work, Action completed);
}
