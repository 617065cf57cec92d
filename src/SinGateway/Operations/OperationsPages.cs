using System.Text.Encodings.Web;
using System.Text.Json;

namespace SinGateway.Operations;

/// <summary>
/// What the endpoints answer. Status and metrics are written once for a snapshot, however many ask at once. Belongs to the server's thread.
/// </summary>
internal sealed class OperationsPages(StatusBoard board, TimeProvider time)
{
    /// <summary>Reasons that <c>/readyz</c> lists; one more says how many are left out.</summary>
    public const int MaximumReasons = 16;

    /// <summary>How long a page may be given out again, in ms: what it says of the process changes between snapshots too.</summary>
    private const int PageLife = 500;

    private const string Json = "application/json; charset=utf-8";

    /// <summary>An operator reads it with curl, so 신경 stands there as it is.</summary>
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly SharedPage _status = new();
    private readonly SharedPage _metrics = new();

    /// <summary>Once somebody has asked for it.</summary>
    private HttpAnswer? _page;

    /// <summary>The answer to a GET; null where there is nothing.</summary>
    public HttpAnswer? Answer(ReadOnlySpan<byte> path) => path switch
    {
        _ when path.SequenceEqual("/livez"u8) => Live(),
        _ when path.SequenceEqual("/readyz"u8) => Ready(),
        _ when path.SequenceEqual("/status"u8) => new HttpAnswer(200, Json, _status.Get(time, PageLife, WriteStatus)),
        _ when path.SequenceEqual("/metrics"u8) => new HttpAnswer(200, MetricsWriter.ContentType, _metrics.Get(time, PageLife, page => MetricsPage.Write(board.Process, board.Read(), page))),
        _ when path.SequenceEqual("/"u8) => _page ??= StatusPage.Read(),
        _ => null,
    };

    private HttpAnswer Live() => board.IsStalled
        ? HttpAnswer.Text(503, Stall())
        : HttpAnswer.Text(200, board.Stage switch
        {
            StatusStage.Starting => "alive, starting\n",
            StatusStage.StandingBy => "alive, standing by\n",
            StatusStage.Refused => "alive, refused\n",
            _ => "alive\n",
        });

    private string Stall() => $"the loop has not turned for {(long)board.SinceTurn.TotalSeconds} s\n";

    private HttpAnswer Ready()
    {
        List<string> reasons = Reasons();
        PageBuffer page = new();
        using (var json = new Utf8JsonWriter(page, Readable))
        {
            JsonSerializer.Serialize(json, new Readiness(reasons.Count == 0, reasons), StatusJson.Default.Readiness);
        }

        page.Append("\n"u8);
        return new HttpAnswer(reasons.Count == 0 ? 200 : 503, Json, page);
    }

    private List<string> Reasons()
    {
        List<string> reasons = [];
        StatusSnapshot? snapshot = board.Read();
        if (board.Stage == StatusStage.Stopping)
        {
            reasons.Add("the gateway is stopping");
        }
        else if (board.Stage == StatusStage.StandingBy)
        {
            reasons.Add("the gateway stands by: another process runs its cluster, or Redis is away");
        }
        else if (board.Stage == StatusStage.Refused)
        {
            reasons.Add(board.Refusal!);
        }
        else if (snapshot is null)
        {
            reasons.Add("the gateway is starting");
        }

        if (snapshot is null)
        {
            return reasons;
        }

        if (snapshot.Stalled)
        {
            reasons.Add(Stall().TrimEnd());
        }

        foreach (ref readonly BrokerStatus broker in snapshot.Connections.AsSpan())
        {
            if (!broker.Connected)
            {
                reasons.Add(snapshot.Connections.Length == 1 ? "신경 is not connected" : $"connection {broker.Connection} to 신경 is not ready");
            }
        }

        foreach (ref readonly ShardStatus shard in snapshot.Shards.AsSpan())
        {
            if (shard.State != ShardPhaseNames.Ready)
            {
                reasons.Add($"shard {shard.Id} is not ready: {shard.State}");
            }
        }

        if (reasons.Count > MaximumReasons)
        {
            int left = reasons.Count - MaximumReasons;
            reasons.RemoveRange(MaximumReasons, left);
            reasons.Add($"and {left} more");
        }

        return reasons;
    }

    private void WriteStatus(PageBuffer page)
    {
        using (var json = new Utf8JsonWriter(page, Readable))
        {
            if (board.Read() is { } snapshot)
            {
                JsonSerializer.Serialize(json, snapshot, StatusJson.Default.StatusSnapshot);
            }
            else
            {
                string stage = board.Stage switch { StatusStage.StandingBy => "standing by", StatusStage.Refused => "refused", _ => "starting" };
                JsonSerializer.Serialize(json, new StartingStatus(board.Process, stage, board.Refusal, board.Faults.Newest()), StatusJson.Default.StartingStatus);
            }
        }

        page.Append("\n"u8);
    }
}
