using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace SinGateway.Spooling;

/// <summary>
/// A cluster's directory, held by a lock for the life of the process, and what the process before left in it. Nothing is appended to what is
/// found: a new process begins a new segment, so only the newest one can have been torn by a crash.
/// </summary>
/// <remarks>Opening blocks, for as long as reading the newest segment takes.</remarks>
internal sealed partial class SpoolDirectory : IDisposable
{
    private const string PositionName = "position";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int WouldBlock = 11;
    private const long BrokenShare = 4;

    private readonly ILogger _logger;
    private readonly FileStream _lock;

    private SpoolDirectory(string path, FileStream heldLock, ISpoolFiles files, SpoolOptions options, ILogger logger)
    {
        Path = path;
        _lock = heldLock;
        _logger = logger;
        Files = files;
        List<(string Name, long Length)> listing = files.List("");
        Broken = new BrokenSegments(files, listing, options.MaxSize / BrokenShare);
        Poison = new PoisonFolder(files, options.MaxPoisonFiles, options.MaxPoisonSize);
        Confirmed = OpenPosition(listing.Exists(file => file.Name == PositionName));
        Recover([.. listing.Select(file => SpoolSegment.TryParse(file.Name, out long index) ? index : 0).Where(index => index > 0).Order()]);
        Broken.Trim();
    }

    public string Path { get; }

    public ISpoolFiles Files { get; }

    public BrokenSegments Broken { get; }

    public PoisonFolder Poison { get; }

    /// <summary>Segments with records, oldest first.</summary>
    public List<SpoolSegment> Segments { get; } = [];

    public long NextIndex { get; private set; } = 1;

    /// <summary>Every record up to it was confirmed.</summary>
    public long Confirmed { get; private set; }

    /// <summary>The largest number that was ever given, as far as the files tell.</summary>
    public long Last { get; private set; }

    /// <summary>Records that are known to be missing.</summary>
    public long Lost { get; private set; }

    public int PositionFile { get; private set; } = -1;

    /// <summary>
    /// Locks and reads <c>DIRECTORY/cluster-N</c> (of another generation: <c>gen-COUNT-cluster-N</c>), made when it is missing. Throws <see cref="SpoolInUseException"/>, or <see
    /// cref="IOException"/> with a message for the operator.
    /// </summary>
    public static SpoolDirectory Open(SpoolOptions options, ILogger logger, Func<string, ISpoolFiles>? filesOf = null)
    {
        string parent = System.IO.Path.GetFullPath(options.Directory);
        string path = System.IO.Path.Combine(parent, $"{options.Generation}cluster-{options.Cluster}");
        FileStream? heldLock = null;
        try
        {
            if (!Directory.Exists(parent))
            {
                throw new DirectoryNotFoundException();
            }

            bool isNew = !Directory.Exists(path);
            foreach (string directory in (string[])[path, System.IO.Path.Combine(path, PoisonFolder.Directory)])
            {
                Directory.CreateDirectory(directory);
                File.SetUnixFileMode(directory, OwnerOnly | UnixFileMode.UserExecute);
            }

            heldLock = Lock(path);
            ISpoolFiles files = filesOf?.Invoke(path) ?? new SpoolFiles(path);
            if (isNew)
            {
                // What is fsynced in it is worth as much as its own name.
                files.SyncDirectory("..");
            }

            return new SpoolDirectory(path, heldLock, files, options, logger);
        }
        catch (Exception e)
        {
            heldLock?.Dispose();
            if (e is SpoolInUseException || e is not (IOException or UnauthorizedAccessException))
            {
                throw;
            }

            throw new IOException(
                $"spool {path} cannot be used ({ReasonOf(e)}); set spool.directory to an existing directory that this user may write", e);
        }
    }

    /// <summary>Lets another process have it. Its files are closed.</summary>
    public void Dispose() => _lock.Dispose();

