using Microsoft.Extensions.Logging;
using SinGateway.Loop;

namespace SinGateway.Spooling;

/// <summary>
/// A bounded queue of events on the disk, first in, first out, that survives a crash at any moment (G13, G14): at least once, duplicates
/// possible, in order. Records go into memory and from there, many at a time, through one fsync into segment files; they are read back from
/// memory while they are there, else from the files, ahead of need. One file operation runs at a time, off the loop.
/// </summary>
/// <remarks>
/// <see cref="Open"/> blocks and belongs to the start; everything else belongs to the loop's thread, does no I/O, takes no lock, and allocates
/// nothing per record. Memory: <see cref="SpoolOptions.MemoryLimit"/> (spare chunks included) or one larger record, two blocks of <see
/// cref="SpoolOptions.BlockSize"/> or of one larger record each, and what <see cref="SetAside"/> was given.
/// </remarks>
internal sealed partial class Spool : IDisposable
{
    /// <summary>How often the confirmed mark is written: what was confirmed since is forwarded again after a crash.</summary>
    public const int PositionInterval = 1_000;

    public const int ShortestRetry = 1_000;
    public const int LongestRetry = 30_000;

    private const long SmallestSize = 1024 * 1024;

    private readonly SpoolOptions _options;
    private readonly EventLoop _loop;
    private readonly ILogger _logger;
    private readonly ISpoolThread _thread;
    private readonly SpoolDirectory _directory;
    private readonly List<SpoolSegment> _segments;
    private readonly SpoolMemory _memory;
    private readonly SegmentWriter _writer;
    private readonly SegmentReader _reader;
    private readonly SpoolReadAhead _readAhead;
    private readonly SpoolUpkeep _upkeep;
    private readonly List<PoisonedEvent> _poison = [];
    private readonly LoopTimer _retryWrite;
    private readonly LoopTimer _retryRead;
    private readonly LoopTimer _tick;
    private readonly Action _onWritten;
    private readonly Action _onRead;
    private readonly Action _onUpkept;
    private ISpoolListener? _listener;
    private Action<long>? _closed;
    private ISpoolWork? _running;

    private long _next;
    private long _durable;
    private long _writingFrom;
    private long _storedPosition;
    private long _segmentBytes;
    private long _brokenBytes;
    private long _pendingBytes;
    private long _poisonBytes;
    private int _retryDelay = ShortestRetry;
    private int _readFailures;
    private bool _startsNewSegment;
    private bool _refused;
    private bool _wantsRead;
    private bool _tickIsDue;
    private bool _upkeepFailing;
    private bool _finalWriteFailed;
    private bool _finalUpkeepDone;
    private bool _disposed;

    private Spool(SpoolOptions options, EventLoop loop, ILogger logger, ISpoolThread thread, SpoolDirectory directory)
    {
        _options = options;
        _loop = loop;
        _logger = logger;
        _thread = thread;
        _directory = directory;
        _segments = directory.Segments;
        _segmentBytes = _segments.Sum(segment => segment.FileSize);
        _brokenBytes = directory.Broken.Size;
        _memory = new SpoolMemory(options.MemoryLimit);
        _writer = new SegmentWriter(directory.Files, options.SegmentSize, directory.NextIndex);
        _reader = new SegmentReader(directory.Files);
        _readAhead = new SpoolReadAhead(_reader, options.BlockSize);
        _upkeep = new SpoolUpkeep(directory.Files, _writer, _reader, directory.Poison, directory.Broken, directory.PositionFile);
        _retryWrite = new LoopTimer(loop, Pump);
        _retryRead = new LoopTimer(loop, Pump);
        _tick = new LoopTimer(loop, OnTick);
        (_onWritten, _onRead, _onUpkept) = (OnWritten, OnRead, OnUpkept);
        Last = _durable = directory.Last;
        Confirmed = _storedPosition = directory.Confirmed;
        Lost = directory.Lost;
        _next = Confirmed + 1;
        SkipMissing();
    }

    /// <summary>The number of the record that was appended last.</summary>
    public long Last { get; private set; }

    /// <summary>Everything up to it was confirmed: it is not read again, not even after a crash a second from now.</summary>
    public long Confirmed { get; private set; }

