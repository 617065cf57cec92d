namespace SinGateway.Spooling;

/// <summary>
/// The records that were read and are not settled, in the order of their numbers: tells up to where everything is (the low-water mark). Holds
/// no more than twice what is open, and allocates only to grow.
/// </summary>
internal sealed class SpoolWindow
{
    private const int SmallestCapacity = 256;

    private Entry[] _entries = new Entry[SmallestCapacity];
    private int _start;
    private int _end;

    /// <summary>Entries from <see cref="_start"/> on that are settled and not at the front.</summary>
    private int _settled;

    public bool IsEmpty => _start == _end;

    /// <summary>The first record that is not settled; there is one.</summary>
    public long First => _entries[_start].Number;

    /// <summary>Records that are not settled.</summary>
    public int Open => _end - _start - _settled;

    /// <summary>The record of this number, larger than all before, was read and has as many copies on their way, at least one.</summary>
    public void Add(long number, int copies)
    {
        if (_end == _entries.Length)
        {
            Compact();
        }

        _entries[_end++] = new Entry(number, copies);
    }

    /// <summary>One copy of a record is settled; ignored when it is not open.</summary>
    public void Settle(long number)
    {
        int index = Find(number);
        if (index < 0 || _entries[index].Copies == 0 || --_entries[index].Copies > 0)
        {
            return;
        }

        _settled++;
        while (_start < _end && _entries[_start].Copies == 0)
        {
            _start++;
            _settled--;
        }

        if (IsEmpty)
        {
            _start = _end = 0;
            if (_entries.Length > SmallestCapacity)
            {
                _entries = new Entry[SmallestCapacity];
            }
        }
    }

    private int Find(long number)
    {
        int low = _start, high = _end - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            long found = _entries[middle].Number;
            if (found == number)
            {
                return middle;
            }

            (low, high) = found < number ? (middle + 1, high) : (low, middle - 1);
        }

        return -1;
    }

    /// <summary>Leaves out what is settled; when that does not make much room, there is more of it.</summary>
    private void Compact()
    {
        Entry[] target = Open > _entries.Length / 2 ? new Entry[_entries.Length * 2] : _entries;
        int count = 0;
        for (int i = _start; i < _end; i++)
        {
            if (_entries[i].Copies > 0)
            {
                target[count++] = _entries[i];
            }
        }

        (_entries, _start, _end, _settled) = (target, 0, count, 0);
    }

    private struct Entry(long number, int copies)
    {
        public readonly long Number = number;

        public int Copies = copies;
    }
}
