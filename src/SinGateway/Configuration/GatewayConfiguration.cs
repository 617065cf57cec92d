using Microsoft.Extensions.Logging;
using SinGateway.Discord;
using SinGateway.Forwarding;
using SinGateway.Operations;
using SinGateway.Sessions;
using SinGateway.Singyeong;

namespace SinGateway.Configuration;

/// <summary>A configuration file that passed every check: what the rest of the program reads, with all defaults filled in.</summary>
internal sealed record GatewayConfiguration
{
    /// <summary>The bot token without the <c>Bot </c> prefix. A secret: never logged.</summary>
    public required string Token { get; init; }

    /// <summary>Where sessions are kept; null keeps them in <see cref="StateFile"/>.</summary>
    public RedisDsn? Redis { get; init; }

    public string RedisPrefix { get; init; } = "";

    public string StateFile { get; init; } = "singateway.state";

    public required SingyeongDsn Singyeong { get; init; }

    public LogLevel LoggingLevel { get; init; } = LogLevel.Information;

    public LogFormat LogFormat { get; init; } = LogFormat.Text;

    /// <summary>The bit set of Discord's gateway intents.</summary>
    public long Intents { get; init; } = 513;

    /// <summary>Null when clustering is off.</summary>
    public ClusteringOptions? Clustering { get; init; }

    /// <summary>Shards close when Redis has been out of reach for 8 s, so that no two processes ever forward for one (G19).</summary>
    public bool IsStrict { get; init; }

    /// <summary>At least one rule, in the file's order; a rule's index is part of its nonces.</summary>
    public required IReadOnlyList<ForwardingRule> Forwarding { get; init; }

    /// <summary>Without a slash at its end: a route such as <c>/gateway/bot</c> is put behind it.</summary>
    public Uri DiscordApiBaseUrl { get; init; } = new("https://discord.com/api/v10");

    public GatewayCompression Compression { get; init; } = GatewayCompression.ZlibStream;

    /// <summary>Members above which GUILD_CREATE leaves out who is offline.</summary>
    public int LargeThreshold { get; init; } = GatewayPayloads.MaximumLargeThreshold;

    /// <summary>What the bot shows from its IDENTIFY on, as JSON; empty for nothing in particular.</summary>
    public ReadOnlyMemory<byte> Presence { get; init; }

    /// <summary>The number of shards without clustering; null is <c>auto</c>, what Discord recommends.</summary>
    public int? ShardCount { get; init; }

    /// <summary>Connections to 신경 that share the shards, at least 1.</summary>
    public int SingyeongConnections { get; init; } = 1;

    /// <summary>The most that unconfirmed dispatches of one 신경 connection may take, in bytes.</summary>
    public long OutboxBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>What becomes of events for which the outbox has had no room for a minute.</summary>
    public WhenFull WhenFull { get; init; } = WhenFull.Drop;

    /// <summary>Where events go that outboxes have no room for; null keeps them at Discord.</summary>
    public SpoolConfiguration? Spool { get; init; }

    /// <summary>The namespace at 신경 that identify names; null names none.</summary>
    public string? SingyeongNamespace { get; init; }

    /// <summary>What the gateway tells of itself in identify, besides its cluster and its shards.</summary>
    public IReadOnlyList<MetadataEntry> SingyeongMetadata { get; init; } = [];

    /// <summary>Workers may send commands to Discord.</summary>
    public bool CommandsEnabled { get; init; }

    /// <summary>Where health, status and metrics are told over HTTP; null: nowhere.</summary>
    public ListenAddress? Listen { get; init; }

    /// <summary>The file is read again when it changes, not only on SIGHUP.</summary>
    public bool ReloadsOnChange { get; init; }

    /// <summary>Names the broker and nothing else: what a record prints by itself would hold the token.</summary>
    public override string ToString() => $"configuration for {Singyeong}";
}

/// <summary>A place to listen at.</summary>
/// <param name="Host">A name, or an IP address without brackets.</param>
/// <param name="Port">0 is one that the system chooses.</param>
internal sealed record ListenAddress(string Host, int Port)
{
    public override string ToString() => Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}

/// <summary>How the bot's shards are split over processes. Both counts are at least 1.</summary>
internal sealed record ClusteringOptions(int ClusterCount, int ClusterShards)
{
    public int TotalShards => ClusterCount * ClusterShards;
}
