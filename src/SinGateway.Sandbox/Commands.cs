using ConsoleAppFramework;
using SinGateway.Sandbox.Demo;
using SinGateway.Sandbox.Singyeong;

namespace SinGateway.Sandbox;

/// <summary>The command line.</summary>
internal sealed class Commands
{
    /// <summary>
    /// A fake Discord (REST and gateway) and a fake 신경 in one process, on 127.0.0.1 only. Prints its addresses as one JSON line; GET /stats
    /// of the control address tells everything, GET /help lists the faults that can be ordered.
    /// </summary>
    /// <param name="gatewayPort">Discord's REST and gateway; 0 takes a free port.</param>
    /// <param name="singyeongPort">신경; 0 takes a free port.</param>
    /// <param name="controlPort">The control API; 0 takes a free port.</param>
    /// <param name="tls">Serve Discord and 신경 over TLS, with a certificate for localhost and 127.0.0.1 made at the start.</param>
    /// <param name="certificate">valid, wrong-name, expired or unknown-ca.</param>
    /// <param name="host">The name in the addresses that are told, and in the certificate; else localhost with TLS, and 127.0.0.1 without.</param>
    /// <param name="certificateDirectory">Where to write ca.pem, the authority to trust.</param>
    /// <param name="shards">The recommended shard count, and the number of event streams.</param>
    /// <param name="maxConcurrency">IDENTIFY buckets.</param>
    /// <param name="sessionLimitTotal">session_start_limit.total.</param>
    /// <param name="sessionLimitRemaining">session_start_limit.remaining at the start.</param>
    /// <param name="identifyInterval">ms between two IDENTIFYs of a bucket (Discord: 5000).</param>
    /// <param name="token">The only bot token that is accepted; without, any is.</param>
    /// <param name="disallowedIntents">Privileged intent bits that are refused with 4014.</param>
    /// <param name="heartbeatInterval">ms between heartbeats of a shard.</param>
    /// <param name="guilds">Guilds of each shard.</param>
    /// <param name="largeGuildBytes">Size of the GUILD_CREATE of shard 0's first guild.</param>
    /// <param name="payloadBytes">Size of a MESSAGE_CREATE, about.</param>
    /// <param name="rate">MESSAGE_CREATEs a second over all shards.</param>
    /// <param name="replayEvents">Events that a session keeps for RESUME.</param>
    /// <param name="replaySeconds">How long a session without a connection lives.</param>
    /// <param name="trimAtHeartbeat">Drop the replay buffer up to a heartbeat's seq.</param>
    /// <param name="resumeUrl">on, off (READY has none), or a URL to give instead.</param>
    /// <param name="compressionLevel">Of zlib-stream, 1 to 9. A steady load costs a third at 1.</param>
    /// <param name="seed">Of all that is random.</param>
    /// <param name="singyeongRate">
    /// Messages a second that 신경 processes, over all connections; 0 is no limit (the real one: about 3000).
    /// </param>
    /// <param name="singyeongPassword">Clients with another password, or none, are restricted.</param>
    /// <param name="singyeongHeartbeatInterval">ms between heartbeats of a 신경 client.</param>
    /// <param name="sinkApplication">An application whose messages are checked and counted, and delivered to nobody.</param>
    /// <param name="noBugs">A 신경 without any of the real one's bugs; the next switches mend one each.</param>
    /// <param name="noRouteAnswers">no_route with ops is answered in place of closing with 1011.</param>
    /// <param name="operatorsWork">$ne, $nin, $ncontains, $and [], to.path, $avg and selectors without a match do not kill.</param>
    /// <param name="inMatches">$in matches.</param>
    /// <param name="digitsMatch">Path segments with digits match.</param>
    /// <param name="listsEqual">$eq works on lists.</param>
    /// <param name="versionsCompare">Versions compare as versions.</param>
    /// <param name="maxNeedsKey">$max never picks a client without the key.</param>
    /// <param name="metadataKept">No metadata update is lost.</param>
    /// <param name="exitWithParent">Stop when stdin closes.</param>
    /// <param name="cancellationToken">SIGINT, SIGTERM.</param>
    [Command("serve")]
    public async Task<int> ServeAsync(
        int gatewayPort = 0, int singyeongPort = 0, int controlPort = 0,
        bool tls = false, string certificate = "valid", string? host = null, string? certificateDirectory = null,
        int shards = 1, int maxConcurrency = 1, int sessionLimitTotal = 1000, int sessionLimitRemaining = 1000, int identifyInterval = 5000,
        string? token = null, long disallowedIntents = 0, int heartbeatInterval = 41250,
        int guilds = 10, int largeGuildBytes = 262144, int payloadBytes = 1200, int rate = 0,
        int replayEvents = 3500, int replaySeconds = 180, bool trimAtHeartbeat = false, string resumeUrl = "on", int compressionLevel = 6,
        int seed = 1,
        int singyeongRate = 0, string? singyeongPassword = null, int singyeongHeartbeatInterval = 45000, string sinkApplication = "sink",
        bool noBugs = false, bool noRouteAnswers = false, bool operatorsWork = false, bool inMatches = false, bool digitsMatch = false,
        bool listsEqual = false, bool versionsCompare = false, bool maxNeedsKey = false, bool metadataKept = false,
        bool exitWithParent = false, CancellationToken cancellationToken = default)
    {
        if (certificate is not ("valid" or "wrong-name" or "expired" or "unknown-ca"))
        {
            await Console.Error.WriteLineAsync($"--certificate {certificate}: write valid, wrong-name, expired or unknown-ca").ConfigureAwait(false);
            return 2;
        }
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (exitWithParent)
        {
            _ = Task.Run(() => StopAtEndOfInput(stop), CancellationToken.None);
        }
        SandboxOptions options = new()
        {
            GatewayPort = gatewayPort,
            SingyeongPort = singyeongPort,
            ControlPort = controlPort,
            Tls = tls,
            Certificate = certificate,
            Host = host ?? (tls ? "localhost" : "127.0.0.1"),
            CertificateDirectory = certificateDirectory,
            Shards = Math.Max(1, shards),
            MaxConcurrency = Math.Max(1, maxConcurrency),
            SessionLimitTotal = sessionLimitTotal,
            SessionLimitRemaining = Math.Min(sessionLimitRemaining, sessionLimitTotal),
            IdentifyInterval = identifyInterval,
            Token = token,
            DisallowedIntents = disallowedIntents,
            HeartbeatInterval = heartbeatInterval,
            Guilds = guilds,
            LargeGuildBytes = largeGuildBytes,
            PayloadBytes = payloadBytes,
            Rate = rate,
            ReplayEvents = Math.Max(1, replayEvents),
            ReplaySeconds = replaySeconds,
            TrimAtHeartbeat = trimAtHeartbeat,
            ResumeUrl = resumeUrl,
            CompressionLevel = compressionLevel,
            Seed = seed,
            SingyeongRate = singyeongRate,
            SingyeongPassword = singyeongPassword,
            SingyeongHeartbeatInterval = singyeongHeartbeatInterval,
            SinkApplication = sinkApplication,
            Bugs = noBugs ? ServerBugs.None : new ServerBugs
            {
                NoRouteKills = !noRouteAnswers,
                OperatorsKill = !operatorsWork,
                InNeverMatches = !inMatches,
                DigitsNeverMatch = !digitsMatch,
                ListsNeverEqual = !listsEqual,
                VersionsAreStrings = !versionsCompare,
                MaxPicksMissing = !maxNeedsKey,
                MetadataIsLost = !metadataKept,
            },
        };
        await Sandbox.RunAsync(options, stop.Token).ConfigureAwait(false);
        return 0;
    }

    /// <summary>
    /// A worker for demonstrations: connects to 신경 and prints a line for each event that arrives, at most about ten a second.
    /// </summary>
    /// <param name="dsn">singyeong://APPLICATION[:PASSWORD]@HOST[:PORT]; ssingyeong:// for TLS.</param>
    /// <param name="events">The events it wants, separated by commas: published as the list "events" of its metadata.</param>
    /// <param name="name">Its client id.</param>
    /// <param name="metadata">More metadata, as JSON: {"key":{"type":"string","value":"…"}}.</param>
    /// <param name="countOnly">Print only how many events arrived, each second.</param>
    /// <param name="cancellationToken">SIGINT, SIGTERM.</param>
    [Command("worker")]
    public Task<int> WorkerAsync(
        string dsn, string events = "", string name = "worker-1", string? metadata = null, bool countOnly = false,
        CancellationToken cancellationToken = default) =>
        new Worker(dsn, events, name, metadata, countOnly).RunAsync(cancellationToken);

    private static void StopAtEndOfInput(CancellationTokenSource stop)
    {
        using Stream input = Console.OpenStandardInput();
        Span<byte> ignored = stackalloc byte[256];
        while (input.Read(ignored) > 0)
        {
        }
        try
        {
            stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
        }
    }
}
