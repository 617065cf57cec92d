using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace SinGateway.Discord;

/// <summary>
/// What <c>d</c> of a command must hold (https://docs.discord.com/developers/events/gateway-events#send-events). Discord closes the connection
/// over a value that it cannot read, at the cost of everything else on it, so each documented field is checked before; unknown ones pass, as
/// Discord ignores them. Pure.
/// </summary>
internal static class CommandRules
{
    /// <summary>
    /// Members asked for by id, or found by a prefix (https://docs.discord.com/developers/events/gateway-events#request-guild-members).
    /// </summary>
    public const int MaximumMembers = 100;

    /// <summary>Of a nonce, in bytes of UTF-8; Discord does not give a longer one back.</summary>
    public const int MaximumNonce = 32;

    /// <summary>Activity types are 0 to 5.</summary>
    private const int MaximumActivityType = 5;

    /// <summary>Digits of 2^64.</summary>
    private const int MaximumDigits = 20;

    private static readonly string[] Statuses = ["online", "dnd", "idle", "invisible", "offline"];

    /// <summary>Null when Discord takes it, else what is wrong.</summary>
    public static string? Check(GatewayOpcode op, JsonElement data) => op switch
    {
        GatewayOpcode.PresenceUpdate => CheckPresence(data),
        GatewayOpcode.VoiceStateUpdate => CheckGuild(data) ?? CheckVoiceState(data),
        GatewayOpcode.RequestGuildMembers => CheckGuild(data) ?? CheckMembers(data),
        GatewayOpcode.RequestSoundboardSounds => IsList(data, "guild_ids", IsSnowflake) ? null : "guild_ids is no list of ids",
        GatewayOpcode.RequestChannelInfo => CheckGuild(data) ?? (IsList(data, "fields", IsText) ? null : "fields is no list of names"),
        _ => "the opcode is not for workers",
    };

    /// <summary>The guilds that a command which passed <see cref="Check"/> is about; none for a presence.</summary>
    public static IEnumerable<ulong> Guilds(GatewayOpcode op, JsonElement data) => op switch
    {
        GatewayOpcode.PresenceUpdate => [],
        GatewayOpcode.RequestSoundboardSounds => data.GetProperty("guild_ids").EnumerateArray().Select(Snowflake),
        _ => [Snowflake(data.GetProperty("guild_id"))],
    };

    /// <summary>
    /// The bytes of <c>d</c>, which passed <see cref="Check"/>, for Discord: documented fields of which the worker need not think are added,
    /// since Discord lists them as required.
    /// </summary>
    public static byte[] Complete(GatewayOpcode op, JsonElement data)
    {
        string added = op switch
        {
            GatewayOpcode.PresenceUpdate => Missing(data, "since", "null") + Missing(data, "afk", "false"),
            GatewayOpcode.VoiceStateUpdate => Missing(data, "self_mute", "false") + Missing(data, "self_deaf", "false"),
            _ => "",
        };
        return [(byte)'{', .. Encoding.ASCII.GetBytes(added), .. JsonMarshal.GetRawUtf8Value(data)[1..]];
    }

    private static string Missing(JsonElement data, string key, string value) => data.TryGetProperty(key, out _) ? "" : $"\"{key}\":{value},";

    private static string? CheckPresence(JsonElement data)
    {
        if (!data.TryGetProperty("status", out JsonElement status) || !IsText(status) || !Statuses.Contains(status.GetString()))
        {
            return $"status is none of {string.Join(", ", Statuses)}";
        }

        if (data.TryGetProperty("since", out JsonElement since) && since.ValueKind != JsonValueKind.Null && !IsMoment(since))
        {
            return "since is neither null nor milliseconds since 1970";
        }

        if (!data.TryGetProperty("activities", out JsonElement activities) || activities.ValueKind != JsonValueKind.Array)
        {
            return "activities is no list";
        }

        return activities.EnumerateArray().Select(CheckActivity).FirstOrDefault(wrong => wrong is not null) ?? CheckFlags(data, "afk");
    }

