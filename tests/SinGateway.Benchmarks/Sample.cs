using System.Globalization;

namespace SinGateway.Benchmarks;

/// <summary>The results of repeated runs.</summary>
internal static class Sample
{
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>The median and, when there were more runs than one, what it lies between: <c>5.4 (5.2-5.9)</c>.</summary>
    public static string Describe(IReadOnlyCollection<double> values, string format = "0.0")
    {
        string median = Median(values).ToString(format, CultureInfo.InvariantCulture);
        return values.Count == 1
            ? median
            : string.Create(CultureInfo.InvariantCulture, $"{median} ({values.Min().ToString(format, CultureInfo.InvariantCulture)}-{values.Max().ToString(format, CultureInfo.InvariantCulture)})");
    }
}
