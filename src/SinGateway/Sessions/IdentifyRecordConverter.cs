using System.Text.Json;
using System.Text.Json.Serialization;

namespace SinGateway.Sessions;

/// <summary>
/// Reads the record of IDENTIFYs inside the state file so that a broken one is a lost record, and not a lost file: the sessions beside it
/// are worth more than it is.
/// </summary>
internal sealed class IdentifyRecordConverter : JsonConverter<IdentifyRecord>
{
    public override IdentifyRecord Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        // A reader is a value: the copy may stop anywhere.
        Utf8JsonReader attempt = reader;
        IdentifyRecord? record;
        try
        {
            record = JsonSerializer.Deserialize(ref attempt, StateDocumentJson.Default.IdentifyRecord);
        }
        catch (JsonException)
        {
            record = null;
        }

        reader.Skip();
        return record is { IsConsistent: true } ? record : new IdentifyRecord { IsLost = true };
    }

    public override void Write(Utf8JsonWriter writer, IdentifyRecord value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, value, StateDocumentJson.Default.IdentifyRecord);
}
