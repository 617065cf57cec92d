namespace SinGateway.Singyeong;

/// <summary>Why a connection to 신경 ended, as far as its messages may have to do with it.</summary>
internal enum LossCause
{
    /// <summary>Nothing that was sent.</summary>
    Connection,

    /// <summary>The server failed on a message (1011): for want of a receiver, perhaps (singyeong.md, bugs).</summary>
    ServerFailed,

    /// <summary>
    /// The server cannot take a message: it answered it by an error (op 8), or closed with a code that says so. Never for want of a receiver.
    /// </summary>
    MessageRefused,
}
