using System.Buffers;
using Microsoft.Extensions.Logging;
using SinGateway.Discord;
using SinGateway.Forwarding;
using SinGateway.Operations;
using SinGateway.Sessions;
using SinGateway.Singyeong;

namespace SinGateway.Configuration;

/// <summary>
/// Reads the tree of a file into a <see cref="GatewayConfiguration"/>, checking each value and what must hold between them.
/// </summary>
internal sealed class ConfigurationBinder(Section root, ProblemList problems)
{
    /// <summary>Shards of one bot; the largest bots are known to run some thousands.</summary>
    private const int MaxShards = 100_000;

    /// <summary>Discord's intents are a JSON number: beyond 2^53 it would not be exact.</summary>
    private const long MaxIntents = (1L << 53) - 1;

    /// <summary>One chunk of the outbox (G13).</summary>
    private const long MinOutbox = 256 << 10;

    private const long MaxOutbox = 1L << 40;

    private const int MaxConnections = 64;

    /// <summary>What a bot token consists of: base64url parts and dots. The placeholder of the examples passes.</summary>
    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+/=");

    /// <summary>The configuration, or null when the problem list holds errors.</summary>
    public static GatewayConfiguration? Bind(MappingNode file, ProblemList problems)
    {
        ConfigurationBinder binder = new(new Section(file, "", KeySet.Root, problems), problems);
        GatewayConfiguration configuration = binder.Bind();
        return problems.HasErrors ? null : configuration;
    }

    private GatewayConfiguration Bind()
    {
        string? token = BindToken();
        RedisDsn? redis = BindRedis();
        SingyeongDsn? singyeong = BindSingyeong();
        GatewayConfiguration defaults = new() { Token = "", Singyeong = null!, Forwarding = [] };
        long? intents = root.Find("intents") is null ? defaults.Intents : BindIntents();
        ClusteringOptions? clustering = BindClustering(out bool isStrict);
        Section discord = root.Child("discord", KeySet.Discord);
        Section broker = root.Child("singyeong", KeySet.Singyeong);
        Section operations = root.Child("operations", KeySet.Operations);
        bool allowUnsafe = broker.Boolean("allowUnsafeOperators");
        int largeThreshold = BindLargeThreshold(discord) ?? defaults.LargeThreshold;
        ReadOnlyMemory<byte> presence = discord.Find("presence") is null ? default : new PresenceBinder(problems).Bind(discord.Child("presence", KeySet.Presence));
        CheckIdentify(token, intents, largeThreshold, presence, discord);
        ConfigurationNode? forwarding = root.Require("forwarding", "Without a rule no event goes anywhere.");

        return new GatewayConfiguration
        {
            Token = token ?? "",
            Redis = redis,
            RedisPrefix = root.Text("redisPrefix") ?? defaults.RedisPrefix,
            StateFile = BindStateFile() ?? defaults.StateFile,
            Singyeong = singyeong!,
            LoggingLevel = BindLoggingLevel() ?? defaults.LoggingLevel,
            LogFormat = BindLogFormat() ?? defaults.LogFormat,
            Intents = intents ?? defaults.Intents,
            Clustering = clustering,
            IsStrict = isStrict,
            Forwarding = new ForwardingBinder(singyeong?.ApplicationId, intents, allowUnsafe, problems).Bind(forwarding, root.Path("forwarding")),
            DiscordApiBaseUrl = BindApiBaseUrl(discord) ?? defaults.DiscordApiBaseUrl,
            Compression = BindCompression(discord) ?? defaults.Compression,
            ShardCount = BindShardCount(discord, clustering),
            LargeThreshold = largeThreshold,
            Presence = presence,
            SingyeongConnections = BindConnections(broker, clustering) ?? defaults.SingyeongConnections,
            OutboxBytes = BindOutbox(broker) ?? defaults.OutboxBytes,
            WhenFull = BindWhenFull(broker) ?? defaults.WhenFull,
            SingyeongNamespace = BindNamespace(broker),
            SingyeongMetadata = BindMetadata(broker) ?? defaults.SingyeongMetadata,
            Spool = BindSpool(),
            CommandsEnabled = root.Child("commands", KeySet.Commands).Boolean("enabled"),
            Listen = BindListen(operations),
            ReloadsOnChange = operations.Boolean("reload"),
        };
    }

