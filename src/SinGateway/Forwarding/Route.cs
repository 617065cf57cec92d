namespace SinGateway.Forwarding;

/// <summary>Where the events of one name go.</summary>
internal sealed class Route(RouteCopy[] copies)
{
    /// <summary>One for each rule that matches, in the order of the rules; at least one.</summary>
    public ReadOnlySpan<RouteCopy> Copies => copies;
}
