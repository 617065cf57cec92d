namespace SinGateway.Discord;

/// <summary>What is sent to Discord, by what it may cost of the limit.</summary>
internal enum SendKind
{
    /// <summary>A heartbeat that is due by HELLO's interval.</summary>
    Heartbeat,

    /// <summary>IDENTIFY or RESUME: one a connection.</summary>
    Handshake,

    /// <summary>A heartbeat that Discord asked for with opcode 1.</summary>
    Reply,

    /// <summary>What a worker wants sent.</summary>
    Command,

    /// <summary>A command with opcode 3, which has a limit of its own besides.</summary>
    Presence,
}
