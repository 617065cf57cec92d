namespace SinGateway.Forwarding;

/// <summary>The variables that a target may hold, by name.</summary>
internal static class TemplateVariables
{
    public const string Open = "{{";
    public const string Close = "}}";

    private static readonly string[] Later = ["SHARDS", "GUILD_ID", "CHANNEL_ID", "USER_ID", "GUILD_SLOT"];

    /// <summary>In the order of <see cref="TemplateVariable"/>.</summary>
    private static readonly string[] Names = ["SHARD", "CLUSTER", "EVENT"];

    public static IReadOnlyList<string> Known => Names;

    public static string Name(TemplateVariable variable) => Names[(int)variable];

    public static bool TryParse(string name, out TemplateVariable variable)
    {
        int index = Names.IndexOf(name);
        variable = (TemplateVariable)Math.Max(index, 0);
        return index >= 0;
    }

    /// <summary>Whether the name is documented but not built yet: another variable, or <c>:int</c> behind a known one.</summary>
    public static bool IsOfLaterVersion(string name)
    {
        string bare = name.Split(':')[0];
        return Later.Contains(bare) || name.EndsWith(":int", StringComparison.Ordinal) && Names.Contains(bare);
    }
}
