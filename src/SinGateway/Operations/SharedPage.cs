namespace SinGateway.Operations;

/// <summary>
/// A page that may be long and that several connections send at once: those who ask within a moment get the same one. Its memory is used again
/// when nobody sends it any more. Belongs to the server's thread.
/// </summary>
internal sealed class SharedPage
{
    private PageBuffer _newest = new();
    private PageBuffer? _spare;
    private long? _writtenAt;

    /// <param name="time">The clock.</param>
    /// <param name="life">How long what was written is given out, in ms.</param>
    /// <param name="write">Writes into an empty buffer.</param>
    public PageBuffer Get(TimeProvider time, int life, Action<PageBuffer> write)
    {
        if (_writtenAt is { } at && time.GetElapsedTime(at).TotalMilliseconds < life)
        {
            return _newest;
        }

        if (_newest.Users > 0)
        {
            PageBuffer inUse = _newest;
            _newest = _spare is { Users: 0 } ? _spare : new PageBuffer();
            _spare = inUse;
        }

        // What a failure leaves half written is not given out.
        _writtenAt = null;
        _newest.Clear();
        write(_newest);
        _writtenAt = time.GetTimestamp();
        return _newest;
    }
}
