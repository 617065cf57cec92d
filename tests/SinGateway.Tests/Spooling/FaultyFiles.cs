using SinGateway.Spooling;

namespace SinGateway.Tests.Spooling;

/// <summary>
/// The files of a directory, with faults: each call can be refused, and a power loss can be had, which takes what was not flushed, or a random
/// part of it.
/// </summary>
internal sealed class FaultyFiles(string directory) : ISpoolFiles
{
    public const int NoSpace = 28;
    public const int InputOutput = 5;

    private readonly SpoolFiles _files = new(directory);
    private readonly Dictionary<int, string> _names = [];
    private readonly Dictionary<string, byte[]> _flushed = [];

    /// <summary>Asked before each call with its name and the file's; an errno to refuse it, 0 to let it pass.</summary>
    public Func<string, string, int> Fault { get; set; } = (_, _) => 0;

    /// <summary>When a write is refused, this many bytes of it are written nevertheless.</summary>
    public int WrittenBeforeFault { get; set; }

    public Dictionary<string, int> Calls { get; } = [];

    /// <summary>The directories that were flushed, "" being the spool's own.</summary>
    public List<string> SyncedDirectories { get; } = [];

    public int Create(string name)
    {
        Meet("create", name);
        int file = _files.Create(name);
        _names[file] = name;
        _flushed[name] = [];
        return file;
    }

    public int Open(string name)
    {
        Meet("open", name);
        int file = _files.Open(name);
        _names[file] = name;
        return file;
    }

    public void Close(int file)
    {
        _names.Remove(file);
        _files.Close(file);
    }

    public long Length(int file) => _files.Length(file);

    public int Read(int file, Span<byte> buffer, long offset)
    {
        Meet("read", _names[file]);
        return _files.Read(file, buffer, offset);
    }

    public void Write(int file, ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            Meet("write", _names[file]);
        }
        catch (SpoolFileException)
        {
            _files.Write(file, bytes[..Math.Min(WrittenBeforeFault, bytes.Length)], offset);
            throw;
        }

        _files.Write(file, bytes, offset);
    }

    public void Sync(int file)
    {
        Meet("sync", _names[file]);
        _files.Sync(file);
        byte[] content = new byte[_files.Length(file)];
        _files.Read(file, content, 0);
        _flushed[_names[file]] = content;
    }

    public void SyncDirectory(string name)
    {
        Meet("syncdirectory", name);
        _files.SyncDirectory(name);
        SyncedDirectories.Add(name);
    }

    public void Truncate(int file, long length)
    {
        Meet("truncate", _names[file]);
        _files.Truncate(file, length);
    }

    public void Delete(string name)
    {
        Meet("delete", name);
        _files.Delete(name);
        _flushed.Remove(name);
    }

    public void Rename(string name, string newName)
    {
        Meet("rename", name);
        _files.Rename(name, newName);
    }

    public List<(string Name, long Length)> List(string name) => _files.List(name);

    /// <summary>What was never flushed is gone, or a random part of it, with or without rubbish behind.</summary>
    public void LosePower(Random random)
    {
        foreach ((string name, byte[] flushed) in _flushed)
        {
            string path = Path.Combine(directory, name);
            if (!File.Exists(path))
            {
                continue;
            }

            byte[] content = File.ReadAllBytes(path);
            int kept = content.Length > flushed.Length ? random.Next(flushed.Length, content.Length + 1) : flushed.Length;
            byte[] rest = new byte[kept];
            flushed.CopyTo(rest, 0);
            if (random.Next(2) == 0)
            {
                content.AsSpan(flushed.Length, kept - flushed.Length).CopyTo(rest.AsSpan(flushed.Length));
            }

            File.WriteAllBytes(path, rest);
        }
    }

    private void Meet(string call, string name)
    {
        Calls[call] = Calls.GetValueOrDefault(call) + 1;
        if (Fault(call, name) is var error and > 0)
        {
            throw new SpoolFileException(error);
        }
    }
}
