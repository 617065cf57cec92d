namespace SinGateway.Discord;

/// <summary>Why shards wait that their bucket would let go.</summary>
internal enum IdentifyObstacle
{
    None,

    /// <summary>Discord has not said yet how many session starts are left.</summary>
    Unknown,

    /// <summary>The window's session starts are spent but for the reserve.</summary>
    Reserve,

    /// <summary>The day's IDENTIFYs beyond each shard's first are spent (G16).</summary>
    Extras,
}

/// <summary>What came of granting what could be granted.</summary>
/// <param name="NextAt">When something can be granted without anyone's doing; <see cref="long.MaxValue"/> for never.</param>
/// <param name="Obstacle">The worst that holds a shard up.</param>
internal readonly record struct IdentifyPass(long NextAt, IdentifyObstacle Obstacle);
