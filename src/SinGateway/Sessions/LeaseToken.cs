using System.Globalization;

namespace SinGateway.Sessions;

/// <summary>
/// What the holder of a cluster index writes into its lease: <c>fence:owner:pid:host</c>. The text as a whole tells it from every other
/// holder; the fence orders holders in time.
/// </summary>
/// <param name="Index">The cluster.</param>
/// <param name="Fence">Larger than that of every holder before. No two of four in a row have the same remainder by four (G21).</param>
/// <param name="Text">What stands in Redis.</param>
internal sealed record LeaseToken(int Index, long Fence, string Text)
{
    /// <summary>Reads what the take of a lease answered.</summary>
    public static LeaseToken Parse(int index, string text) =>
        new(index, long.Parse(text.AsSpan(0, text.IndexOf(':')), NumberStyles.None, CultureInfo.InvariantCulture), text);

    /// <summary>The part of a token that its process chooses: it must not be that of another one, nor of an earlier start of this one.</summary>
    public static string NewOwner(Random random) => string.Create(
        CultureInfo.InvariantCulture, $"{random.NextInt64():x16}:{Environment.ProcessId}:{Environment.MachineName}");

    /// <summary>Who wrote <paramref name="text"/>, for the operator: <c>process 42 on host</c>, or the text where it has another form.</summary>
    public static string Describe(string text) =>
        text.Split(':', 4) is [_, _, var process, var host] ? $"process {process} on {host}" : $"\"{text}\"";
}