    /// <summary>https://docs.discord.com/developers/events/gateway-events#activity-object: of a bot, name, type, state and url are shown.</summary>
    private static string? CheckActivity(JsonElement activity)
    {
        if (activity.ValueKind != JsonValueKind.Object
            || !activity.TryGetProperty("name", out JsonElement name) || !IsText(name) || name.ValueEquals(""))
        {
            return "an activity has no name";
        }

        if (!activity.TryGetProperty("type", out JsonElement type) || !IsInteger(type, MaximumActivityType))
        {
            return $"the type of an activity is no integer from 0 to {MaximumActivityType}";
        }

        foreach (string key in (string[])["state", "url"])
        {
            if (activity.TryGetProperty(key, out JsonElement text) && !IsText(text) && text.ValueKind != JsonValueKind.Null)
            {
                return $"{key} of an activity is no text";
            }
        }

        return null;
    }

    private static string? CheckVoiceState(JsonElement data) =>
        data.TryGetProperty("channel_id", out JsonElement channel) && (channel.ValueKind == JsonValueKind.Null || IsSnowflake(channel))
            ? CheckFlags(data, "self_mute", "self_deaf")
            : "channel_id is neither null nor an id";

    private static string? CheckMembers(JsonElement data)
    {
        bool hasQuery = data.TryGetProperty("query", out JsonElement query);
        if (hasQuery == data.TryGetProperty("user_ids", out JsonElement users))
        {
            return "there is not one of query and user_ids";
        }

        if (hasQuery && !IsText(query))
        {
            return "query is no text";
        }

        bool hasLimit = data.TryGetProperty("limit", out JsonElement limit);
        if (hasLimit ? !IsInteger(limit, hasQuery && !query.ValueEquals("") ? MaximumMembers : int.MaxValue) : hasQuery)
        {
            return $"limit is no integer from 0 to {MaximumMembers}";
        }

        if (!hasQuery && !IsSnowflake(users) && !(IsList(data, "user_ids", IsSnowflake) && users.GetArrayLength() <= MaximumMembers))
        {
            return $"user_ids is neither an id nor a list of 1 to {MaximumMembers} ids";
        }

        if (data.TryGetProperty("nonce", out JsonElement nonce) && !(IsText(nonce) && Encoding.UTF8.GetByteCount(nonce.GetString()!) <= MaximumNonce))
        {
            return $"nonce is no text of at most {MaximumNonce} bytes";
        }

        return CheckFlags(data, "presences");
    }

    private static string? CheckGuild(JsonElement data) =>
        data.TryGetProperty("guild_id", out JsonElement guild) && IsSnowflake(guild) ? null : "guild_id is no id";

    private static string? CheckFlags(JsonElement data, params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys)
        {
            if (data.TryGetProperty(key, out JsonElement flag) && flag.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            {
                return $"{key} is neither true nor false";
            }
        }

        return null;
    }

    /// <summary>A list with at least one item, all of which are as they should be.</summary>
    private static bool IsList(JsonElement data, string key, Func<JsonElement, bool> isItem) =>
        data.TryGetProperty(key, out JsonElement list)
        && list.ValueKind == JsonValueKind.Array && list.GetArrayLength() > 0 && list.EnumerateArray().All(isItem);

    private static bool IsText(JsonElement value) => value.ValueKind == JsonValueKind.String;

    private static bool IsInteger(JsonElement value, int maximum) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= 0 && number <= maximum;

    /// <summary>Some libraries write it with a fraction.</summary>
    private static bool IsMoment(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number is >= 0 and <= 1L << 53;

    private static bool IsSnowflake(JsonElement value) => Snowflake(value) != 0;

    /// <summary>An id as digits in a string, or as a number; 0 when it is neither.</summary>
    private static ulong Snowflake(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Number:
                return value.TryGetUInt64(out ulong number) ? number : 0;
            case JsonValueKind.String:
                // As it is written: escaped digits are nothing that Discord's own libraries send.
                ReadOnlySpan<byte> text = JsonMarshal.GetRawUtf8Value(value)[1..^1];
                return text.Length <= MaximumDigits && ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong id) ? id : 0;
            default:
                return 0;
        }
    }
}