    /// <summary>Everything up to it survives a crash or was confirmed, so it counts as settled (G14).</summary>
    public long Durable => Math.Max(_durable, Confirmed);

    /// <summary>Whether everything was read, so that what is newer may go another way. It may yet be unconfirmed.</summary>
    public bool IsEmpty => _next > Last;

    /// <summary>Records that were not read yet.</summary>
    public long Unread => Last - _next + 1;

    /// <summary>Records that turned out to be damaged, since the start (G4).</summary>
    public long Lost { get; private set; }

    /// <summary>Events that were set aside, since the start.</summary>
    public long Poisoned { get; private set; }

    public bool IsFailing { get; private set; }

    /// <summary>Bytes that count against the size: on the disk, and on their way there.</summary>
    public long Bytes => SizeWith(0);

    /// <summary>What <see cref="Bytes"/> may be.</summary>
    public long MaximumBytes => _options.MaxSize;

    /// <summary>Bytes of memory for records that are on their way to the disk.</summary>
    public long MemoryBytes => _memory.ReservedBytes;

    /// <summary>The largest payload in bytes that is ever accepted.</summary>
    public int MaximumPayload => (int)Math.Min(SpoolFormat.MaximumPayload, _options.MaxSize / 2);

    /// <summary>
    /// Opens or makes <c>DIRECTORY/cluster-N</c>. Blocks; any thread, before the loop uses it. Throws <see cref="SpoolInUseException"/>, or
    /// <see cref="IOException"/> with a message for the operator.
    /// </summary>
    /// <param name="options">Where, and how large; at least 1 MiB.</param>
    /// <param name="loop">The loop that everything else is called on.</param>
    /// <param name="logger">Told of damage, and once when writing starts to fail and when it works again.</param>
    /// <param name="thread">Where file operations run; the thread pool unless a test decides.</param>
    /// <param name="filesOf">The files of a directory; those of the system unless a test fails them.</param>
    public static Spool Open(
        SpoolOptions options, EventLoop loop, ILogger logger, ISpoolThread? thread = null, Func<string, ISpoolFiles>? filesOf = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxSize, SmallestSize);
        SpoolDirectory directory = SpoolDirectory.Open(options, logger, filesOf);
        return new Spool(options, loop, logger, thread ?? new PooledSpoolThread(loop), directory);
    }

    /// <summary>Once: begins to read ahead what an earlier process left, and calls <paramref name="listener"/> from now on.</summary>
    public void Start(ISpoolListener listener)
    {
        _loop.AssertOnThread();
        _listener = listener;
        if (!IsEmpty)
        {
            LogFound(_directory.Path, Unread, _segmentBytes);
        }

        // What was drained before may still lie here.
        _tick.Start(PositionInterval);
        Pump();
    }

    /// <summary>
    /// Copies the record to the end of the queue. False when it is full, on the disk or in memory, or failing, or closing: <see
    /// cref="ISpoolListener.OnRoom"/> follows. The record's own number is not looked at.
    /// </summary>
    /// <param name="record">Its payload has at most <see cref="MaximumPayload"/> bytes, else this throws: who calls sets it aside.</param>
    /// <param name="number">What <see cref="ISpoolListener.OnDurable"/> and <see cref="Confirm"/> will speak of.</param>
    public bool TryAppend(in SpoolRecord record, out long number)
    {
        _loop.AssertOnThread();
        ArgumentOutOfRangeException.ThrowIfGreaterThan(record.Payload.Length, MaximumPayload);
        int size = SpoolFormat.RecordHeader + record.Payload.Length;
        number = 0;
        if (IsFailing || _closed is not null || !_memory.HasRoom(size) || SizeWith(size) > _options.MaxSize)
        {
            _refused = true;
            return false;
        }

        number = ++Last;
        _memory.Append(record, number, size);
        _pendingBytes += size;
        Pump();
        return true;
    }

    /// <summary>
    /// The next record, in order, durable or not. When false, and the spool is not empty, <see cref="ISpoolListener.OnReadReady"/> follows.
    /// </summary>
    public bool TryRead(out SpoolRecord record)
    {
        if (!TryPeek(out record))
        {
            return false;
        }

        Pass(record.Number);
        return true;
    }

    /// <summary>As <see cref="TryRead"/>, for who must look at the record before it can be taken: it stays the next one until <see cref="Pass"/>.</summary>
    public bool TryPeek(out SpoolRecord record)
    {
        _loop.AssertOnThread();
        if (_memory.FirstChunkLast < _next)
        {
            ReleaseMemory();
        }

        if (_readAhead.TryPeek(_next, out record))
        {
            return true;
        }

        SkipMissing();
        if (_next >= _memory.First && _next <= _memory.Last)
        {
            record = _memory.Read(_next);
            return true;
        }

        _wantsRead = !IsEmpty;
        Pump();
        return false;
    }

    /// <summary>The record of this number, which <see cref="TryPeek"/> answered, is read. Its spans hold on until the next call.</summary>
    public void Pass(long number)
    {
        _next = number + 1;
        _readAhead.Pass();
        Pump();
    }

    /// <summary>
    /// Every record up to <paramref name="number"/>, which was read, has arrived where it belongs. Written down about once a second.
    /// </summary>
    public void Confirm(long number)
    {
        _loop.AssertOnThread();
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(number, _next);
        if (number <= Confirmed)
        {
            return;
        }

        Confirmed = number;
        ReleaseMemory();
        if (!_tick.IsRunning)
        {
            _tick.Start(PositionInterval);
        }

        Pump();
        TellRoom();
    }

    /// <summary>
    /// Keeps a copy of the event in <c>poison/</c>, soon. False when more than <see cref="SpoolOptions.MemoryLimit"/> already waits for the
    /// disk: then it is not kept. It need not come from the spool, and is not removed from it; one that was read holds on.
    /// </summary>
    /// <param name="record">The event; its number is not looked at.</param>
    /// <param name="reason">A few words for the first line of the file.</param>
    public bool SetAside(in SpoolRecord record, string reason)
    {
        _loop.AssertOnThread();
        if (_closed is not null || _poisonBytes > _options.MemoryLimit)
        {
            return false;
        }

        PoisonedEvent poison = PoisonedEvent.Of(record, reason);
        _poison.Add(poison);
        _poisonBytes += poison.Content.Length;
        Poisoned++;
        Pump();
        return true;
    }

    /// <summary>
    /// Once: appends nothing more, writes what is left, and calls <paramref name="closed"/> with the number of accepted records that could not be
    /// written and were not confirmed; 0 unless the disk fails. Then another process may have the directory. The loop must go on until then.
    /// </summary>
    public void Close(Action<long> closed)
    {
        _loop.AssertOnThread();
        _closed = closed;
        _tick.Stop();
        _retryRead.Stop();
        _retryWrite.Stop();
        Pump();
    }

    /// <summary>
    /// Gives the memory back, on the loop's thread or after its end. Without <see cref="Close"/> it is as if the process had died here;
    /// memory that a file operation is using stays until the process ends.
    /// </summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        if (_running is null)
        {
            if (!_finalUpkeepDone)
            {
                _writer.Close();
                _reader.Close();
                _directory.Files.Close(_directory.PositionFile);
            }

            _memory.Dispose();
            _readAhead.Dispose();
        }

        _directory.Dispose();
    }

    /// <summary>
    /// Bytes of everything with another <paramref name="record"/>. Two neighbouring segments together hold more than the size of one, which
    /// bounds how many headers what is pending can need.
    /// </summary>
    private long SizeWith(long record)
    {
        long pending = _pendingBytes + record;
        long headers = ((pending * 2 / _options.SegmentSize) + 2) * SpoolFormat.SegmentHeader;
        return SpoolFormat.PositionSize + _brokenBytes + _segmentBytes + pending + headers;
    }

    /// <summary>Chunks whose records are durable go, unless they will be read from memory soon and there is room enough for that.</summary>
    private void ReleaseMemory()
    {
        while (_memory.FirstChunkLast is var last and > 0 && last <= Durable && (_running != _writer || last < _writingFrom))
        {
            bool isReadFrom = _next >= _memory.First && _next <= last && _readAhead.IsEmpty;
            if (isReadFrom && !_memory.IsHalfFull)
            {
                break;
            }

            _pendingBytes -= _memory.ReleaseFirst(_durable + 1);
        }
    }
}
