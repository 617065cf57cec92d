using System.Globalization;

namespace SinGateway.Configuration;

/// <summary>Which cluster this process runs: from <c>--cluster</c>, else from the environment.</summary>
internal static class ClusterIndex
{
    public const string Variable = "SINGATEWAY_CLUSTER";

    /// <summary>Any cluster: the first that is free.</summary>
    private const string Auto = "auto";

    /// <summary>
    /// Reads what <paramref name="option"/>, or without it <paramref name="variable"/>, gives: a number, a name that ends in <c>-N</c>, as
    /// the pods of a StatefulSet have, or <c>auto</c>, which is all indexes. 0 without clustering. Null is an error that says what to type.
    /// </summary>
    public static IReadOnlyList<int>? Choose(ClusteringOptions? clustering, string? option, string? variable, out string error)
    {
        error = "";
        if (clustering is null)
        {
            if (option is null)
            {
                return [0];
            }

            error = $"--cluster {option} is given and clustering is off: set clustering.enabled to true, or leave --cluster out";
            return null;
        }

        string source = option is not null ? "--cluster" : Variable;
        string? text = option ?? variable;
        if (string.IsNullOrEmpty(text))
        {
            error = $"clustering is on, so this process must know its cluster: type singateway --cluster N, with N from 0 to {clustering.ClusterCount - 1}, or --cluster auto for the first that is free";
        }
        else if (text == Auto)
        {
            return [.. Enumerable.Range(0, clustering.ClusterCount)];
        }
        else if (text[0] == '-' || !int.TryParse(text[(text.LastIndexOf('-') + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int index))
        {
            error = $"{source} {text} is no cluster index: give a number from 0 to {clustering.ClusterCount - 1}, a name that ends in one, as name-3 does, or auto";
        }
        else if (index >= clustering.ClusterCount)
        {
            error = $"{source} {text} is out of range: clustering.clusterCount is {clustering.ClusterCount}, so it is 0 to {clustering.ClusterCount - 1}";
        }
        else
        {
            return [index];
        }

        return null;
    }
}
