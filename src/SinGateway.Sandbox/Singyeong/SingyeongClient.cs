using System.Text.Json;
using SinGateway.Sandbox.Net;

namespace SinGateway.Sandbox.Singyeong;

/// <summary>A value of a client's metadata, with the type that it was given as.</summary>
internal readonly record struct MetadataValue(string Type, JsonElement Value);

/// <summary>An identified client. Its metadata is replaced as a whole, never changed, so that anybody may read it.</summary>
internal sealed class SingyeongClient(string application, string clientId, PacketOutput output)
{
    private readonly Lock _gate = new();
    private Dictionary<string, MetadataValue>? _pending;

    public string Application { get; } = application;

    public string ClientId { get; } = clientId;

    public PacketOutput Output { get; } = output;

    public Outgoing Outgoing => Output.Outgoing;

    public bool IsRestricted { get; init; }

    public bool WantsClientUpdates { get; init; }

    public IReadOnlyDictionary<string, MetadataValue> Metadata { get; set; } = new Dictionary<string, MetadataValue>();

    /// <summary>Takes an update, which waits for the next tick.</summary>
    public void Update(Dictionary<string, MetadataValue> metadata)
    {
        lock (_gate)
        {
            _pending ??= [];
            foreach ((string key, MetadataValue value) in metadata)
            {
                _pending[key] = value;
            }
        }
    }

    /// <summary>Lets the waiting updates take effect; false when there are none.</summary>
    public bool ApplyPending()
    {
        lock (_gate)
        {
            if (_pending is null)
            {
                return false;
            }
            Dictionary<string, MetadataValue> merged = new(Metadata);
            foreach ((string key, MetadataValue value) in _pending)
            {
                merged[key] = value;
            }
            Metadata = merged;
            _pending = null;
            return true;
        }
    }

    /// <summary>Forgets the waiting updates, as the real server does now and then; false when there are none.</summary>
    public bool LosePending()
    {
        lock (_gate)
        {
            bool hadAny = _pending is not null;
            _pending = null;
            return hadAny;
        }
    }

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