    private string? BindToken()
    {
        const string Hint = "Copy it from the Bot page of the Developer Portal.";
        const string Prefix = "Bot ";
        root.Require("token", Hint);
        if (root.Text("token") is not { } text)
        {
            return null;
        }

        string token = text.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? text[Prefix.Length..] : text;
        if (token.Length == 0 || token.AsSpan().ContainsAnyExcept(TokenCharacters))
        {
            string hint = token.StartsWith('$') ? "An environment variable is written as ${NAME}." : Hint;
            root.Error("token", token.Length == 0 ? "the token is empty" : "the token holds a character that no bot token has", hint);
            return null;
        }

        return token;
    }

    private RedisDsn? BindRedis()
    {
        if (root.Text("redisDSN") is not { } text)
        {
            return null;
        }

        if (!RedisDsn.TryParse(text, out RedisDsn? dsn, out string error))
        {
            root.Error("redisDSN", $"the DSN {error}", "Write it as redis://[user][:password]@host[:port][/db].");
        }

        return dsn;
    }

    private SingyeongDsn? BindSingyeong()
    {
        const string Hint = "Write it as singyeong://APPLICATION_ID[:PASSWORD]@HOST[:PORT].";
        root.Require("singyeongDSN", Hint);
        if (root.Text("singyeongDSN") is not { } text)
        {
            return null;
        }

        if (!SingyeongDsn.TryParse(text, out SingyeongDsn? dsn, out string error))
        {
            root.Error("singyeongDSN", $"the DSN {error}", Hint);
        }

        return dsn;
    }

    private LogLevel? BindLoggingLevel()
    {
        if (root.Scalar("loggingLevel") is not { } level)
        {
            return null;
        }

        if (LoggingLevels.TryParse(level.Value, out LogLevel known))
        {
            return known;
        }

        root.Error("loggingLevel", $"there is no level {Section.Show(level)}", $"Write {LoggingLevels.Names}.");
        return null;
    }

    private LogFormat? BindLogFormat()
    {
        if (root.Scalar("logFormat") is not { } format)
        {
            return null;
        }

        switch (format.Value)
        {
            case "text":
                return LogFormat.Text;
            case "json":
                return LogFormat.Json;
            default:
                root.Error("logFormat", $"there is no format {Section.Show(format)}", "Write text (lines for people) or json (an object a line).");
                return null;
        }
    }

    private long? BindIntents()
    {
        long? intents = root.Find("intents") is SequenceNode names
            ? BindIntentNames(names)
            : root.Integer("intents", 0, MaxIntents, "Write the sum of the bits, or a list of names: [GUILDS, GUILD_MESSAGES].");
        if (intents is { } set && (set & Intents.Privileged) != 0)
        {
            string privileged = string.Join(", ", Intents.Names(set & Intents.Privileged));
            root.Warning("intents", $"privileged: {privileged}", "Switch them on for the bot in the Developer Portal, else Discord closes with 4014.");
        }

        string[] undocumented = [.. Intents.Undocumented(intents ?? 0)];
        if (undocumented.Length > 0)
        {
            root.Warning("intents", $"Discord documents no {string.Join(", ", undocumented)}", "Remove what is not meant: Discord closes with 4013 over a bit that it does not know.");
        }

        return intents;
    }