    private static FileStream Lock(string path)
    {
        try
        {
            // FileShare.None is flock(LOCK_EX): the kernel lets go of it however the process ends.
            return new FileStream(System.IO.Path.Combine(path, "lock"), new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                BufferSize = 0,
                UnixCreateMode = OwnerOnly,
            });
        }
        catch (IOException e) when (e.HResult == WouldBlock)
        {
            throw new SpoolInUseException(path);
        }
    }

    private long OpenPosition(bool exists)
    {
        PositionFile = exists ? Files.Open(PositionName) : Files.Create(PositionName);
        byte[] content = new byte[SpoolFormat.PositionSize];
        Files.Read(PositionFile, content, 0);
        long position = Math.Max(SpoolFormat.ReadPosition(content), SpoolFormat.ReadPosition(content.AsSpan(SpoolFormat.PositionSlotDistance)));
        if (position < 0 && exists)
        {
            LogPositionUnreadable(Path);
        }

        // Both places at their full length: a later write then needs no room on the disk. It also shows at once whether writing works.
        SpoolFormat.WritePosition(content, Math.Max(position, 0));
        SpoolFormat.WritePosition(content.AsSpan(SpoolFormat.PositionSlotDistance), Math.Max(position, 0));
        Files.Write(PositionFile, content, 0);
        Files.Sync(PositionFile);
        Files.SyncDirectory("");
        return Math.Max(position, 0);
    }

    private void Recover(long[] indexes)
    {
        using SegmentScan scan = new();
        List<(long First, long FileLength, bool IsIntact)> headers = [];
        foreach (long index in indexes)
        {
            scan.ReadHeader(Files, SpoolSegment.NameOf(index));
            headers.Add((scan.First, scan.FileLength, scan.HasHeader));
            Confirmed = Math.Max(Confirmed, scan.HasHeader ? scan.Confirmed : 0);
        }

        Last = Confirmed;
        long? expected = null;
        for (int i = 0; i < indexes.Length; i++)
        {
            NextIndex = indexes[i] + 1;
            (long first, long length, bool isIntact) = headers[i];
            if (isIntact && expected is { } missing)
            {
                CountLost(missing, first - 1);
            }

            // The number of the next segment's first record tells where this one ends. Only the newest must be read to know.
            bool isNewest = i == indexes.Length - 1;
            if (isIntact && !isNewest && headers[i + 1].IsIntact)
            {
                long last = headers[i + 1].First - 1;
                Add(indexes[i], first, last, length, damaged: false);
                expected = last + 1;
            }
            else
            {
                expected = Inspect(scan, indexes[i], isNewest, expected ?? Confirmed + 1);
            }
        }
    }

    /// <summary>Reads a whole segment; returns the number that the next one should begin with.</summary>
    private long Inspect(SegmentScan scan, long index, bool isNewest, long expected)
    {
        string name = SpoolSegment.NameOf(index);
        scan.ReadAll(Files, name, expected);
        long last = Math.Max(scan.Last, expected - 1);
        if (scan.IsWhole && scan.Last > 0)
        {
            Add(index, scan.First, last, scan.FileLength, damaged: false, scan.End);
        }
        else if ((isNewest || scan.IsWhole) && scan.LastBeyond == 0)
        {
            CutTail(scan, index, name);
        }
        else if (scan.Last > 0)
        {
            Add(index, scan.First, last, scan.FileLength, damaged: true, scan.End);
            LogDamaged(Path, name, scan.End);
        }
        else
        {
            LogSetAside(Path, name, Broken.SetAside(name));
        }

        CountLost(last + 1, scan.LastBeyond);
        return Math.Max(last, scan.LastBeyond) + 1;
    }

    // Never reported as durable, so nobody counts on it. An empty segment is what a crash right after its creation leaves.
    private void CutTail(SegmentScan scan, long index, string name)
    {
        if (scan.Last > 0)
        {
            int file = Files.Open(name);
            Files.Truncate(file, scan.End);
            Files.Sync(file);
            Files.Close(file);
            Add(index, scan.First, scan.Last, scan.End, damaged: false, scan.End);
        }
        else
        {
            Files.Delete(name);
        }

        if (!scan.IsWhole)
        {
            LogCut(Path, name, scan.FileLength - scan.End);
        }
    }

    private void Add(long index, long first, long last, long size, bool damaged, long? end = null)
    {
        Segments.Add(new SpoolSegment(index) { First = first, Found = size, Length = end ?? size, Last = last, IsDamaged = damaged });
        Last = Math.Max(Last, last);
    }

    private void CountLost(long from, long through)
    {
        long lost = through - Math.Max(from - 1, Confirmed);
        if (lost > 0)
        {
            Lost += lost;
            LogLost(Path, lost);
        }

        Last = Math.Max(Last, through);
    }

    // .NET's own messages are not in the binary (UseSystemResourceKeys); the system's are. On Unix an HResult may be the errno.
    private static string ReasonOf(Exception e) => e switch
    {
        SpoolFileException => e.Message,
        DirectoryNotFoundException => "no such directory",
        UnauthorizedAccessException { InnerException: { HResult: > 0 } inner } => Marshal.GetPInvokeErrorMessage(inner.HResult),
        UnauthorizedAccessException => "permission denied",
        { HResult: > 0 } => Marshal.GetPInvokeErrorMessage(e.HResult),
        _ => "input/output error",
    };

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "spool {Path}: its position cannot be read, so events that were already forwarded may be forwarded again")]
    private partial void LogPositionUnreadable(string path);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "spool {Path}: a crash cut off the last write; its {Bytes} bytes at the end of {Segment} are removed (Discord sends those events again)")]
    private partial void LogCut(string path, string segment, long bytes);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "spool {Path}: {Segment} is damaged from byte {Offset} on; what is before it is forwarded, then the file is kept as {Segment}.broken-N. Check the disk")]
    private partial void LogDamaged(string path, string segment, long offset);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "spool {Path}: {Segment} cannot be read and is now {Aside}; the segments after it are used. Check the disk")]
    private partial void LogSetAside(string path, string segment, string aside);

    [LoggerMessage(Level = LogLevel.Error, Message = "spool {Path}: {Count} events are lost to damaged files")]
    private partial void LogLost(string path, long count);
}
