namespace SinGateway.Discord;

/// <summary>What became of a command.</summary>
internal enum CommandResult
{
    /// <summary>Handed to the socket of a ready shard; Discord confirms no command.</summary>
    Sent,

    /// <summary>Longer than Discord takes (<see cref="GatewayCommand.MaximumSize"/>).</summary>
    TooLarge,

    /// <summary>It waited too long, or its shard stopped.</summary>
    Expired,

    /// <summary>Too many commands wait for this shard.</summary>
    QueueFull,

    /// <summary>Not of the form <c>{"op":int,"d":object,"shard":int?}</c>.</summary>
    Malformed,

    /// <summary>An opcode that is not for workers: it would change a session, or Discord knows it not.</summary>
    NotForWorkers,

    /// <summary>Its <c>d</c> is one that Discord would close the connection for (<see cref="CommandRules"/>).</summary>
    Invalid,

    /// <summary>Its guilds are of several shards, or of another than the one that it names.</summary>
    Misrouted,

    /// <summary>Its shard belongs to another process or connection, or does not exist.</summary>
    NotHere,
}
