namespace SinGateway.Spooling;

/// <summary>What the loop knows of one segment file. Belongs to the loop's thread; others read only the name.</summary>
internal sealed class SpoolSegment(long index)
{
    public const string Suffix = ".segment";
    public const string BrokenMark = ".broken-";

    /// <summary>Segments are read in this order; it says nothing about the numbers of records.</summary>
    public long Index { get; } = index;

    public string Name { get; } = NameOf(index);

    /// <summary>The number that it begins with.</summary>
    public required long First { get; init; }

    /// <summary>The last record that is durable in it: what is behind it is not read. Less than that of the segment before when there is none.</summary>
    public long Last { get; set; }

    /// <summary>Durable bytes, with the header.</summary>
    public long Length { get; set; }

    /// <summary>What the file takes from the spool's size: more than its durable bytes when there is something unreadable behind them.</summary>
    public long FileSize => Math.Max(Length, Found);

    /// <summary>Bytes of the file when the process started; 0 for one that this process made.</summary>
    public long Found { get; init; }

    /// <summary>Something in it cannot be read: it is set aside instead of deleted when the rest has been confirmed.</summary>
    public bool IsDamaged { get; set; }

    public static string NameOf(long index) => $"{index:D12}{Suffix}";

    public static bool TryParse(string name, out long index)
    {
        index = 0;
        return name.EndsWith(Suffix, StringComparison.Ordinal) && long.TryParse(name.AsSpan(0, name.Length - Suffix.Length), out index) && index > 0;
    }
}
