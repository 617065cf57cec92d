using System.Text;
using SinGateway.Configuration;

namespace SinGateway.Tests.Configuration;

/// <summary>Whatever stands in a file, reading it ends with a configuration or with errors in words. The seeds are fixed.</summary>
public sealed class ConfigurationFuzzTests
{
    private const int Rounds = 4_000;

    /// <summary>What the mutations put in: the characters and words that mean something to a reader.</summary>
    private static readonly string[] Tokens =
    [
        "\n", " ", "  ", "\t", ",", ":", ": ", "- ", "-", "?", "? ", "[", "]", "{", "}", "\"", "'", "\\", "#", " #", "&a ", "*a", "*", "!", "!!str ", "|", ">", "%", "@", "`",
        "---\n", "...\n", "<<: ", "\0", "\uD800", "\uFEFF", "\u0085", "\u2028", "신경", "\\u", "\\ud800", "0x", "1e999", ".inf", "~", "null", "true", "{{", "}}", "{{EVENT}}", "${", "$${", "${A}", "${file:/}", "9".PadLeft(40, '9'),
    ];

    private const string Yaml = """
        # comment
        token: &t "abc"
        redisDSN: 'redis://localhost'
        singyeongDSN: singyeong://gateway@localhost
        intents: [GUILDS, GUILD_MESSAGES]
        clustering: {enabled: true, clusterCount: 2, clusterShards: 4}
        discord:
          shardCount: auto
        redisPrefix: *t
        stateFile: >-
          a
          b
        forwarding:
          - type: send
            target:
              application: worker
              ops:
                - {op: $or, with: [{path: /e, op: $in, to: {value: "{{EVENT}}"}}]}
            events: [READY, "*"]
        """;

    private const string Json = """
        {"token": "a\u0062c", "singyeongDSN": "singyeong://g@h", "intents": 513, "singyeong": {"outbox": "1GiB"},
         "forwarding": [{"type": "send", "target": {"application": "w", "ops": [{"path": "/e", "op": "$eq", "to": {"value": -1.5e3}}]}, "events": ["*"]}]}
        """;

    [Test]
    [Arguments("config.yaml", Yaml, 1)]
    [Arguments("config.yaml", Yaml, 2)]
    [Arguments("config.json", Json, 3)]
    [Arguments("config.json", Json, 4)]
    [Arguments("config.yaml", Json, 5)]
    public async Task A_mutated_file_never_throws(string name, string text, int seed)
    {
        await Assert.That(Sample.Load(text, name).Errors.Where(error => !error.Message.Contains("stands twice", StringComparison.Ordinal))).IsEmpty();
        Random random = new(seed);
        for (int round = 0; round < Rounds; round++)
        {
            string mutated = Mutate(text, random);
            string? failure = Try(name, mutated);

            if (failure is not null)
            {
                Assert.Fail($"{failure}\nin round {round}, of:\n{mutated}");
            }
        }
    }

    private static string? Try(string name, string text)
    {
        try
        {
            ConfigurationResult result = Sample.Load(text, name);
            return result.Configuration is null != result.Errors.Count > 0 ? "neither a configuration nor an error"
                : result.Errors.Any(error => error.ToString().Contains('\n') || error.Position.Line < 1 || error.Position.Column < 1) ? "an error without a place, or in two lines"
                : null;
        }
        catch (Exception exception)
        {
            return exception.ToString();
        }
    }

    /// <summary>Up to four times: takes a piece out, puts a token in, or repeats a piece elsewhere.</summary>
    private static string Mutate(string text, Random random)
    {
        StringBuilder mutated = new(text);
        for (int count = random.Next(1, 5); count > 0 && mutated.Length > 0; count--)
        {
            int at = random.Next(mutated.Length);
            int length = random.Next(1, Math.Min(12, mutated.Length - at) + 1);
            switch (random.Next(4))
            {
                case 0:
                    mutated.Remove(at, length);
                    break;
                case 1:
                    mutated.Insert(random.Next(mutated.Length), mutated.ToString(at, length));
                    break;
                case 2:
                    mutated.Length = at;
                    break;
                default:
                    mutated.Insert(at, Tokens[random.Next(Tokens.Length)]);
                    break;
            }
        }

        return mutated.ToString();
    }
}
