using System.Runtime.CompilerServices;
using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>Exit codes, and that the last line on stderr says what was wrong and what to change.</summary>
[ParallelLimiter<FewAtATime>]
internal sealed class CommandLineTests
{
    private const string Good = """
        token: "a-token"
        singyeongDSN: "singyeong://gateway@localhost:4567"
        forwarding:
          type: "send"
          target:
            application: "worker"
          events: ["MESSAGE_CREATE"]

        """;

    [Test]
    public async Task Version_prints_the_version()
    {
        (int code, GatewayProcess gateway) = await RunAsync(null, "--version");

        await Assert.That(code).IsEqualTo(0);
        await Assert.That(gateway.Output).Matches(@"\d+\.\d+\.\d+");
    }

    [Test]
    public async Task Help_names_the_options()
    {
        (int code, GatewayProcess gateway) = await RunAsync(null, "--help");

        await Assert.That(code).IsEqualTo(0);
        await Assert.That(gateway.Output).Contains("--config").And.Contains("--cluster").And.Contains("check");
        await Assert.That(gateway.Output).Contains("Usage: singateway ").And.DoesNotContain("string?").And.DoesNotContain("null");
    }

    [Test]
    [Arguments("--no-such-option", "--no-such-option")]
    [Arguments("--config", "--config")]
    [Arguments("--loops many", "many")]
    [Arguments("--config nowhere.yaml", "nowhere.yaml")]
    [Arguments("no-such-command", "no-such-command")]
    [Arguments("check --config nowhere.yaml", "nowhere.yaml")]
    public async Task A_wrong_command_line_exits_with_2_and_says(string commandLine, string named)
    {
        (int code, GatewayProcess gateway) = await RunAsync(null, commandLine.Split(' '));

        await Assert.That(code).IsEqualTo(2);
        await Assert.That(gateway.LastLine).Contains(named);
    }

    [Test]
    public async Task What_there_is_no_option_for_is_told_with_where_options_are_listed()
    {
        (int code, GatewayProcess gateway) = await RunAsync(Good, "-c", "config.yaml");

        await Assert.That(code).IsEqualTo(2);
        await Assert.That(gateway.LastLine).Contains("'-c'").And.EndsWith("; singateway --help lists what there is");
    }

    [Test]
    public async Task A_value_may_stand_behind_an_equals_sign()
    {
        (int code, _) = await RunAsync(Good, "check", "--config=config.yaml");

        await Assert.That(code).IsEqualTo(0);
    }

    [Test]
    [Arguments("0", "", "it is 1;")]
    [Arguments("2", "", "it is 1;")]
    [Arguments("4", "singyeong: { connections: 3 }\n", "it is 1 to 3;")]
    [Arguments("2", "singyeong: { connections: 2 }\nspool: { directory: spool }\n", "remove spool.directory")]
    public async Task Loops_that_cannot_be_are_refused_with_what_can(string loops, string added, string hint)
    {
        (int code, GatewayProcess gateway) = await RunAsync(Good + added, "--loops", loops);

        await Assert.That(code).IsEqualTo(2);
        await Assert.That(gateway.LastLine).StartsWith($"--loops {loops}: ").And.Contains(hint);
    }

    [Test]
    public async Task To_change_over_to_another_shard_count_Redis_is_needed()
    {
        (int code, GatewayProcess gateway) = await RunAsync(Good, "--muted-until-ready");

        await Assert.That(code).IsEqualTo(2);
        await Assert.That(gateway.LastLine).Contains("--muted-until-ready needs Redis").And.Contains("redisDSN");
    }

    [Test]
    public async Task Without_a_configuration_it_exits_with_2_and_names_the_files()
    {
        (int code, GatewayProcess gateway) = await RunAsync(null);

        await Assert.That(code).IsEqualTo(2);
        await Assert.That(gateway.LastLine).Contains("config.yaml");
    }

    [Test]
    [Arguments("loggingLevel: LOUD\n", "config.yaml:8:15", "loggingLevel")]
    [Arguments("tokn: \"x\"\n", "config.yaml:8:1", "token")]
    [Arguments("intents: [GUILD]\n", "config.yaml:8:11", "GUILDS")]
    [Arguments("clustering: { enabled: true, clusterCount: 2, clusterShards: 2 }\n", "config.yaml:8", "redisDSN")]
    public async Task A_wrong_configuration_exits_with_2_and_says_where_and_what(string added, string position, string hint)
    {
        (int code, GatewayProcess gateway) = await RunAsync(Good + added);

        await Assert.That(code).IsEqualTo(2);
        await Assert.That(gateway.Errors).Contains(position).And.Contains(hint);
    }

