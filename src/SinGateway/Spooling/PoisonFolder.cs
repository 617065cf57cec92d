namespace SinGateway.Spooling;

/// <summary>
/// Events that were set aside (G11, G13), one file each in <c>poison/</c>. Bounded by number and bytes; the oldest goes, because the one that
/// an operator looks for is the one that was just reported. Off the loop, one call at a time.
/// </summary>
internal sealed class PoisonFolder
{
    public const string Directory = "poison";
    public const string Suffix = ".event";

    private const string Temporary = ".tmp";

    private readonly ISpoolFiles _files;
    private readonly int _maxFiles;
    private readonly long _maxSize;
    private readonly List<(string Name, long Length)> _kept = [];
    private long _size;

    /// <summary>Looks at what is there; the directory exists. Throws <see cref="SpoolFileException"/>.</summary>
    public PoisonFolder(ISpoolFiles files, int maxFiles, long maxSize)
    {
        _files = files;
        _maxFiles = maxFiles;
        _maxSize = maxSize;
        foreach ((string name, long length) in files.List(Directory))
        {
            if (name.EndsWith(Suffix, StringComparison.Ordinal))
            {
                _kept.Add((name, length));
                _size += length;
            }
            else if (name.EndsWith(Temporary, StringComparison.Ordinal))
            {
                files.Delete($"{Directory}/{name}");
            }
        }
    }

    /// <summary>Returns when the event is on the disk. One that is larger than the whole folder may be is kept alone.</summary>
    public void Add(PoisonedEvent poison)
    {
        string path = $"{Directory}/{poison.Name}";
        int known = _kept.FindIndex(kept => kept.Name == poison.Name);
        if (known >= 0)
        {
            Forget(known);
        }

        while (_kept.Count > 0 && (_kept.Count >= _maxFiles || _size + poison.Content.Length > _maxSize))
        {
            _files.Delete($"{Directory}/{_kept[0].Name}");
            Forget(0);
        }

        _files.Delete(path + Temporary);
        int file = _files.Create(path + Temporary);
        try
        {
            _files.Write(file, poison.Content, 0);
            _files.Sync(file);
        }
        finally
        {
            _files.Close(file);
        }

        _files.Rename(path + Temporary, path);
        _files.SyncDirectory(Directory);
        _kept.Add((poison.Name, poison.Content.Length));
        _size += poison.Content.Length;
    }

    private void Forget(int index)
    {
        _size -= _kept[index].Length;
        _kept.RemoveAt(index);
    }
}
