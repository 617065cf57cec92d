namespace SinGateway.Forwarding;

/// <summary>Where the events of one name go.</summary>
/// <param name="copies">One for each rule that matches; none for a name that is only counted.</param>
/// <param name="fields">What the copies' targets need of an event.</param>
/// <param name="name">The event's place in tables by event (<see cref="Discord.EventCatalogue.IndexOf"/>).</param>
internal sealed class Route(RouteCopy[] copies, EventFields fields, int name)
{
    /// <summary>In the order of the rules.</summary>
    public ReadOnlySpan<RouteCopy> Copies => copies;

    public int Name => name;

    /// <summary>
    /// The ids that the copies' targets need, read off the event once for all of them; nothing when they need none. <paramref
    /// name="message"/> is the whole event.
    /// </summary>
    public EventIds ReadIds(ReadOnlySpan<byte> message) => fields == EventFields.None ? default : EventFieldScan.Read(message, fields);
}
