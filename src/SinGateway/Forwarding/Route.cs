namespace SinGateway.Forwarding;

/// <summary>Where the events of one name go.</summary>
internal sealed class Route(RouteCopy[] copies, EventFields fields)
{
    /// <summary>One for each rule that matches, in the order of the rules; at least one.</summary>
    public ReadOnlySpan<RouteCopy> Copies => copies;

    /// <summary>
    /// The ids that the copies' targets need, read off the event once for all of them; nothing when they need none. <paramref
    /// name="message"/> is the whole event.
    /// </summary>
    public EventIds ReadIds(ReadOnlySpan<byte> message) => fields == EventFields.None ? default : EventFieldScan.Read(message, fields);
}
