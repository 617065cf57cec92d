using System.Text;

namespace SinGateway.Forwarding;

/// <summary>
/// A routing query compiled from the configuration: compact JSON in UTF-8, in the file's order of keys, with variables between literal
/// pieces. Wire format: <c>{"application":"worker","ops":[{"path":"/events","op":"$contains","to":{"value":"READY"}}]}</c>.
/// </summary>
/// <param name="segments">At least one.</param>
/// <param name="hasOps">The query has operators.</param>
/// <param name="application">Its application; null when that holds variables.</param>
/// <param name="hasSelector">The query picks one of those that match by their metadata.</param>
internal sealed class TargetTemplate(IReadOnlyList<TemplateSegment> segments, bool hasOps, string? application, bool hasSelector = false)
{
    /// <summary>The application that takes the events; null when variables decide on it.</summary>
    public string? Application { get; } = application;

    /// <summary>At least one; literals and variables in the order of the text.</summary>
    public IReadOnlyList<TemplateSegment> Segments { get; } = segments;

    /// <summary>The query has operators. A no_route to such a target costs the connection, unless it is droppable (G9, G10).</summary>
    public bool HasOps { get; } = hasOps;

    /// <summary>The query has a selector: when nobody matches, that costs the connection.</summary>
    public bool HasSelector { get; } = hasSelector;

    /// <summary>The JSON with its variables as they stand in the configuration.</summary>
    public override string ToString()
    {
        StringBuilder text = new();
        foreach (TemplateSegment segment in Segments)
        {
            if (segment.Literal is { } literal)
            {
                text.Append(Encoding.UTF8.GetString(literal));
            }
            else
            {
                text.Append(segment.Use.AsNumber ? $"\"{TemplateVariables.Write(segment.Use)}\"" : TemplateVariables.Write(segment.Use));
            }
        }

        return text.ToString();
    }
}
