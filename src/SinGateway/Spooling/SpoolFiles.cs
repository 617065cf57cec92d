using SinGateway.Loop;

namespace SinGateway.Spooling;

/// <summary>The files of a spool in a directory of the system.</summary>
internal sealed class SpoolFiles(string directory) : ISpoolFiles
{
    private const int InputOutputError = 5;

    public int Create(string name) => Check(SystemCalls.OpenFile(PathOf(name), create: true));

    public int Open(string name) => Check(SystemCalls.OpenFile(PathOf(name), create: false));

    public void Close(int file) => SystemCalls.Close(file);

    public long Length(int file) => SystemCalls.FileLength(file) is var length and >= 0 ? length : throw Failure();

    public int Read(int file, Span<byte> buffer, long offset)
    {
        int filled = 0;
        while (filled < buffer.Length)
        {
            int count = SystemCalls.ReadAt(file, buffer[filled..], offset + filled);
            if (count == 0)
            {
                break;
            }

            filled += count > 0 ? count : ZeroIfInterrupted();
        }

        return filled;
    }

    public void Write(int file, ReadOnlySpan<byte> bytes, long offset)
    {
        while (!bytes.IsEmpty)
        {
            int count = SystemCalls.WriteAt(file, bytes, offset);
            count = count > 0 ? count : ZeroIfInterrupted();
            bytes = bytes[count..];
            offset += count;
        }
    }

    public void Sync(int file) => Check(SystemCalls.SyncData(file));

    public void SyncDirectory(string name)
    {
        int descriptor = Check(SystemCalls.OpenDirectory(PathOf(name)));
        try
        {
            Check(SystemCalls.Sync(descriptor));
        }
        finally
        {
            SystemCalls.Close(descriptor);
        }
    }

    public void Truncate(int file, long length) => Check(SystemCalls.Truncate(file, length));

    public void Delete(string name) => Guard(() => File.Delete(PathOf(name)));

    public void Rename(string name, string newName) => Guard(() => File.Move(PathOf(name), PathOf(newName), overwrite: true));

    public List<(string Name, long Length)> List(string name)
    {
        List<(string Name, long Length)> files = [];
        Guard(() => files.AddRange(new DirectoryInfo(PathOf(name)).EnumerateFiles().Select(file => (file.Name, file.Length))));
        files.Sort((left, right) => string.CompareOrdinal(left.Name, right.Name));
        return files;
    }

    private string PathOf(string name) => Path.Combine(directory, name);

    private static int ZeroIfInterrupted() => SystemCalls.LastError == SystemCalls.Interrupted ? 0 : throw Failure();

    private static int Check(int result) => result >= 0 ? result : throw Failure();

    private static SpoolFileException Failure() => new(SystemCalls.LastError);

    // .NET's exceptions carry the errno in the HResult, where they do.
    private static void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SpoolFileException((e.InnerException ?? e).HResult is > 0 and var error ? error : InputOutputError);
        }
    }
}
