using System.Text.Json;

namespace SinGateway.Sandbox.Singyeong;

/// <summary>
/// What a client said of itself: <c>{"client_id":…,"application_id":…,"auth":…,"metadata":…,"receive_client_updates":…}</c>.
/// </summary>
internal sealed record IdentifyRequest(
    string ClientId, string Application, string? Auth, bool WantsClientUpdates, IReadOnlyDictionary<string, MetadataValue> Metadata)
{
    /// <summary>
    /// Null when the real server would refuse it: an id is missing, the application has a space, metadata is not {type, value}.
    /// </summary>
    public static IdentifyRequest? Read(ReadOnlySpan<byte> data)
    {
        using JsonDocument document = JsonDocument.Parse(data.IsEmpty ? "null"u8.ToArray() : data.ToArray());
        JsonElement identify = document.RootElement;
        string? clientId = Text(identify, "client_id");
        string? application = Text(identify, "application_id");
        if (string.IsNullOrEmpty(clientId) || string.IsNullOrEmpty(application) || application.Contains(' '))
        {
            return null;
        }
        bool wantsUpdates = identify.TryGetProperty("receive_client_updates"u8, out JsonElement wants) && wants.ValueKind == JsonValueKind.True;
        Dictionary<string, MetadataValue>? metadata = [];
        if (identify.TryGetProperty("metadata"u8, out JsonElement given) && given.ValueKind != JsonValueKind.Null)
        {
            metadata = SingyeongClient.ReadMetadata(given);
        }
        return metadata is null ? null : new IdentifyRequest(clientId, application, Text(identify, "auth"), wantsUpdates, metadata);
    }

    private static string? Text(JsonElement element, string key) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
