using Microsoft.Extensions.Logging;
using SinGateway.Loop;
using SinGateway.Operations;
using SinGateway.WebSockets;

namespace SinGateway.Discord;

/// <summary>What all shards of a loop have in common.</summary>
internal sealed class ShardSettings
{
    private const string PlainQuery = "v=10&encoding=json";

    public required EventLoop Loop { get; init; }

    public required Dialer Dialer { get; init; }

    public required MaskingKeys Keys { get; init; }

    /// <summary>Without the <c>Bot </c> prefix: RESUME does not take one. A secret: never logged.</summary>
    public required string Token { get; init; }

    public required long Intents { get; init; }

    public required int ShardCount { get; init; }

    /// <summary>The <c>large_threshold</c> of IDENTIFY.</summary>
    public int LargeThreshold { get; init; } = GatewayPayloads.MaximumLargeThreshold;

    /// <summary>The <c>presence</c> of IDENTIFY, as JSON; empty for none. After a change, <see cref="Shard.ShowPresence"/> tells it to sessions.</summary>
    public ReadOnlyMemory<byte> Presence { get; set; }

    public required GatewayCompression Compression { get; init; }

    /// <summary>From GET /gateway/bot: where sessions begin. Null while Discord's REST API has not answered yet.</summary>
    public required Uri? GatewayUrl { get; set; }

    public required IIdentifyTurns Identifies { get; init; }

    public required ResumeTurns Turns { get; init; }

    public required RevokedSessions Revoked { get; init; }

    public required Random Random { get; init; }

    public ShardCounts Counts { get; } = new();

    /// <summary>Told of each lost connection; null when nobody asks.</summary>
    public FaultLog? Faults { get; init; }

    public required ILogger Logger { get; init; }

    /// <summary>Discord refuses the bot for good, with this close code: stop all of it.</summary>
    public required Action<int> GiveUp { get; init; }

    /// <summary>No connection to <see cref="GatewayUrl"/> can be made: it is to be asked for again.</summary>
    public required Action GatewayUnreachable { get; init; }

    /// <summary>
    /// The address of a connection: the same version, encoding and compression for IDENTIFY and RESUME
    /// (https://docs.discord.com/developers/events/gateway#connecting).
    /// </summary>
    /// <param name="resumeUrl">Of the session, or null: to the base URL.</param>
    public Uri ConnectionUri(string? resumeUrl)
    {
        Uri at = ResumeUri(resumeUrl) ?? GatewayUrl ?? throw new InvalidOperationException("a shard without a resume URL started before the gateway's URL was known");
        return new UriBuilder(at)
        {
            Query = Compression switch
            {
                GatewayCompression.ZlibStream => PlainQuery + "&compress=zlib-stream",
                GatewayCompression.ZstdStream => PlainQuery + "&compress=zstd-stream",
                _ => PlainQuery,
            },
        }.Uri;
    }

    /// <summary>A resume URL as READY gave it; null when it is none.</summary>
    public static Uri? ResumeUri(string? resumeUrl) =>
        Uri.TryCreate(resumeUrl, UriKind.Absolute, out Uri? uri) && uri.Scheme is "ws" or "wss" ? uri : null;
}
