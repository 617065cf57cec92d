using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using ConsoleAppFramework;
using Microsoft.Extensions.Logging;
using SinGateway.Configuration;
using SinGateway.Operations;

namespace SinGateway;

/// <summary>The commands. The last line on stderr of an exit code above 0 says what was wrong and what to change.</summary>
internal sealed class Commands
{
    /// <summary>True when the command line was understood; what fails before is the caller's mistake.</summary>
    public static bool Understood { get; private set; }

    /// <summary>
    /// Holds the bot's shards and forwards their events to 신경. Stops on SIGTERM or Ctrl-C, with every session kept for the next start.
    /// </summary>
    /// <param name="config">The configuration file. Without it: config.json, config.yaml or config.yml of this directory.</param>
    /// <param name="cluster">The cluster to run, from 0, a name that ends in -N, or auto for the first that is free. Without it: SINGATEWAY_CLUSTER.</param>
    /// <param name="logLevel">CRITICAL, ERROR, WARNING, INFO or DEBUG, in place of the file's loggingLevel.</param>
    /// <param name="loops">Threads over which the connections to 신경 are split with their shards; at most singyeong.connections. One is right for nearly all bots.</param>
    /// <param name="noStandby">Exit with code 5, in place of waiting, when another process runs the cluster.</param>
    /// <param name="mutedUntilReady">Change over to another shard count: forward nothing until the shards of all processes that were started so are ready.</param>
    /// <param name="stayWhenRefused">Where any exit is followed by a restart (Kubernetes): in place of an exit with 2, 3 or 4, which only you can mend, say why, and wait for SIGTERM.</param>
    [Command("")]
    public async Task<int> Run(
        string? config = null,
        string? cluster = null,
        string? logLevel = null,
        int loops = 1,
        bool noStandby = false,
        bool mutedUntilReady = false,
        bool stayWhenRefused = false)
    {
        Understood = true;
        using var stop = new CancellationTokenSource();
        using PosixSignalRegistration terminate = StopOn(PosixSignal.SIGTERM, stop);
        using PosixSignalRegistration interrupt = StopOn(PosixSignal.SIGINT, stop);
        if (!TryLoad(config, out string? file, out ConfigurationResult? loaded, out string error) || loaded.Configuration is not { } configuration)
        {
            return await RefuseAsync(error, stayWhenRefused, stop.Token);
        }

        if (ClusterIndex.Choose(configuration.Clustering, cluster, Environment.GetEnvironmentVariable(ClusterIndex.Variable), out error) is not { } clusters)
        {
            return await RefuseAsync(error, stayWhenRefused, stop.Token);
        }

        if (mutedUntilReady && configuration.Redis is null)
        {
            return await RefuseAsync("--muted-until-ready needs Redis, where both shard counts meet: set redisDSN, or leave it out", stayWhenRefused, stop.Token);
        }

        if (loops < 1 || loops > configuration.SingyeongConnections)
        {
            int most = configuration.SingyeongConnections;
            return await RefuseAsync(
                $"--loops {loops}: each loop needs a connection to 신경, so with singyeong.connections: {most} it is {(most == 1 ? "1" : $"1 to {most}")}; change one of them",
                stayWhenRefused,
                stop.Token);
        }

        if (loops > 1 && configuration.Spool is not null)
        {
            return await RefuseAsync(
                $"--loops {loops}: a spool belongs to one loop; leave --loops out, or remove spool.directory", stayWhenRefused, stop.Token);
        }

        LogLevel level = configuration.LoggingLevel;
        if (logLevel is not null && !LoggingLevels.TryParse(logLevel, out level))
        {
            return await RefuseAsync($"--log-level {logLevel} is no level: use {LoggingLevels.Names}", stayWhenRefused, stop.Token);
        }

        Outcome outcome;
        FaultLog faults = new(TimeProvider.System);
        StatusProcess process = new(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), $"{configuration.Singyeong.Host}:{configuration.Singyeong.Port}");
        StatusBoard board = new(process, faults, TimeProvider.System);
        using (LineLoggerFactory loggers = Logging.Create(level, configuration.LogFormat, faults))
        {
            ILogger logger = loggers.CreateLogger("config");
            foreach (ConfigurationProblem warning in loaded.Warnings)
            {
                logger.LogWarning("{Warning}", warning);
            }

            using var notifier = new ServiceNotifier(Environment.GetEnvironmentVariable);

            // A standby has no loop yet; it is alive while its timers fire.
            using var watchdog = new LoopWatchdog(notifier, TimeProvider.System);
            using CancellationTokenRegistration stopping = stop.Token.Register(notifier.Stopping);
            var member = new ClusterMember(configuration, clusters, !noStandby, mutedUntilReady, loops, new ProcessServices(loggers, board, notifier, watchdog));
            var reload = new ConfigurationReload(file, configuration, logLevel is null ? null : level, Environment.GetEnvironmentVariable, Use, logger);
            using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
            {
                context.Cancel = true;
                reload.Reload();
            });
            using ConfigurationWatch? watch = configuration.ReloadsOnChange ? new ConfigurationWatch(file, TimeProvider.System, reload.Reload) : null;
            outcome = await RunAsync(member, configuration.Listen, board, loggers, stop.Token);

