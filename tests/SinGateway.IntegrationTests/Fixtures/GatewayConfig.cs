namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>What a test wants of the gateway's configuration; <see cref="ToYaml"/> adds what leads it to a sandbox.</summary>
internal sealed record GatewayConfig
{
    /// <summary>One rule for the sandbox' sink, which checks and counts.</summary>
    public const string ToSink = """
        forwarding:
          type: "send"
          target:
            application: "sink"
          events: ["MESSAGE_CREATE"]
        """;

    /// <summary>One rule for workers that list the event in their metadata.</summary>
    public const string ToWorkers = """
        forwarding:
          type: "send"
          target:
            application: "worker"
            ops:
              - path: "/events"
                op: "$contains"
                to:
                  value: "{{EVENT}}"
          events: ["READY", "GUILD_CREATE", "MESSAGE_CREATE"]
        """;

    public string Token { get; init; } = "MTAwMDAwMDAwMDAwMDAwMDAwMQ.sandbox.a-secret-that-is-never-shown";

    /// <summary>Without, there is none in the DSN.</summary>
    public string? SingyeongPassword { get; init; }

    /// <summary>How the gateway speaks to 신경.</summary>
    public string Encoding { get; init; } = "json";

    public string LoggingLevel { get; init; } = "INFO";

    public string Intents { get; init; } = "513";

    public string Compression { get; init; } = "zlib-stream";

    public string? Outbox { get; init; }

    public string? WhenFull { get; init; }

    /// <summary>To 신경.</summary>
    public int Connections { get; init; } = 1;

    /// <summary>Over how many the connections are split; said on the command line.</summary>
    public int Loops { get; init; } = 1;

    /// <summary>Sessions are kept there in place of the state file.</summary>
    public string? RedisDsn { get; init; }

    public string Forwarding { get; init; } = ToSink;

    /// <summary>More top-level keys.</summary>
    public string More { get; init; } = "";

    public string ToYaml(SandboxProcess sandbox)
    {
        string password = SingyeongPassword is null ? "" : $":{SingyeongPassword}";
        string store = RedisDsn is null ? "stateFile: \"singateway.state\"" : $"redisDSN: \"{RedisDsn}\"";
        string outbox = Outbox is null ? "" : $"  outbox: {Outbox}\n";
        string whenFull = WhenFull is null ? "" : $"  whenFull: {WhenFull}";
        return $"""
            token: "{Token}"
            singyeongDSN: "{(sandbox.UsesTls ? "ssingyeong" : "singyeong")}://gateway{password}@{sandbox.SingyeongEndpoint}?encoding={Encoding}"
            loggingLevel: "{LoggingLevel}"
            intents: {Intents}
            {store}
            discord:
              apiBaseURL: "{sandbox.ApiUrl}"
              compression: {Compression}
            singyeong:
              connections: {Connections}
            {outbox}{whenFull}
            {Forwarding}
            {More}

            """;
    }
}