    private long? BindIntentNames(SequenceNode names)
    {
        long set = 0;
        for (int i = 0; i < names.Items.Count; i++)
        {
            ScalarNode? scalar = names.Items[i] as ScalarNode;
            long bit = Intents.Known.FirstOrDefault(intent => intent.Name == scalar?.Value).Bit;
            set |= bit;
            if (bit == 0)
            {
                string hint = NearestName.Find(scalar?.Value ?? "", Intents.Known.Select(intent => intent.Name)) is { } nearest
                    ? $"Did you mean {nearest}?"
                    : "Write Discord's names, such as GUILD_MESSAGES.";
                string what = scalar is null ? Section.Kind(names.Items[i]) : Section.Show(scalar);
                problems.Error(names.Items[i].Position, KeyPath.At(root.Path("intents"), i), $"{what} is not the name of an intent", hint);
            }
        }

        return set;
    }

    private ClusteringOptions? BindClustering(out bool isStrict)
    {
        Section section = root.Child("clustering", KeySet.Clustering);
        bool enabled = section.Boolean("enabled");
        isStrict = section.Boolean("strict");
        if (isStrict && root.Find("redisDSN") is null)
        {
            section.Error("strict", "it is about Redis, and there is no redisDSN", "Set redisDSN, or remove the key: a state file is always strict.");
        }

        if (enabled)
        {
            section.Require("clusterCount", "Say how many processes share the bot.");
            section.Require("clusterShards", "Say how many shards each process runs.");
            if (root.Find("redisDSN") is null)
            {
                section.Error("enabled", "clustering needs Redis, and there is no redisDSN", "Set redisDSN, such as redis://localhost.");
            }
        }

        // A file may keep the counts while clustering is off; nothing reads them then.
        long least = enabled ? 1 : 0;
        long? count = section.Integer("clusterCount", least, MaxShards);
        long? shards = section.Integer("clusterShards", least, MaxShards);
        if (!enabled || count is null || shards is null)
        {
            return null;
        }

        if (count * shards > MaxShards)
        {
            section.Error("clusterShards", $"clusterCount × clusterShards is {count * shards} shards", $"At most {MaxShards} are possible.");
            return null;
        }

        return new ClusteringOptions((int)count, (int)shards);
    }

    private static int? BindShardCount(Section discord, ClusteringOptions? clustering)
    {
        if (discord.Text("shardCount") is null or "auto")
        {
            return null;
        }

        long? count = discord.Integer("shardCount", 1, MaxShards, "Write auto, or how many shards the bot has.");
        if (clustering is not null && count is not null)
        {
            discord.Error("shardCount", $"with clustering the count is clusterCount × clusterShards, {clustering.TotalShards}", "Remove the key.");
        }

        return (int?)count;
    }

    private static Uri? BindApiBaseUrl(Section discord)
    {
        if (discord.Text("apiBaseURL") is not { } text)
        {
            return null;
        }

        // The text is not repeated: a proxy's address may hold a secret.
        if (Uri.TryCreate(text.TrimEnd('/'), UriKind.Absolute, out Uri? url)
            && url is { Scheme: "http" or "https", Query: "", Fragment: "", UserInfo: "" })
        {
            return url;
        }

        discord.Error("apiBaseURL", "this is not the address of a REST API", "Write it as https://host/api/v10, without a user, a query or a fragment.");
        return null;
    }

    private static GatewayCompression? BindCompression(Section discord)
    {
        if (discord.Scalar("compression") is not { } compression)
        {
            return null;
        }

        switch (compression.Value)
        {
            case "zlib-stream":
                return GatewayCompression.ZlibStream;
            case "zstd-stream":
                return GatewayCompression.ZstdStream;
            case "none":
                return GatewayCompression.None;
            default:
                discord.Error("compression", $"there is no compression {Section.Show(compression)}", "Write zlib-stream, zstd-stream or none.");
                return null;
        }
    }

    private static int? BindLargeThreshold(Section discord) => (int?)discord.Integer(
        "largeThreshold",
        GatewayPayloads.MinimumLargeThreshold,
        GatewayPayloads.MaximumLargeThreshold,
        "Write how many members a guild may have to come with those who are offline.");

