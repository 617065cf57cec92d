namespace SinGateway.Spooling;

/// <summary>
/// Segments with something unreadable in them, renamed to <c>NAME.broken-N</c> so that somebody can look at them. The newest eight stay, within a
/// size; they count against that of the spool. Off the loop, one call at a time.
/// </summary>
internal sealed class BrokenSegments
{
    private const int MaxFiles = 8;

    private readonly ISpoolFiles _files;
    private readonly long _maxSize;
    private readonly List<(string Name, long Length)> _broken = [];

    /// <param name="files">Of the spool.</param>
    /// <param name="listing">What the spool's directory holds, by name.</param>
    /// <param name="maxSize">Bytes of all of them.</param>
    public BrokenSegments(ISpoolFiles files, IEnumerable<(string Name, long Length)> listing, long maxSize)
    {
        _files = files;
        _maxSize = maxSize;
        _broken.AddRange(listing.Where(file => file.Name.Contains(SpoolSegment.BrokenMark, StringComparison.Ordinal)));
    }

    /// <summary>Bytes of all of them.</summary>
    public long Size { get; private set; }

    /// <summary>Throws <see cref="SpoolFileException"/>, then perhaps with fewer of the old ones.</summary>
    public string SetAside(string name)
    {
        int n = 1;
        while (_broken.Exists(file => file.Name == $"{name}{SpoolSegment.BrokenMark}{n}"))
        {
            n++;
        }

        int descriptor = _files.Open(name);
        long length = _files.Length(descriptor);
        _files.Close(descriptor);
        string aside = $"{name}{SpoolSegment.BrokenMark}{n}";
        _files.Rename(name, aside);
        _broken.Add((aside, length));
        Trim();
        return aside;
    }

    public void Trim()
    {
        Size = _broken.Sum(file => file.Length);
        while (_broken.Count > MaxFiles || Size > _maxSize)
        {
            _files.Delete(_broken[0].Name);
            Size -= _broken[0].Length;
            _broken.RemoveAt(0);
        }
    }
}
