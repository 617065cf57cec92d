using System.Globalization;
using System.Text.Json;

namespace SinGateway.Benchmarks;

/// <summary>What the sandbox has counted; times in µs of its clock.</summary>
internal readonly record struct SandboxCounts(long Received, long Missing, long Wrong, long LastArrivalAt, long LatencyMedian, long Latency99);

/// <summary>
/// The sandbox as the load: a fake Discord with a stream for each shard, and a 신경 that swallows what comes for the application "sink".
/// </summary>
internal sealed class SandboxProcess : IAsyncDisposable
{
    public const string Application = "sink";

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    private readonly ChildProcess _process;
    private readonly HttpClient _control;
    private readonly int _shards;

    private SandboxProcess(ChildProcess process, JsonElement endpoints, int shards, string? certificateDirectory)
    {
        _process = process;
        _shards = shards;
        ApiBaseUrl = endpoints.GetProperty("api").GetString()!;
        GatewayPort = new Uri(endpoints.GetProperty("gateway").GetString()!).Port;
        SingyeongEndpoint = endpoints.GetProperty("singyeong").GetString()!;
        CertificateAuthority = certificateDirectory is null ? null : Path.Combine(certificateDirectory, "ca.pem");
        _control = new HttpClient { BaseAddress = new Uri(endpoints.GetProperty("control").GetString()!), Timeout = TimeSpan.FromMinutes(5) };
    }

    public string ApiBaseUrl { get; }

    public int GatewayPort { get; }

    /// <summary>host:port</summary>
    public string SingyeongEndpoint { get; }

    /// <summary>The file to trust when the sandbox speaks TLS; null when it does not.</summary>
    public string? CertificateAuthority { get; }

    /// <param name="certificateDirectory">Where the sandbox puts its certificates; TLS is off when it is null.</param>
    public static async Task<SandboxProcess> StartAsync(
        string executable, int shards, string? certificateDirectory, CancellationToken cancellationToken)
    {
        string count = shards.ToString(CultureInfo.InvariantCulture);
        List<string> arguments = ["serve", "--shards", count, "--max-concurrency", count, "--sink-application", Application];
        if (certificateDirectory is not null)
        {
            arguments.AddRange(["--tls", "--certificate-directory", certificateDirectory]);
        }
        ChildProcess process = ChildProcess.Start([executable, .. arguments]);
        string line = await process.FirstLineAsync(cancellationToken).WaitAsync(StartTimeout, cancellationToken).ConfigureAwait(false);
        if (!line.StartsWith('{'))
        {
            await process.StopAsync().ConfigureAwait(false);
            throw process.Gone();
        }
        using JsonDocument endpoints = JsonDocument.Parse(line);
        return new SandboxProcess(process, endpoints.RootElement, shards, certificateDirectory);
    }

    /// <summary>Waits until every shard is identified and has taken its guilds, and somebody is at 신경.</summary>
    public async Task WaitUntilConnectedAsync(ChildProcess forwarder, CancellationToken cancellationToken)
    {
        long started = Environment.TickCount64;
        while (true)
        {
            using JsonDocument statistics = await StatisticsAsync(cancellationToken).ConfigureAwait(false);
            JsonElement[] shards = [.. statistics.RootElement.GetProperty("discord").GetProperty("shards").EnumerateArray()];
            if (shards.Length == _shards
                && shards.All(shard => shard.GetProperty("connected").GetBoolean() && shard.GetProperty("unsent_bytes").GetInt64() == 0)
                && statistics.RootElement.GetProperty("singyeong").GetProperty("clients").GetArrayLength() > 0)
            {
                return;
            }
            Check(forwarder, started, ConnectTimeout, $"{shards.Length} of {_shards} shards are identified");
            await Task.Delay(PollInterval, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Sends <paramref name="events"/> events on each shard, compressed beforehand, and waits until all of them are at 신경.
    /// Returns the time from the first byte's leave to the last event's arrival.
    /// </summary>
    public async Task<TimeSpan> BurstAsync(int events, ChildProcess forwarder, CancellationToken cancellationToken)
    {
        await ResetCountsAsync(cancellationToken).ConfigureAwait(false);
        using JsonDocument burst = await PostAsync($"/discord/burst?shard=all&wait=false&events={events}", cancellationToken).ConfigureAwait(false);
        long releasedAt = burst.RootElement.GetProperty("released_at_us").GetInt64();
        long started = Environment.TickCount64;
        while (true)
        {
            SandboxCounts counts = await CountsAsync(cancellationToken).ConfigureAwait(false);
            if (counts.Missing == 0)
            {
                return TimeSpan.FromMicroseconds(counts.LastArrivalAt - releasedAt);
            }
            Check(forwarder, started, TimeSpan.FromMinutes(2), $"{counts.Missing} of {events * _shards} events have not arrived");
            await Task.Delay(PollInterval, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Events a second, evenly over all shards; 0 stops.</summary>
    public async Task PaceAsync(int eventsPerSecond, CancellationToken cancellationToken) =>
        (await PostAsync($"/discord/rate?events={eventsPerSecond}", cancellationToken).ConfigureAwait(false)).Dispose();

    /// <summary>Forgets what was counted until now.</summary>
    public async Task ResetCountsAsync(CancellationToken cancellationToken) =>
        (await PostAsync("/ledger/reset", cancellationToken).ConfigureAwait(false)).Dispose();

    public async Task<SandboxCounts> CountsAsync(CancellationToken cancellationToken)
    {
        using JsonDocument statistics = await StatisticsAsync(cancellationToken).ConfigureAwait(false);
        JsonElement ledger = statistics.RootElement.GetProperty("ledger");
        SandboxCounts counts = new(
            Count("received"),
            Count("missing"),
            Count("altered") + Count("seq_mismatches") + Count("foreign") + Count("duplicates") + Count("out_of_order"),
            Count("last_at_us"),
            ledger.GetProperty("latency_us").GetProperty("p50").GetInt64(),
            ledger.GetProperty("latency_us").GetProperty("p99").GetInt64());
        return counts.Wrong == 0
            ? counts
            : throw new InvalidOperationException($"what arrived is not what was sent, so that nothing can be measured: {ledger.GetRawText()}");

        long Count(string name) => ledger.GetProperty(name).GetInt64();
    }

    public async ValueTask DisposeAsync()
    {
        _control.Dispose();
        await _process.DisposeAsync().ConfigureAwait(false);
    }

    private void Check(ChildProcess forwarder, long started, TimeSpan timeout, string state)
    {
        if (forwarder.HasExited)
        {
            throw forwarder.Gone();
        }
        if (_process.HasExited)
        {
            throw _process.Gone();
        }
        if (Environment.TickCount64 - started > timeout.TotalMilliseconds)
        {
            throw new TimeoutException($"after {timeout.TotalSeconds:0} s {state}; {forwarder.Name} said:\n{forwarder.Output}");
        }
    }

    private async Task<JsonDocument> StatisticsAsync(CancellationToken cancellationToken) =>
        JsonDocument.Parse(await _control.GetByteArrayAsync("/stats", cancellationToken).ConfigureAwait(false));

    private async Task<JsonDocument> PostAsync(string command, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await _control.PostAsync(command, content: null, cancellationToken).ConfigureAwait(false);
        byte[] body = await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
        return response.IsSuccessStatusCode
            ? JsonDocument.Parse(body)
            : throw new InvalidOperationException($"the sandbox refused {command}: {System.Text.Encoding.UTF8.GetString(body)}");
    }
}