    /// <summary>With its longest shard ids IDENTIFY must stay within what Discord takes, else it closes with 4002.</summary>
    private void CheckIdentify(string? token, long? intents, int largeThreshold, ReadOnlyMemory<byte> presence, Section discord)
    {
        if (token is null || intents is null)
        {
            return;
        }

        int length = GatewayPayloads.Identify(token, intents.Value, MaxShards - 1, MaxShards, largeThreshold, presence).Length;
        if (length <= GatewayCommand.MaximumSize)
        {
            return;
        }

        string message = $"IDENTIFY would be {length} bytes long, and Discord takes {GatewayCommand.MaximumSize}";
        if (presence.IsEmpty)
        {
            root.Error("token", message, "Check the token: Discord's are much shorter.");
        }
        else
        {
            discord.Error("presence", message, $"Its {presence.Length} bytes are most of it: shorten its texts.");
        }
    }

    private string? BindStateFile()
    {
        string? file = root.Text("stateFile");
        if (file is "")
        {
            root.Error("stateFile", "the name is empty", "Name a file, or remove the key for singateway.state.");
        }

        return file;
    }

    /// <summary>Each connection is a client of its own, which the server never forgets; a shard keeps to one.</summary>
    private static int? BindConnections(Section section, ClusteringOptions? clustering)
    {
        int? connections = (int?)section.Integer("connections", 1, MaxConnections, "One takes about 3,000 events a second on a 신경 server of today.");
        if (clustering is not null && connections > clustering.ClusterShards)
        {
            section.Warning("connections", $"a cluster has {clustering.ClusterShards} shards, and a shard keeps to one connection", $"Write {clustering.ClusterShards} at most.");
        }

        return connections;
    }

    private static long? BindOutbox(Section section)
    {
        if (section.Scalar("outbox") is not { } size)
        {
            return null;
        }

        if (ByteSize.TryParse(size.Value, out long bytes) && bytes is >= MinOutbox and <= MaxOutbox)
        {
            return bytes;
        }

        section.Error("outbox", $"{Section.Show(size)} is not a size from 256KiB to 1024GiB", "Write bytes, or a whole number of KiB, MiB or GiB, such as 32MiB.");
        return null;
    }

    private SpoolConfiguration? BindSpool()
    {
        Section spool = root.Child("spool", KeySet.Spool);
        return root.Find("spool") is MappingNode ? new SpoolBinder(spool, root.Find("redisDSN") is not null).Bind() : null;
    }

    private static WhenFull? BindWhenFull(Section section)
    {
        if (section.Scalar("whenFull") is not { } choice)
        {
            return null;
        }

        switch (choice.Value)
        {
            case "drop":
                return WhenFull.Drop;
            case "close":
                return WhenFull.Close;
            default:
                section.Error("whenFull", $"{Section.Show(choice)} is not what a full outbox can do", "Write drop (events are lost and counted) or close (events stay at Discord).");
                return null;
        }
    }

    private static ListenAddress? BindListen(Section section)
    {
        const int None = -1;
        if (section.Text("listen") is not { } text)
        {
            return null;
        }

        if (HostAndPort.TryParse(text, None, out string host, out int port, out string error, leastPort: 0) && port != None && host != "*")
        {
            return new ListenAddress(host, port);
        }

        string cause = error.Length > 0 ? error : host == "*" ? "has a * for its host" : "has no port";
        section.Error("listen", $"the address {cause}", "Write it as HOST:PORT, such as 127.0.0.1:9400, or 0.0.0.0:9400 for every network of this machine.");
        return null;
    }

    private static string? BindNamespace(Section section)
    {
        string? name = section.Text("namespace");
        if (name is "")
        {
            section.Error("namespace", "the name is empty", "Name a namespace, or remove the key.");
        }

        return name;
    }

    private IReadOnlyList<MetadataEntry>? BindMetadata(Section section)
    {
        switch (section.Find("metadata"))
        {
            case null:
                return null;
            case MappingNode metadata:
                return new MetadataBinder(problems).Bind(metadata, section.Path("metadata"));
            case { } other:
                section.Error("metadata", $"{Section.Kind(other)} stands where keys belong", "Put keys and their values below it, each in its own line.");
                return null;
        }
    }
}
