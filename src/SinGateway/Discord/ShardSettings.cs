using Microsoft.Extensions.Logging;
using SinGateway.Loop;
using SinGateway.WebSockets;

namespace SinGateway.Discord;

/// <summary>What all shards of a loop have in common.</summary>
internal sealed class ShardSettings
{
    public required EventLoop Loop { get; init; }

    public required Dialer Dialer { get; init; }

    public required MaskingKeys Keys { get; init; }

    /// <summary>Without the <c>Bot </c> prefix: RESUME does not take one. A secret: never logged.</summary>
    public required string Token { get; init; }

    public required long Intents { get; init; }

    public required int ShardCount { get; init; }

    public required GatewayCompression Compression { get; init; }

    /// <summary>From GET /gateway/bot: where sessions begin.</summary>
    public required Uri GatewayUrl { get; init; }

    public required IdentifyQueue Identifies { get; init; }

    public required IDispatchReceiver Receiver { get; init; }

    public required Random Random { get; init; }

    public required ILogger Logger { get; init; }

    /// <summary>Discord refuses the bot for good, with this close code: stop all of it.</summary>
    public required Action<int> GiveUp { get; init; }

    /// <summary>
    /// The address of a connection: the same version, encoding and compression for IDENTIFY and RESUME
    /// (https://docs.discord.com/developers/events/gateway#connecting).
    /// </summary>
    public Uri ConnectionUri(string? resumeUrl)
    {
        Uri at = resumeUrl is not null && Uri.TryCreate(resumeUrl, UriKind.Absolute, out Uri? resume) && resume.Scheme is "ws" or "wss" ? resume : GatewayUrl;
        return new UriBuilder(at)
        {
            Query = "v=10&encoding=json" + (Compression == GatewayCompression.ZlibStream ? "&compress=zlib-stream" : ""),
        }.Uri;
    }
}
