using System.Globalization;
using System.Text;

namespace SinGateway.Forwarding;

/// <summary>The variables that a target may hold, by name.</summary>
internal static class TemplateVariables
{
    public const string Open = "{{";
    public const string Close = "}}";

    /// <summary>What makes a number of a variable that stands alone in its string.</summary>
    public const string NumberSuffix = ":int";

    /// <summary>More slots than anyone has workers.</summary>
    public const int MaxSlots = 1_000_000;

    private const string SlotName = "GUILD_SLOT";

    /// <summary>In the order of <see cref="TemplateVariable"/>.</summary>
    private static readonly string[] Names = ["SHARD", "CLUSTER", "EVENT", "SHARDS", "GUILD_ID", "CHANNEL_ID", "USER_ID", SlotName];

    /// <summary>As they are written: the last one with its n.</summary>
    public static IReadOnlyList<string> Known { get; } = [.. Names[..^1], SlotName + ":n"];

    /// <summary>The use as it stands in a configuration.</summary>
    public static string Write(VariableUse use) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Open}{Names[(int)use.Variable]}{(use.Variable is TemplateVariable.GuildSlot ? $":{use.Slots}" : use.AsNumber ? NumberSuffix : "")}{Close}");

    /// <summary>The text with what <paramref name="value"/> makes of each variable, given by what stands between its braces.</summary>
    public static string Replace(string text, Func<string, string> value)
    {
        StringBuilder replaced = new();
        ReadOnlySpan<char> rest = text;
        for (int open = rest.IndexOf(Open); open >= 0; open = rest.IndexOf(Open))
        {
            int close = rest[open..].IndexOf(Close);
            if (close < 0)
            {
                break;
            }

            replaced.Append(rest[..open]).Append(value(rest.Slice(open + Open.Length, close - Open.Length).ToString()));
            rest = rest[(open + close + Close.Length)..];
        }

        return replaced.Append(rest).ToString();
    }

    /// <summary>
    /// Reads what stands between the braces. <paramref name="alone"/> says that nothing else is in its string. What is wrong is said by
    /// <paramref name="error"/>, and how to mend it by <paramref name="hint"/>, which is empty for a name that nobody knows.
    /// </summary>
    public static bool TryParse(string text, bool alone, out VariableUse use, out string error, out string hint)
    {
        (error, hint, use) = ("", "", default);
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string name = colon < 0 ? text : text[..colon];
        string suffix = colon < 0 ? "" : text[colon..];
        int index = Names.IndexOf(name);
        if (index < 0)
        {
            error = $"there is no variable {Open}{text}{Close}";
            return false;
        }

        var variable = (TemplateVariable)index;
        if (variable is TemplateVariable.GuildSlot)
        {
            bool isCount = int.TryParse(suffix.AsSpan(Math.Min(1, suffix.Length)), NumberStyles.None, CultureInfo.InvariantCulture, out int slots);
            if (!isCount || slots is < 1 or > MaxSlots)
            {
                error = $"{Open}{text}{Close} does not say how many slots there are, 1 to {MaxSlots}";
                hint = $"Write {Open}{SlotName}:16{Close} for 16.";
                return false;
            }

            use = new VariableUse(variable, alone, slots);
            return true;
        }

        if (suffix is not ("" or NumberSuffix))
        {
            error = $"there is no variable {Open}{text}{Close}";
            hint = $"Write {Open}{name}{Close}{(variable is TemplateVariable.Event ? "" : $", or {Open}{name}{NumberSuffix}{Close} for a number")}.";
            return false;
        }

        if (suffix == NumberSuffix && variable is TemplateVariable.Event)
        {
            error = $"{Open}{text}{Close} would be a number, and an event's name is none";
            hint = $"Write {Open}{name}{Close}.";
            return false;
        }

        if (suffix == NumberSuffix && !alone)
        {
            error = $"{Open}{text}{Close} is a number only where it stands alone in its string";
            hint = $"Write {Open}{name}{Close} here.";
            return false;
        }

        use = new VariableUse(variable, AsNumber: suffix == NumberSuffix);
        return true;
    }
}
