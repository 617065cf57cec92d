namespace SinGateway.Singyeong;

/// <summary>How a connection comes to say something else of itself.</summary>
internal sealed partial class SingyeongClient
{
    /// <summary>
    /// Connects anew as <paramref name="identity"/>, of the same encoding: what an UPDATE_METADATA says can get lost (singyeong.md, bugs).
    /// What is added meanwhile waits.
    /// </summary>
    public void Announce(SingyeongIdentity identity)
    {
        _identity = Binary is null ? identity : identity.In(Binary);
        if (_socket is not null)
        {
            _socket.Close(NormalClose);
            _socket = null;
            IsReady = false;
            StopTimers();
            Delivery.Lose(LossCause.Connection);
            Times.Lost();
            Connect();
        }
    }
}
