namespace SinGateway.Configuration;

/// <summary>A place in a configuration file. Both count from 1; a column is a UTF-16 unit, as most editors count.</summary>
internal readonly record struct SourcePosition(int Line, int Column) : IComparable<SourcePosition>
{
    public static readonly SourcePosition Start = new(1, 1);

    public int CompareTo(SourcePosition other) => (Line, Column).CompareTo((other.Line, other.Column));
}
