namespace SinGateway.Spooling;

/// <summary>
/// Who feeds and drains a spool. Called on the loop's thread, from where it may call the spool; never from within
/// <see cref="Spool.TryAppend"/> or <see cref="Spool.TryRead"/>.
/// </summary>
internal interface ISpoolListener
{
    /// <summary>Every record up to <paramref name="number"/> survives a crash now: it may count as settled (G14).</summary>
    void OnDurable(long number);

    /// <summary>
    /// <see cref="Spool.TryRead"/> found nothing although records were left, and is worth another call. Also when they turned out to be
    /// damaged: then the spool may be empty.
    /// </summary>
    void OnReadReady();

    /// <summary><see cref="Spool.TryAppend"/> had refused, and there is room for a good deal more again.</summary>
    void OnRoom();

    /// <summary>
    /// Nothing can be written, once for each time that it begins; appends are refused until <see cref="OnWorking"/>. Nothing that was accepted
    /// is lost: what is not durable stays in memory, is read in its turn, and is written when the disk works again.
    /// </summary>
    void OnFailed(string cause);

    /// <summary>The disk works again.</summary>
    void OnWorking();
}
