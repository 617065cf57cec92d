using System.Text.Json;
using SinGateway.Sandbox.Net;

namespace SinGateway.Sandbox.Singyeong;

/// <summary>A value of a client's metadata, with the type that it was given as.</summary>
internal readonly record struct MetadataValue(string Type, JsonElement Value);

/// <summary>An identified client. Its metadata is replaced as a whole, never changed, so that anybody may read it.</summary>
internal sealed class SingyeongClient(string application, string clientId, Connection connection)
{
    public string Application { get; } = application;

    public string ClientId { get; } = clientId;

    public Outgoing Outgoing => connection.Outgoing;

    public bool IsRestricted { get; init; }

    public bool WantsClientUpdates { get; init; }

    public IReadOnlyDictionary<string, MetadataValue> Metadata { get; set; } = new Dictionary<string, MetadataValue>();

    /// <summary>Updates that wait for the next tick.</summary>
    public Dictionary<string, MetadataValue>? PendingMetadata { get; set; }

    /// <summary>Reads <c>{key: {type, value}}</c>; null when it is not of this form, which the real server answers with op 8.</summary>
    public static Dictionary<string, MetadataValue>? ReadMetadata(JsonElement metadata)
    {
        if (metadata.ValueKind != JsonValueKind.Object)
        {
            return null;
        }
        Dictionary<string, MetadataValue> values = [];
        foreach (JsonProperty property in metadata.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.Object || !property.Value.TryGetProperty("type"u8, out JsonElement type)
                || !property.Value.TryGetProperty("value"u8, out JsonElement value) || type.ValueKind != JsonValueKind.String)
            {
                return null;
            }
            values[property.Name] = new MetadataValue(type.GetString()!, value.Clone());
        }
        return values;
    }
}
