using SinGateway.Loop;

namespace SinGateway.Spooling;

/// <summary>
/// What keeps the directory small and the next start short: the confirmed mark, segments that were drained, events that were set aside. All
/// of it can be done later when the disk refuses, at the price of duplicates after a crash.
/// </summary>
internal sealed class SpoolUpkeep(ISpoolFiles files, SegmentWriter writer, SegmentReader reader, PoisonFolder poison, BrokenSegments broken, int positionFile)
    : ISpoolWork
{
    private readonly byte[] _slot = new byte[SpoolFormat.PositionSlot];
    private int _nextSlot;

    /// <summary>In: the confirmed mark to write; null for none.</summary>
    public long? Position { get; set; }

    /// <summary>Out: what is on the disk now, when it was written.</summary>
    public long? StoredPosition { get; private set; }

    /// <summary>In: segments to delete, or to set aside when damaged, oldest first. Out: those that are still there.</summary>
    public List<SpoolSegment> Drained { get; } = [];

    /// <summary>In: events to write to <c>poison/</c>. Out: those that are not yet there.</summary>
    public List<PoisonedEvent> Poison { get; } = [];

    /// <summary>In: the newest segment is among the drained ones.</summary>
    public bool FinishesSegment { get; set; }

    /// <summary>In: this is the last work; every file is closed.</summary>
    public bool Closes { get; set; }

    /// <summary>Out: bytes that went with the drained segments.</summary>
    public long Freed { get; private set; }

    /// <summary>Out: what failed last.</summary>
    public string? Error { get; private set; }

    public void Execute()
    {
        Error = null;
        StoredPosition = null;
        Freed = 0;
        if (FinishesSegment)
        {
            writer.Finish();
            FinishesSegment = false;
        }

        Try(Remove);
        Try(KeepPoison);
        Try(WritePosition);
        if (Closes)
        {
            writer.Close();
            reader.Close();
            files.Close(positionFile);
        }
    }

    private void Remove()
    {
        while (Drained.Count > 0)
        {
            SpoolSegment segment = Drained[0];
            if (reader.Segment == segment)
            {
                reader.Close();
            }

            if (segment.IsDamaged)
            {
                SetAside(segment.Name);
            }
            else
            {
                files.Delete(segment.Name);
            }

            Freed += segment.FileSize;
            Drained.RemoveAt(0);
        }
    }

    /// <summary>Nothing is left to keep of a file that somebody has removed; those behind it must not wait for it.</summary>
    private void SetAside(string name)
    {
        try
        {
            broken.SetAside(name);
        }
        catch (SpoolFileException gone) when (gone.Error == SystemCalls.NotFound)
        {
        }
    }

    private void KeepPoison()
    {
        while (Poison.Count > 0)
        {
            poison.Add(Poison[0]);
            Poison.RemoveAt(0);
        }
    }

    // Two places in turn: a crash while one is written leaves the other.
    private void WritePosition()
    {
        if (Position is { } position)
        {
            SpoolFormat.WritePosition(_slot, position);
            files.Write(positionFile, _slot, (long)_nextSlot * SpoolFormat.PositionSlotDistance);
            files.Sync(positionFile);
            _nextSlot ^= 1;
            StoredPosition = position;
        }
    }

    private void Try(Action action)
    {
        try
        {
            action();
        }
        catch (SpoolFileException e)
        {
            Error = e.Message;
        }
    }
}
