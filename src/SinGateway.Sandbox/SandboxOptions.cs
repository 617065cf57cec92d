namespace SinGateway.Sandbox;

/// <summary>What <c>serve</c> was asked for; see its command line for the meaning and the defaults.</summary>
internal sealed record SandboxOptions
{
    public int GatewayPort { get; init; }
    public int SingyeongPort { get; init; }
    public int ControlPort { get; init; }

    public bool Tls { get; init; }
    public string Certificate { get; init; } = "valid";
    public string Host { get; init; } = "127.0.0.1";
    public string? CertificateDirectory { get; init; }

    public int Shards { get; init; } = 1;
    public int MaxConcurrency { get; init; } = 1;
    public int SessionLimitTotal { get; init; } = 1000;
    public int SessionLimitRemaining { get; init; } = 1000;
    public int IdentifyInterval { get; init; } = 5000;
    public string? Token { get; init; }
    public long DisallowedIntents { get; init; }
    public int HeartbeatInterval { get; init; } = 41250;
    public int Guilds { get; init; } = 10;
    public int LargeGuildBytes { get; init; } = 256 * 1024;
    public int PayloadBytes { get; init; } = 1200;
    public int Rate { get; init; }
    public int ReplayEvents { get; init; } = 3500;
    public int ReplaySeconds { get; init; } = 180;
    public bool TrimAtHeartbeat { get; init; }
    public string ResumeUrl { get; init; } = "on";
    public int CompressionLevel { get; init; } = 6;
    public int Seed { get; init; } = 1;

    public int SingyeongRate { get; init; }
    public string? SingyeongPassword { get; init; }
    public string SinkApplication { get; init; } = "sink";
    public int SingyeongHeartbeatInterval { get; init; } = 45000;
    public Singyeong.ServerBugs Bugs { get; init; } = new();
}
