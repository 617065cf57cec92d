namespace SinGateway.Forwarding;

/// <summary>What of an event's data the targets of its rules need, and where it can stand in an event of that name.</summary>
[Flags]
internal enum EventFields
{
    None = 0,
    Guild = 1,
    Channel = 2,
    User = 4,

    /// <summary>The event is about a guild: its id is <c>d.id</c>.</summary>
    IsGuild = 8,

    /// <summary>The event is about a channel: without a <c>d.channel_id</c>, its id is <c>d.id</c>.</summary>
    IsChannel = 16,
}
