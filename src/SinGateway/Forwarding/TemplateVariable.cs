namespace SinGateway.Forwarding;

/// <summary>What a <c>{{NAME}}</c> of a target stands for.</summary>
internal enum TemplateVariable
{
    Shard,
    Cluster,
    Event,

    /// <summary>The count of all shards of the bot.</summary>
    Shards,

    GuildId,
    ChannelId,
    UserId,

    /// <summary><c>(guild id &gt;&gt; 22) mod n</c>, 0 without a guild: the guilds spread over n slots, each always in the same.</summary>
    GuildSlot,
}

/// <summary>A variable as a target uses it.</summary>
/// <param name="Variable">Which.</param>
/// <param name="AsNumber">It is a JSON value by itself, a number or null, and no part of a string.</param>
/// <param name="Slots">The n of <see cref="TemplateVariable.GuildSlot"/>, from 1; 0 for the others.</param>
internal readonly record struct VariableUse(TemplateVariable Variable, bool AsNumber = false, int Slots = 0);

/// <summary>One piece of a compiled target: bytes as they are sent, or, where <see cref="Literal"/> is null, a variable.</summary>
internal readonly record struct TemplateSegment(byte[]? Literal, VariableUse Use);
