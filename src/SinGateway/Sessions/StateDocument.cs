using System.Text.Json;
using System.Text.Json.Serialization;

namespace SinGateway.Sessions;

/// <summary>
/// The content of the state file. Keys that this version does not know are skipped, so that later ones may add theirs; a change that an
/// older program must not misread raises <see cref="CurrentVersion"/>.
/// </summary>
internal sealed class StateDocument
{
    public const string FormatName = "singateway-state";
    public const int CurrentVersion = 1;

    public string Format { get; set; } = FormatName;

    public int Version { get; set; } = CurrentVersion;

    /// <summary>The <see cref="BotId"/> whose sessions these are.</summary>
    public string Bot { get; set; } = "";

    /// <summary>One a shard, in the order of the shards.</summary>
    public List<SessionRecord> Sessions { get; set; } = [];

    /// <summary>The IDENTIFYs that were sent; null in a file of a version that did not keep them.</summary>
    [JsonConverter(typeof(IdentifyRecordConverter))]
    public IdentifyRecord? Identifies { get; set; }

    /// <summary>
    /// Reads and checks a document. False, with the reason for the operator, when it is torn, or not one of <paramref name="bot"/>'s.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> json, string bot, out StateDocument document, out string reason)
    {
        document = new StateDocument { Bot = bot };
        reason = "";
        StateDocument? parsed;
        try
        {
            parsed = JsonSerializer.Deserialize(json, StateDocumentJson.Default.StateDocument);
        }
        catch (JsonException)
        {
            parsed = null;
        }

        if (parsed is not { Format: FormatName, Bot: not null, Sessions: not null })
        {
            reason = "it is torn, or not a state file";
        }
        else if (parsed.Version != CurrentVersion)
        {
            reason = $"it has version {parsed.Version} of the format, and this program knows {CurrentVersion}";
        }
        else if (parsed.Bot != bot)
        {
            reason = $"it is of bot {parsed.Bot}, not of {bot}";
        }
        else
        {
            document.Sessions = [.. parsed.Sessions.Where(session => !string.IsNullOrEmpty(session.SessionId)).DistinctBy(session => session.ShardId)];
            document.Sessions.Sort((a, b) => a.ShardId.CompareTo(b.ShardId));
            document.Identifies = parsed.Identifies;
            return true;
        }

        return false;
    }

    /// <summary>Replaces the shard's record; one without a session removes it.</summary>
    public void Merge(in SessionRecord record)
    {
        int index = IndexOf(record.ShardId);
        if (record.SessionId is null)
        {
            if (index >= 0)
            {
                Sessions.RemoveAt(index);
            }
        }
        else if (index >= 0)
        {
            Sessions[index] = record;
        }
        else
        {
            Sessions.Insert(~index, record);
        }
    }

    private int IndexOf(int shardId)
    {
        int low = 0;
        int high = Sessions.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            int order = Sessions[middle].ShardId.CompareTo(shardId);
            if (order == 0)
            {
                return middle;
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return ~low;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    IncludeFields = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StateDocument))]
[JsonSerializable(typeof(IdentifyRecord))]
internal sealed partial class StateDocumentJson : JsonSerializerContext;
