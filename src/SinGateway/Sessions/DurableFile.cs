using Microsoft.Win32.SafeHandles;
using SinGateway.Loop;

namespace SinGateway.Sessions;

/// <summary>
/// A file that is replaced as a whole and survives a crash at any moment, as the old one or as the new one: written beside it, flushed,
/// renamed over it, and the directory flushed. Mode 0600. One writer; its owner holds a lock.
/// </summary>
internal sealed class DurableFile : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string _path;
    private readonly string _temporaryPath;
    private readonly SafeFileHandle _directory;

    /// <summary>Takes a full path, and shows that its directory can be written. Throws as the file system does.</summary>
    public DurableFile(string path)
    {
        _path = path;
        _temporaryPath = path + ".tmp";
        _directory = OpenDirectory(Path.GetDirectoryName(path)!);

        // Removes what a crash left between write and rename, too.
        File.Delete(_temporaryPath);
        OpenTemporary().Dispose();
        File.Delete(_temporaryPath);
    }

    /// <summary>
    /// Returns when <paramref name="content"/> is on the disk. Throws <see cref="IOException"/> and <see
    /// cref="UnauthorizedAccessException"/>.
    /// </summary>
    public void Replace(ReadOnlySpan<byte> content)
    {
        using (SafeFileHandle file = OpenTemporary())
        {
            RandomAccess.Write(file, content, fileOffset: 0);
            RandomAccess.FlushToDisk(file);
        }

        File.Move(_temporaryPath, _path, overwrite: true);
        RandomAccess.FlushToDisk(_directory);
    }

    public void Dispose() => _directory.Dispose();

    private SafeFileHandle OpenTemporary()
    {
        SafeFileHandle file = File.OpenHandle(_temporaryPath, FileMode.Create, FileAccess.Write);
        File.SetUnixFileMode(file, OwnerOnly);
        return file;
    }

    // .NET opens no directories, and a rename is durable only once its directory is.
    private static SafeFileHandle OpenDirectory(string path)
    {
        int descriptor = SystemCalls.OpenDirectory(path);
        int error = SystemCalls.LastError;
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw new IOException(path, error);
    }
}
