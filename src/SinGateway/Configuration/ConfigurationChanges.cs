using SinGateway.Forwarding;

namespace SinGateway.Configuration;

/// <summary>How a configuration differs from the one that runs, by the keys of the file. Holds no value, since some are secrets.</summary>
/// <param name="Live">Keys that a running gateway can change.</param>
/// <param name="AtRestart">Keys that it can not.</param>
internal sealed record ConfigurationChanges(IReadOnlyList<string> Live, IReadOnlyList<string> AtRestart)
{
    private const string Forwarding = "forwarding";

    private static readonly (string Key, Func<GatewayConfiguration, object?> Value)[] Fixed =
    [
        ("token", file => file.Token),
        ("singyeongDSN", file => file.Singyeong),
        ("redisDSN", file => file.Redis),
        ("redisPrefix", file => file.RedisPrefix),
        ("stateFile", file => file.StateFile),
        ("logFormat", file => file.LogFormat),
        ("intents", file => file.Intents),
        ("clustering", file => file.Clustering),
        ("clustering.strict", file => file.IsStrict),
        ("discord.apiBaseURL", file => file.DiscordApiBaseUrl),
        ("discord.compression", file => file.Compression),
        ("discord.shardCount", file => file.ShardCount),
        ("discord.largeThreshold", file => file.LargeThreshold),
        ("singyeong.connections", file => file.SingyeongConnections),
        ("singyeong.outbox", file => file.OutboxBytes),
        ("singyeong.whenFull", file => file.WhenFull),
        ("singyeong.namespace", file => file.SingyeongNamespace),
        ("singyeong.metadata", file => string.Join('\n', file.SingyeongMetadata)),
        ("spool", file => file.Spool),
        ("commands.enabled", file => file.CommandsEnabled),
        ("operations.listen", file => file.Listen),
        ("operations.reload", file => file.ReloadsOnChange),
    ];

    private static readonly (string Key, Func<ForwardingRule, object> Value)[] OfRules =
    [
        ("type", rule => rule.Kind),
        ("target", rule => rule.Target.ToString()),
        ("events", rule => string.Join(' ', rule.Events)),
        ("unrouted", rule => rule.Holds),
        ("holdFor", rule => rule.HoldFor),
    ];

    public bool IsEmpty => Live.Count == 0 && AtRestart.Count == 0;

    public static ConfigurationChanges Between(GatewayConfiguration running, GatewayConfiguration loaded)
    {
        List<string> live = [.. BetweenRules(running.Forwarding, loaded.Forwarding)];
        if (running.LoggingLevel != loaded.LoggingLevel)
        {
            live.Add("loggingLevel");
        }

        if (!running.Presence.Span.SequenceEqual(loaded.Presence.Span))
        {
            live.Add("discord.presence");
        }

        return new ConfigurationChanges(live, [.. Fixed.Where(key => !Equals(key.Value(running), key.Value(loaded))).Select(key => key.Key)]);
    }

    private static IEnumerable<string> BetweenRules(IReadOnlyList<ForwardingRule> running, IReadOnlyList<ForwardingRule> loaded)
    {
        for (int i = 0; i < Math.Max(running.Count, loaded.Count); i++)
        {
            string path = KeyPath.At(Forwarding, i);
            if (i >= loaded.Count)
            {
                yield return path + " (gone)";
            }
            else if (i >= running.Count)
            {
                yield return path + " (new)";
            }
            else
            {
                foreach ((string key, Func<ForwardingRule, object> value) in OfRules)
                {
                    if (!value(running[i]).Equals(value(loaded[i])))
                    {
                        yield return KeyPath.Of(path, key);
                    }
                }
            }
        }
    }
}
