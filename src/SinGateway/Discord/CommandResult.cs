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
}
