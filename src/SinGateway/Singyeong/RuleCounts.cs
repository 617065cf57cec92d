namespace SinGateway.Singyeong;

/// <summary>How often something happened, by the index of a rule. It grows, since a reload may bring more rules. Belongs to the loop's thread.</summary>
internal sealed class RuleCounts
{
    private long[] _counts = new long[4];

    /// <summary>Zero for a rule that nothing happened to.</summary>
    public long this[int rule] => rule < _counts.Length ? _counts[rule] : 0;

    public void Count(int rule)
    {
        if (rule >= _counts.Length)
        {
            Array.Resize(ref _counts, Math.Max(rule + 1, _counts.Length * 2));
        }

        _counts[rule]++;
    }
}