            void Use(GatewayConfiguration changed)
            {
                loggers.Minimum = changed.LoggingLevel;
                member.Use(changed);
            }

            if (configuration.LogFormat == LogFormat.Json && outcome.Code != ExitCode.Stopped)
            {
                // Who reads the log as JSON reads its last line so, too.
                loggers.CreateLogger("gateway").LogCritical("{Reason}", outcome.Message);
                return (int)outcome.Code;
            }
        }

        return outcome.Code == ExitCode.Stopped ? 0 : Refuse(outcome.Code, outcome.Message);

        // The endpoints tell of a member that has been refused, while it stays.
        async Task<Outcome> RunAsync(ClusterMember member, ListenAddress? listen, StatusBoard board, ILoggerFactory loggers, CancellationToken stop)
        {
            try
            {
                using OperationsServer? operations =
                    listen is null ? null : await OperationsServer.StartAsync(listen, board, loggers.CreateLogger("operations"));
                return await StayAsync(await member.RunAsync(stop));
            }
            catch (IOException unusable)
            {
                return await StayAsync(new(ExitCode.BadConfiguration, unusable.Message));
            }

            async Task<Outcome> StayAsync(Outcome outcome)
            {
                if (stayWhenRefused && outcome.Code is ExitCode.BadConfiguration or ExitCode.DiscordRefused or ExitCode.BrokerRefused)
                {
                    board.Refuse(outcome.Message);
                    loggers.CreateLogger("gateway").LogCritical("{Reason}: nothing is tried again, since no restart would mend it", outcome.Message);
                    await Endless(stop);
                }

                return outcome;
            }
        }
    }

    /// <summary>
    /// Checks the configuration and prints the plan: shards, rules, intents, one rendered dispatch for each rule. Connects to nothing.
    /// </summary>
    /// <param name="config">The configuration file. Without it: config.json, config.yaml or config.yml of this directory.</param>
    /// <param name="cluster">The cluster whose plan to print. Without it: all.</param>
    /// <param name="stayWhenRefused">In place of an exit with 2, wait for SIGTERM: for what runs before the gateway, and is restarted whatever the exit code.</param>
    [Command("check")]
    public async Task<int> Check(string? config = null, string? cluster = null, bool stayWhenRefused = false)
    {
        Understood = true;
        using var stop = new CancellationTokenSource();
        using PosixSignalRegistration terminate = StopOn(PosixSignal.SIGTERM, stop);
        using PosixSignalRegistration interrupt = StopOn(PosixSignal.SIGINT, stop);
        if (!TryLoad(config, out _, out ConfigurationResult? loaded, out string error) || loaded.Configuration is not { } configuration)
        {
            return await RefuseAsync(error, stayWhenRefused, stop.Token);
        }

        IReadOnlyList<int> clusters = [];
        if (cluster is not null && (clusters = ClusterIndex.Choose(configuration.Clustering, cluster, null, out error)!) is null)
        {
            return await RefuseAsync(error, stayWhenRefused, stop.Token);
        }

        CheckReport.Write(Console.Out, configuration, loaded.Warnings, clusters is [var index] ? index : null);
        return 0;
    }

    private static bool TryLoad(
        string? config, [NotNullWhen(true)] out string? file, [NotNullWhen(true)] out ConfigurationResult? loaded, out string error)
    {
        loaded = null;
        error = ConfigurationFile.NotFound;
        file = config ?? ConfigurationFile.Find("");
        if (file is null)
        {
            return false;
        }

        loaded = ConfigurationFile.Load(file, Environment.GetEnvironmentVariable);
        foreach (ConfigurationProblem problem in loaded.Errors)
        {
            Console.Error.WriteLine(problem);
        }

        error = loaded.Errors.Count == 1 ? $"{file} has an error: correct it and start again" : $"{file} has {loaded.Errors.Count} errors: correct them and start again";
        return true;
    }

    private static PosixSignalRegistration StopOn(PosixSignal signal, CancellationTokenSource stop) => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        stop.Cancel();
    });

    /// <summary>Says what is wrong with command line or configuration, and answers the exit code: at once, or when it is told to stop.</summary>
    private static async Task<int> RefuseAsync(string message, bool stays, CancellationToken stop)
    {
        int code = Refuse(ExitCode.BadConfiguration, message);
        if (stays)
        {
            await Endless(stop);
        }

        return code;
    }

    private static async Task Endless(CancellationToken stop) =>
        await Task.Delay(Timeout.InfiniteTimeSpan, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private static int Refuse(ExitCode code, string message)
    {
        Console.Error.WriteLine(message);
        return (int)code;
    }
}
