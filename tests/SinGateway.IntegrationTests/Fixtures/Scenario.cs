namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>A sandbox, a directory, and the gateways that were started in it; all of it ends with the test.</summary>
internal sealed class Scenario : IAsyncDisposable
{
    /// <summary>
    /// What the sandbox holds against two IDENTIFYs of a bucket: Discord's five seconds, less a second by which a busy machine may bring the
    /// first one later to the sandbox than the second. That the gateway's own clock waits for the whole of them is for its unit tests to say.
    /// </summary>
    private const string Pace = "--identify-interval";

    private readonly TemporaryDirectory _directory = new();
    private readonly List<IAsyncDisposable> _started = [];
    private readonly List<GatewayProcess> _gateways = [];

    private Scenario()
    {
    }

    public SandboxProcess Sandbox { get; private set; } = null!;

    public GatewayConfig Config { get; private init; } = null!;

    /// <summary>The gateway whose end would end a test's waiting: the one that was started last, unless the test says otherwise.</summary>
    public GatewayProcess Gateway { get; set; } = null!;

    /// <summary>The last lines of every gateway, for a failure's message.</summary>
    public string Tails => string.Join('\n', _gateways.Select((gateway, number) => $"gateway {number}:\n{gateway.Tail}"));

    /// <summary>The gateways' limit of open files, as prlimit takes it; null is that of this process.</summary>
    public string? OpenFiles { get; set; }

    /// <summary>What starts a gateway, in place of the published executable.</summary>
    public string[]? Command { get; set; }

    /// <summary>Whether <see cref="Command"/> runs the gateway below itself, and hands no signals on.</summary>
    public bool IsBelow { get; set; }

    /// <summary>What the gateways find changed in their environment.</summary>
    public Dictionary<string, string> Environment { get; } = [];

    /// <param name="sandbox">Options of the sandbox, separated by spaces; DIRECTORY stands for the scenario's.</param>
    /// <param name="config">The gateway's configuration; the default one without.</param>
    public static async Task<Scenario> StartAsync(string sandbox, GatewayConfig? config = null)
    {
        Scenario scenario = new() { Config = config ?? new GatewayConfig() };
        try
        {
            string directory = scenario._directory.Path;
            sandbox = sandbox.Contains(Pace, StringComparison.Ordinal) ? sandbox : $"{Pace} 4000 {sandbox}";
            scenario.Sandbox = scenario.Owned(await SandboxProcess.StartAsync(directory, sandbox.Replace("DIRECTORY", directory, StringComparison.Ordinal)));
            return scenario;
        }
        catch
        {
            await scenario.DisposeAsync();
            throw;
        }
    }

    public string Directory => _directory.Path;

    public string File(string name) => _directory.File(name);

    /// <summary>Lets something end with the scenario.</summary>
    public T Owned<T>(T part)
        where T : IAsyncDisposable
    {
        _started.Add(part);
        return part;
    }

    /// <summary>
    /// Writes the configuration and starts a gateway with it. Again, after its end, it finds what the one before has left.
    /// </summary>
    public GatewayProcess StartGateway(params string[] arguments) => StartGateway(Config.ToYaml(Sandbox), arguments);

    /// <param name="configuration">YAML, or JSON: that begins with a brace.</param>
    /// <param name="arguments">More of the command line.</param>
    public GatewayProcess StartGateway(string configuration, params string[] arguments)
    {
        // A file of its own: another gateway may be reading the one before.
        string file = $"config-{_gateways.Count}.{(configuration.StartsWith('{') ? "json" : "yaml")}";
        System.IO.File.WriteAllText(File(file), configuration);
        string[] loops = Config.Loops == 1 ? [] : ["--loops", $"{Config.Loops}"];
        string[] commandLine = ["--config", file, .. loops, .. arguments];
        Gateway = Owned(this switch
        {
            { Command: { } command } => GatewayProcess.StartBy(command, IsBelow, _directory.Path, commandLine, Environment),
            { OpenFiles: { } limit } => GatewayProcess.StartLimited(limit, _directory.Path, commandLine),
            _ => GatewayProcess.Start(_directory.Path, commandLine, Environment),
        });
        _gateways.Add(Gateway);
        return Gateway;
    }

    /// <summary>Starts a gateway and waits until all its shards have a session and their guilds, and 신경 knows it.</summary>
    public async Task StartReadyGatewayAsync(int shards)
    {
        StartGateway();
        await HoldsAsync(
            statistics => statistics.Discord.IsConnected(shards) && statistics.Discord.Shards.All(shard => shard.UnsentBytes == 0)
                && statistics.Singyeong.Has("gateway"),
            $"{shards} shards and 신경 are connected");
    }

    /// <summary>
    /// Waits until each session that is alive stands in the state file: what a crash before that would cost is an IDENTIFY, and rightly so.
    /// </summary>
    public async Task SessionsAreStoredAsync()
    {
        string[] sessions = [.. (await Sandbox.StatisticsAsync()).Discord.Shards.Select(shard => shard.Session)];
        await Eventually.HoldsAsync(
            () => System.IO.File.Exists(File("singateway.state"))
                && System.IO.File.ReadAllText(File("singateway.state")) is var state && sessions.All(session => state.Contains(session, StringComparison.Ordinal)),
            "every session stands in the state file",
            () => Tails);
    }

    /// <summary>Waits for a condition on what the sandbox has seen. Fails at once when the gateway has ended.</summary>
    public Task<SandboxStatistics> HoldsAsync(Func<SandboxStatistics, bool> isMet, string expectation, TimeSpan? deadline = null) => Eventually.HoldsAsync(
        async () =>
        {
            bool hasEnded = Gateway.HasExited;
            SandboxStatistics statistics = await Sandbox.StatisticsAsync();
            return !hasEnded || isMet(statistics)
                ? statistics
                : throw new InvalidOperationException($"the gateway has ended; expected: {expectation}\n{statistics}\n{Tails}");
        },
        isMet,
        expectation,
        statistics => $"{statistics}\n{Tails}",
        deadline);

    /// <summary>Waits until everything that has happened at Discord has arrived.</summary>
    public Task<SandboxStatistics> EverythingArrivesAsync(long atLeast = 1) => HoldsAsync(
        statistics => statistics.Ledger.Missing == 0 && statistics.Ledger.Distinct >= atLeast, $"nothing is missing of {atLeast} events or more");

    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable part in Enumerable.Reverse(_started))
        {
            await part.DisposeAsync();
        }
        _directory.Dispose();
    }
}
