using Microsoft.Extensions.Logging;
using SinGateway.Loop;
using SinGateway.Spooling;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests.Spooling;

/// <summary>
/// One process' life with a spool, on the test's thread: the loop is not running, file operations and timers run when they are told to.
/// Payloads follow from the seq, so that what comes back can be checked.
/// </summary>
internal sealed class SpoolUnderTest : IDisposable
{
    private static readonly byte[] Tag = "12ab34cd"u8.ToArray();

    private readonly EventLoop _loop = new(TimeProvider.System);

    public SpoolUnderTest(SpoolOptions options, ILogger? logger = null, bool start = true)
    {
        Options = options;
        Spool = Spool.Open(options, _loop, logger ?? Logger, Thread, path => Files = new FaultyFiles(path));
        if (start)
        {
            Spool.Start(Listener);
        }
    }

    public EventLoop Loop => _loop;

    public SpoolOptions Options { get; }

    public RecordingLogger Logger { get; } = new();

    public ManualSpoolThread Thread { get; } = new();

    public RecordingSpoolListener Listener { get; } = new();

    public FaultyFiles Files { get; private set; } = null!;

    public Spool Spool { get; }

    public string Path => System.IO.Path.Combine(Options.Directory, $"cluster-{Options.Cluster}");

    /// <summary>Every segment, set aside or not, oldest first.</summary>
    public string[] SegmentFiles => SegmentFilesOf(Path);

    public static string[] SegmentFilesOf(string path) => [.. Directory.GetFiles(path, "*.segment*").Order(StringComparer.Ordinal)];

    public static byte[] PayloadOf(long seq, int size)
    {
        byte[] payload = new byte[size];
        new Random((int)seq).NextBytes(payload);
        return payload;
    }

    /// <summary>Sizes from 0 to 3,000 bytes that follow from the seq.</summary>
    public static int SizeOf(long seq) => (int)(seq * 7919 % 3001);

    public bool TryAppend(long seq, int? size = null) => TryAppend(seq, size ?? SizeOf(seq), out _);

    public bool TryAppend(long seq, int size, out long number) => Spool.TryAppend(RecordOf(seq, PayloadOf(seq, size)), out number);

    public static SpoolRecord RecordOf(long seq, ReadOnlySpan<byte> payload) => new()
    {
        ShardId = (int)(seq % 16),
        SessionTag = Tag,
        Seq = seq,
        RuleIndex = (int)(seq % 5),
        ReceivedAt = 1_700_000_000_000 + seq,
        Payload = payload,
    };

    /// <summary>Reads until nothing comes any more, running file operations; the seqs of whole records, each checked against what was put in.</summary>
    public List<long> ReadAll(int? size = null)
    {
        List<long> seqs = [];
        do
        {
            while (Spool.TryRead(out SpoolRecord record))
            {
                seqs.Add(Check(record, size ?? SizeOf(record.Seq)));
            }
        }
        while (Thread.RunOne());

        return seqs;
    }

    /// <summary>The seq of a record that is exactly what was appended; throws when it is not.</summary>
    public static long Check(SpoolRecord record, int size)
    {
        SpoolRecord expected = RecordOf(record.Seq, PayloadOf(record.Seq, size));
        bool same = record.ShardId == expected.ShardId
            && record.SessionTag.SequenceEqual(expected.SessionTag)
            && record.RuleIndex == expected.RuleIndex
            && record.ReceivedAt == expected.ReceivedAt
            && record.Payload.SequenceEqual(expected.Payload);
        return same ? record.Seq : throw new InvalidDataException($"record {record.Number}, seq {record.Seq} is not what was appended");
    }

    /// <summary>Fires every timer that runs, whenever it is due, then runs the file operations.</summary>
    public void PassTime()
    {
        _loop.Timers.FireDue(long.MaxValue);
        Thread.RunAll();
    }

    /// <summary>A clean end; the records that could not be written.</summary>
    public long Close()
    {
        long? unsaved = null;
        Spool.Close(count => unsaved = count);
        Thread.RunAll();
        return unsaved ?? throw new InvalidOperationException("the spool did not close");
    }

    public long DiskBytes => new DirectoryInfo(Path).EnumerateFiles().Sum(file => file.Length);

    public void Dispose()
    {
        Spool.Dispose();
        _loop.Dispose();
    }
}
