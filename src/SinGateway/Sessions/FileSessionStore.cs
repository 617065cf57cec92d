using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace SinGateway.Sessions;

/// <summary>
/// Sessions in a file, for one process without Redis, and the IDENTIFYs that were sent. The file is held by a lock on <c>NAME.lock</c> for the life of the process; that file
/// stays, because removing it would let two processes lock two files of the same name.
/// </summary>
internal sealed partial class FileSessionStore : ISessionStore, IIdentifyLedger
{
    // Some 300 bytes a shard; what is far above that was not written by us.
    private const int LargestFile = 16 * 1024 * 1024;
    private const int WouldBlock = 11;

    private readonly string _path;
    private readonly FileStream _lock;
    private readonly DurableFile _file;
    private readonly StateDocument _document;
    private readonly IdentifyRecord _loadedIdentifies;

    /// <summary>
    /// Sessions and IDENTIFYs are saved by different threads into one document. Guards all that saving uses; held while the disk is waited
    /// for, so no loop thread takes it.
    /// </summary>
    private readonly Lock _saving = new();

    // Reused by every save: at a save a second, garbage here would be the only garbage of an otherwise quiet process.
    private readonly ArrayBufferWriter<byte> _buffer = new(4096);
    private readonly Utf8JsonWriter _json;
    private bool _isClosed;

    private FileSessionStore(string path, FileStream heldLock, DurableFile file, StateDocument document)
    {
        _path = path;
        _lock = heldLock;
        _file = file;
        _document = document;
        _loadedIdentifies = document.Identifies ?? new IdentifyRecord();
        _json = new Utf8JsonWriter(_buffer);
    }

    /// <summary>
    /// Locks and reads the state file of <paramref name="bot"/> (a <see cref="BotId"/>). One that is torn, or of another bot, is renamed to
    /// <c>NAME.broken-N</c> and not used. Throws <see cref="StateFileInUseException"/>, or <see cref="IOException"/> with a message for the
    /// operator.
    /// </summary>
    public static FileSessionStore Open(string path, string bot, ILogger logger)
    {
        string fullPath = Path.GetFullPath(path);
        if (Directory.Exists(fullPath))
        {
            throw new IOException($"state file {fullPath} is a directory; set stateFile to a file, such as {Path.Combine(fullPath, "singateway.state")}");
        }

        FileStream? heldLock = null;
        DurableFile? file = null;
        try
        {
            heldLock = Lock(fullPath);
            file = new DurableFile(fullPath);
            return new FileSessionStore(fullPath, heldLock, file, Read(fullPath, bot, logger));
        }
        catch (Exception e)
        {
            file?.Dispose();
            heldLock?.Dispose();
            if (e is StateFileInUseException || e is not (IOException or UnauthorizedAccessException))
            {
                throw;
            }

            throw new IOException(
                $"state file {fullPath} cannot be used ({ReasonOf(e)}); set stateFile to a file in a directory that this user may write", e);
        }
    }

    public ValueTask<IReadOnlyList<SessionRecord>> LoadAsync(int firstShard, int count, CancellationToken cancellationToken) =>
        new([.. _document.Sessions.Where(session => session.ShardId >= firstShard && session.ShardId - firstShard < count)]);

    public ValueTask SaveAsync(ReadOnlyMemory<SessionRecord> records, CancellationToken cancellationToken)
    {
        lock (_saving)
        {
            foreach (ref readonly SessionRecord record in records.Span)
            {
                _document.Merge(record);
            }

            Write();
        }

        return ValueTask.CompletedTask;
    }

    IdentifyRecord IIdentifyLedger.Load() => _loadedIdentifies;

    void IIdentifyLedger.Save(IdentifyRecord record)
    {
        lock (_saving)
        {
            _document.Identifies = record;
            Write();
        }
    }

    public ValueTask DisposeAsync()
    {
        lock (_saving)
        {
            _isClosed = true;
            _json.Dispose();
            _file.Dispose();
            _lock.Dispose();
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>The caller holds the lock.</summary>
    private void Write()
    {
        if (_isClosed)
        {
            // Its lock may be another process's by now.
            throw new IOException($"state file {_path} is closed");
        }

        _buffer.ResetWrittenCount();
        _json.Reset(_buffer);
        JsonSerializer.Serialize(_json, _document, StateDocumentJson.Default.StateDocument);
        _json.Flush();
        try
        {
            _file.Replace(_buffer.WrittenSpan);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"state file {_path} cannot be written ({ReasonOf(e)})", e);
        }
    }

    private static FileStream Lock(string path)
    {
        try
        {
            // FileShare.None is flock(LOCK_EX): the kernel lets go of it however the process ends.
            return new FileStream(path + ".lock", new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                BufferSize = 0,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
        }
        catch (IOException e) when (e.HResult == WouldBlock)
        {
            throw new StateFileInUseException(path);
        }
    }

    private static StateDocument Read(string path, string bot, ILogger logger)
    {
        if (!File.Exists(path))
        {
            return new StateDocument { Bot = bot };
        }

        string reason = "it is too large to be a state file";
        StateDocument document = new() { Bot = bot };
        // StateDocument.TryParse gives an empty document of this bot when it refuses.
        if (new FileInfo(path).Length <= LargestFile && StateDocument.TryParse(File.ReadAllBytes(path), bot, out document, out reason))
        {
            if (document.Identifies is { IsLost: true })
            {
                LogIdentifiesLost(logger, path);
            }

            return document;
        }

        document.Identifies = new IdentifyRecord { IsLost = true };
        string aside = NameForBroken(path);
        File.Move(path, aside);
        LogSetAside(logger, path, reason, aside);
        return document;
    }

    private static string NameForBroken(string path)
    {
        int n = 1;
        while (File.Exists($"{path}.broken-{n}"))
        {
            n++;
        }

        return $"{path}.broken-{n}";
    }

    // .NET's own messages are not in the binary (UseSystemResourceKeys); the system's are. On Unix an HResult may be the errno.
    private static string ReasonOf(Exception e) => e switch
    {
        DirectoryNotFoundException => "no such directory",
        UnauthorizedAccessException { InnerException: { HResult: > 0 } inner } => Marshal.GetPInvokeErrorMessage(inner.HResult),
        UnauthorizedAccessException => "permission denied",
        { HResult: > 0 } => Marshal.GetPInvokeErrorMessage(e.HResult),
        _ => "input/output error",
    };

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "state file {Path} is not used: {Reason}. It is now {Aside}; shards without a session there identify again")]
    private static partial void LogSetAside(ILogger logger, string path, string reason, string aside);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "state file {Path} has no readable record of the IDENTIFYs that were sent: the day's limit counts from now on. Its sessions are used")]
    private static partial void LogIdentifiesLost(ILogger logger, string path);
}