    [Test]
    public async Task All_errors_are_reported_at_once()
    {
        (int code, GatewayProcess gateway) = await RunAsync("""
            token: ""
            singyeongDSN: "http://localhost"
            forwarding:
              type: "send"
              target: { application: "worker" }
              events: ["message_create"]
            """);

        await Assert.That(code).IsEqualTo(2);
        await Assert.That(gateway.Errors).Contains("config.yaml:1:").And.Contains("config.yaml:2:").And.Contains("config.yaml:6:").And.Contains("MESSAGE_CREATE");
    }

    [Test]
    public async Task The_comma_in_the_Python_README_is_pointed_at()
    {
        (int code, GatewayProcess gateway) = await RunAsync("""
            token: "a-token"
            singyeongDSN: "singyeong://gateway@localhost:4567"
            forwarding:
              - type: "send"
                target:
                  application: "worker"
                  ops:
                    - path: "/events",
                      op: "$in"
                      to:
                        value: "{{EVENT}}"
                events:
                  - "READY"
            """);

        await Assert.That(code).IsEqualTo(2);
        await Assert.That(gateway.Errors).Contains("config.yaml:8:26").And.Contains("comma");
    }

    [Test]
    public async Task A_cluster_that_does_not_exist_exits_with_2()
    {
        (int code, GatewayProcess gateway) = await RunAsync(
            Good + "redisDSN: \"redis://localhost\"\nclustering:\n  enabled: true\n  clusterCount: 2\n  clusterShards: 2\n", "--cluster", "2");

        await Assert.That(code).IsEqualTo(2);
        await Assert.That(gateway.LastLine).Contains("cluster");
    }

    [Test]
    public async Task Check_prints_the_plan_and_connects_to_nothing()
    {
        await using Scenario scenario = await Scenario.StartAsync("", new GatewayConfig { Forwarding = GatewayConfig.ToWorkers });
        await File.WriteAllTextAsync(scenario.File("config.yaml"), scenario.Config.ToYaml(scenario.Sandbox));
        GatewayProcess check = scenario.Owned(GatewayProcess.Start(Path.GetDirectoryName(scenario.File("config.yaml"))!, ["check"]));

        await Assert.That(await check.WaitForExitAsync()).IsEqualTo(0);
        await Assert.That(check.Output).Contains("MESSAGE_CREATE").And.Contains("worker");
        await Assert.That(check.Output + check.Errors).DoesNotContain(scenario.Config.Token);
        SandboxStatistics statistics = await scenario.Sandbox.StatisticsAsync();
        await Assert.That(statistics.Discord.RestRequests + statistics.Discord.ConnectionsTotal + statistics.Singyeong.ConnectionsTotal).IsEqualTo(0);
    }

    [Test]
    public async Task Check_of_the_example_file_exits_with_0_and_warns_of_nothing()
    {
        (int code, GatewayProcess gateway) = await RunAsync(null, "check", "--config", Path.Combine(Path.GetDirectoryName(Here())!, "../../config.example.yaml"));

        await Assert.That(code).IsEqualTo(0);
        await Assert.That(gateway.Errors).IsEmpty();
        await Assert.That(gateway.Output).Contains("MESSAGE_CREATE").And.Contains("No warnings");
    }

    [Test]
    public async Task Check_of_a_wrong_configuration_exits_with_2()
    {
        (int code, GatewayProcess gateway) = await RunAsync(Good + "tokn: \"x\"\n", "check");

        await Assert.That(code).IsEqualTo(2);
        await Assert.That(gateway.Errors).Contains("config.yaml:8:1");
    }

    private static string Here([CallerFilePath] string path = "") => path;

    /// <summary>Runs the gateway in a directory of its own, with a config.yaml if one is given.</summary>
    private static async Task<(int Code, GatewayProcess Gateway)> RunAsync(string? yaml, params string[] arguments)
    {
        using TemporaryDirectory directory = new();
        if (yaml is not null)
        {
            await File.WriteAllTextAsync(directory.File("config.yaml"), yaml);
        }
        GatewayProcess gateway = GatewayProcess.Start(directory.Path, arguments);
        try
        {
            return (await gateway.WaitForExitAsync(), gateway);
        }
        finally
        {
            await gateway.DisposeAsync();
        }
    }
}
