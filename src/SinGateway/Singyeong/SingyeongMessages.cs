using System.Text.Json;

namespace SinGateway.Singyeong;

/// <summary>The packets that a client of 신경 sends about itself, in JSON (dispatches: <see cref="DispatchWriter"/>).</summary>
internal static class SingyeongMessages
{
    /// <summary><c>{"op":5,"d":{"client_id":ID}}</c></summary>
    public static byte[] Heartbeat(string clientId) => Write(json =>
    {
        json.WriteNumber("op", (int)SingyeongOpcode.Heartbeat);
        json.WriteStartObject("d");
        json.WriteString("client_id", clientId);
        json.WriteEndObject();
    });

    /// <summary>
    /// <c>{"op":1,"d":{"client_id":ID,"application_id":APP,"auth":PASSWORD?,"receive_client_updates":true,"namespace":NAME?,"metadata":{KEY:{"type":TYPE,"value":VALUE}}}}</c>:
    /// the metadata lets a worker find the gateway that holds a shard. <paramref name="metadata"/> is the configuration's own, and has
    /// none of those keys.
    /// </summary>
    public static byte[] Identify(
        string clientId,
        string application,
        string? password,
        int cluster,
        ReadOnlyMemory<int> shards,
        int shardCount,
        string? @namespace = null,
        IReadOnlyList<MetadataEntry>? metadata = null) => Write(json =>
    {
        json.WriteNumber("op", (int)SingyeongOpcode.Identify);
        json.WriteStartObject("d");
        json.WriteString("client_id", clientId);
        json.WriteString("application_id", application);
        if (password is not null)
        {
            json.WriteString("auth", password);
        }

        // A worker that connects is a reason to try again what waits for it (G9).
        json.WriteBoolean("receive_client_updates", true);
        if (@namespace is not null)
        {
            json.WriteString("namespace", @namespace);
        }

        json.WriteStartObject("metadata");
        WriteInteger(json, "cluster", cluster);
        WriteInteger(json, "shard_count", shardCount);
        json.WriteStartObject("shards");
        json.WriteString("type", "list");
        json.WriteStartArray("value");
        foreach (int shard in shards.Span)
        {
            json.WriteNumberValue(shard);
        }

        json.WriteEndArray();
        json.WriteEndObject();
        foreach (MetadataEntry entry in metadata ?? [])
        {
            json.WriteStartObject(entry.Key);
            json.WriteString("type", entry.Type);
            json.WritePropertyName("value");
            json.WriteRawValue(entry.Value);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    });

    private static void WriteInteger(Utf8JsonWriter json, string key, int value)
    {
        json.WriteStartObject(key);
        json.WriteString("type", "integer");
        json.WriteNumber("value", value);
        json.WriteEndObject();
    }

    private static byte[] Write(Action<Utf8JsonWriter> writeMembers)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            writeMembers(json);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }
}
