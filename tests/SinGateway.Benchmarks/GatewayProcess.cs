using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace SinGateway.Benchmarks;

/// <summary>The published gateway with a configuration for the sandbox.</summary>
internal static partial class GatewayProcess
{
    /// <param name="executable">The published executable.</param>
    /// <param name="directory">
    /// A directory of this run's own, for the configuration and the state file: a session of another run would be resumed.
    /// </param>
    /// <param name="sandbox">What it connects to.</param>
    /// <param name="compression">Of its connections to Discord.</param>
    /// <param name="before">What stands before it on the command line.</param>
    public static ChildProcess Start(string executable, string directory, SandboxProcess sandbox, string compression, string[] before)
    {
        bool tls = sandbox.CertificateAuthority is not null;
        string configuration = Path.Combine(directory, "config.json");
        File.WriteAllText(configuration, JsonSerializer.Serialize(new Dictionary<string, object>
        {
            ["token"] = "a-token-for-the-sandbox",
            ["singyeongDSN"] = $"{(tls ? "ssingyeong" : "singyeong")}://gateway@{sandbox.SingyeongEndpoint}",
            ["intents"] = 513,
            ["stateFile"] = Path.Combine(directory, "singateway.state"),
            ["discord"] = new Dictionary<string, object> { ["apiBaseURL"] = sandbox.ApiBaseUrl, ["compression"] = compression },
            ["forwarding"] = new Dictionary<string, object>
            {
                ["type"] = "send",
                ["target"] = new Dictionary<string, object>
                {
                    ["application"] = SandboxProcess.Application,
                    ["ops"] = new object[]
                    {
                        new Dictionary<string, object>
                        {
                            ["path"] = "/events",
                            ["op"] = "$contains",
                            ["to"] = new Dictionary<string, object> { ["value"] = "{{EVENT}}" },
                        },
                    },
                },
                ["events"] = new[] { "MESSAGE_CREATE", "MESSAGE_UPDATE" },
            },
        }));
        Dictionary<string, string> environment = [];
        if (tls)
        {
            environment["SSL_CERT_FILE"] = sandbox.CertificateAuthority!;
        }
        return ChildProcess.Start([.. before, executable, "--config", configuration], environment);
    }

    /// <summary>The managed bytes that a stopped gateway has allocated in its life, as it logs them at its end.</summary>
    public static long AllocatedBytes(ChildProcess stopped)
    {
        Match match = Allocated().Match(stopped.Output);
        return match.Success
            ? long.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException($"{stopped.Name} logged no allocated=… at its end:\n{stopped.Output}");
    }

    [GeneratedRegex(@"\ballocated=(\d+)")]
    private static partial Regex Allocated();
}
