using System.Globalization;

namespace SinGateway.Configuration;

/// <summary>How messages name a place in the tree: <c>forwarding[0].target.ops[1].path</c>.</summary>
internal static class KeyPath
{
    public static string Of(string parent, string key) => parent.Length == 0 ? key : $"{parent}.{key}";

    public static string At(string parent, int index) => string.Create(CultureInfo.InvariantCulture, $"{parent}[{index}]");
}
