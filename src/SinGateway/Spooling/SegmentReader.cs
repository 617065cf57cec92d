namespace SinGateway.Spooling;

/// <summary>
/// Reads whole, intact records of one segment into a block, from a number on. Nothing that a length says is trusted beyond the segment's
/// durable end.
/// </summary>
internal sealed class SegmentReader(ISpoolFiles files) : ISpoolWork
{
    private SpoolSegment? _open;
    private int _file = -1;

    /// <summary>In: the segment, how much of it is durable, and where to go on: between two records.</summary>
    public SpoolSegment? Segment { get; set; }

    public long SegmentEnd { get; set; }

    /// <summary>In and out: behind the records in the block.</summary>
    public long Offset { get; set; }

    /// <summary>In: records before it are passed over.</summary>
    public long From { get; set; }

    /// <summary>In: filled with at least one record, unless there is an error or damage.</summary>
    public SpoolBlock Block { get; set; } = null!;

    /// <summary>Out: the last record in the block; 0 when there is none.</summary>
    public long Last { get; private set; }

    /// <summary>Out: what comes next is no record, or there is none although there should be.</summary>
    public bool IsDamaged { get; private set; }

    public string? Error { get; private set; }

    public void Execute()
    {
        Error = null;
        IsDamaged = false;
        Last = 0;
        Block.Start = Block.End = 0;
        try
        {
            if (_open != Segment)
            {
                Close();
                _file = files.Open(Segment!.Name);
                _open = Segment;
            }

            Read();
        }
        catch (SpoolFileException e)
        {
            Error = e.Message;
        }
    }

    /// <summary>Off the loop, while nothing else runs: a deleted file gives its space back only when nobody has it open.</summary>
    public void Close()
    {
        if (_file >= 0)
        {
            files.Close(_file);
        }

        _file = -1;
        _open = null;
    }

    private void Read()
    {
        Block.EnsureCapacity(Block.Size);
        while (!IsDamaged && Last == 0)
        {
            int wanted = (int)Math.Min(Block.Bytes.Length, SegmentEnd - Offset);
            int filled = wanted > 0 ? files.Read(_file, Block.Bytes[..wanted], Offset) : 0;
            bool atEnd = filled < wanted || Offset + filled >= SegmentEnd;
            int position = Walk(Block.Bytes[..filled], out int needed);
            Offset += position;
            if (Last > 0)
            {
                Block.End = position;
            }
            else if (atEnd)
            {
                // Nothing more, or a piece that is too short for what it says.
                IsDamaged = true;
            }
            else if (needed > Block.Bytes.Length)
            {
                Block.EnsureCapacity(needed);
            }
        }
    }

    /// <summary>
    /// Passes over records before <see cref="From"/>, then takes whole ones. Returns where it stopped; <paramref name="needed"/> is the size of
    /// the record there when it did not fit.
    /// </summary>
    private int Walk(ReadOnlySpan<byte> bytes, out int needed)
    {
        int position = 0;
        needed = 0;
        while (bytes.Length - position >= SpoolFormat.RecordHeader)
        {
            ReadOnlySpan<byte> rest = bytes[position..];
            long size = SpoolFormat.RecordSize(rest);
            if (size > SpoolFormat.RecordHeader + SpoolFormat.MaximumPayload || Offset + position + size > SegmentEnd)
            {
                IsDamaged = true;
                break;
            }

            if (size > rest.Length)
            {
                needed = (int)size;
                break;
            }

            long number = SpoolFormat.RecordNumber(rest);
            if (!SpoolFormat.IsIntact(rest[..(int)size]) || (Last > 0 && number != Last + 1))
            {
                IsDamaged = true;
                break;
            }

            if (number >= From)
            {
                if (Last == 0)
                {
                    Block.Start = position;
                }

                Last = number;
            }

            position += (int)size;
        }

        return position;
    }
}
