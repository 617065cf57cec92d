using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace SinGateway.Configuration;

/// <summary>
/// Reads <c>discord.presence</c> into the JSON that IDENTIFY carries (https://docs.discord.com/developers/events/gateway-events#update-presence).
/// Discord ends a connection over a value that it does not know, so each is checked here; what is left out gets its default.
/// </summary>
internal sealed class PresenceBinder(ProblemList problems)
{
    private const int Streaming = 1;
    private const int Custom = 4;

    /// <summary>Beyond 2^53 a JSON number is not exact.</summary>
    private const long MaxSince = (1L << 53) - 1;

    private const string TypeHint = "Write playing, streaming, listening, watching, custom or competing, or their numbers 0 to 5.";
    private const string ActivitiesHint = "Write a list, such as [{type: watching, name: the bus}].";

    /// <summary>Discord asks for a name and shows the state of a custom status only.</summary>
    private const string CustomName = "Custom Status";

    private static readonly string[] Statuses = ["online", "dnd", "idle", "invisible", "offline"];

    /// <summary>https://docs.discord.com/developers/events/gateway-events#activity-object-activity-types, in the order of their numbers.</summary>
    private static readonly string[] Types = ["playing", "streaming", "listening", "watching", "custom", "competing"];

    private static readonly string[] StreamSites = ["https://twitch.tv/", "https://www.twitch.tv/", "https://youtube.com/", "https://www.youtube.com/"];

    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Compact JSON; of no meaning when errors were reported.</summary>
    public ReadOnlyMemory<byte> Bind(Section presence)
    {
        ArrayBufferWriter<byte> output = new();
        using Utf8JsonWriter json = new(output, Compact);
        json.WriteStartObject();
        if (presence.Integer("since", 0, MaxSince, "Write milliseconds since 1970, or null.") is { } since)
        {
            json.WriteNumber("since", since);
        }
        else
        {
            json.WriteNull("since");
        }

        json.WriteStartArray("activities");
        BindActivities(presence, json);
        json.WriteEndArray();
        json.WriteString("status", BindStatus(presence));
        json.WriteBoolean("afk", presence.Boolean("afk"));
        json.WriteEndObject();
        json.Flush();
        return output.WrittenMemory;
    }

    private static string BindStatus(Section presence)
    {
        if (presence.Scalar("status") is not { } status)
        {
            return Statuses[0];
        }

        if (Statuses.Contains(status.Value))
        {
            return status.Value;
        }

        string hint = NearestName.Find(status.Text, Statuses) is { } nearest ? $"Did you mean {nearest}?" : "Write online, dnd, idle, invisible or offline.";
        presence.Error("status", $"there is no status {Section.Show(status)}", hint);
        return Statuses[0];
    }

    private void BindActivities(Section presence, Utf8JsonWriter json)
    {
        ConfigurationNode? node = presence.Find("activities");
        if (node is not SequenceNode list)
        {
            if (node is not null)
            {
                presence.Error("activities", $"{Section.Kind(node)} stands where a list of activities belongs", ActivitiesHint);
            }

            return;
        }

        for (int i = 0; i < list.Items.Count; i++)
        {
            string path = KeyPath.At(presence.Path("activities"), i);
            if (list.Items[i] is MappingNode activity)
            {
                BindActivity(new Section(activity, path, KeySet.Activity, problems), json);
            }
            else
            {
                problems.Error(list.Items[i].Position, path, $"{Section.Kind(list.Items[i])} stands where an activity belongs", ActivitiesHint);
            }
        }
    }

    private static void BindActivity(Section activity, Utf8JsonWriter json)
    {
        int? type = BindType(activity);
        string? name = activity.Text("name"), state = activity.Text("state"), url = activity.Text("url");
        if (type == Custom && string.IsNullOrEmpty(state))
        {
            activity.Error("state", "a custom status shows its state, and there is none", "Write the text of the status as state.");
        }

        if (type != Custom && string.IsNullOrEmpty(name))
        {
            activity.Error("name", "an activity needs a name", "Write what is played, watched or listened to.");
        }

        if (type == Streaming && !StreamSites.Any(site => url?.StartsWith(site, StringComparison.OrdinalIgnoreCase) == true))
        {
            activity.Error("url", url is null ? "streaming needs the stream's url" : "Discord knows no streams at this url", "Write one that starts with https://twitch.tv/ or https://youtube.com/.");
        }

        json.WriteStartObject();
        Write(json, "name", name ?? CustomName);
        json.WriteNumber("type", type ?? 0);
        Write(json, "state", state);
        Write(json, "url", url);
        json.WriteEndObject();
    }

    private static int? BindType(Section activity)
    {
        activity.Require("type", TypeHint);
        if (activity.Scalar("type") is not { } type)
        {
            return null;
        }

        int number = Array.IndexOf(Types, type.Value.ToLowerInvariant());
        if (number >= 0 || (int.TryParse(type.Value, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number < Types.Length))
        {
            return number;
        }

        string hint = NearestName.Find(type.Text, Types) is { } nearest ? $"Did you mean {nearest}?" : TypeHint;
        activity.Error("type", $"there is no type of activity {Section.Show(type)}", hint);
        return null;
    }

    /// <summary>By way of bytes, so that half of a surrogate pair becomes U+FFFD and no exception.</summary>
    private static void Write(Utf8JsonWriter json, string key, string? text)
    {
        if (text is not null)
        {
            json.WriteString(key, Encoding.UTF8.GetBytes(text));
        }
    }
}
