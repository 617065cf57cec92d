namespace SinGateway.Discord;

/// <summary>What the shard's owner is to do, in this order.</summary>
[Flags]
internal enum ShardActions
{
    None = 0,

    /// <summary>Close the socket with a code that leaves the session alive.</summary>
    CloseResumably = 1,

    /// <summary>Give the identify permit back unused.</summary>
    ReturnPermit = 2,

    /// <summary>Forget the session.</summary>
    DropSession = 4,

    /// <summary>Queue for a permit.</summary>
    RequestPermit = 8,

    /// <summary>Queue for a turn to connect and resume.</summary>
    RequestTurn = 16,

    /// <summary>Open a socket: to the session's resume URL, or to the base URL as <see cref="ShardState.UsesBaseUrl"/> says.</summary>
    Connect = 32,

    /// <summary>Count the IDENTIFY, and call again with the answer.</summary>
    ConfirmPermit = 64,

    SendIdentify = 128,
    SendResume = 256,

    /// <summary>Call again with <see cref="ShardInput.BackoffOver"/> after the step's delay.</summary>
    Wait = 512,

    /// <summary>Discord refuses the bot for good: stop all of it.</summary>
    GiveUp = 1024,
}

/// <summary>The next state, what to do, and for how long to wait (ms).</summary>
internal readonly record struct ShardStep(ShardState State, ShardActions Actions, long Delay = 0);
