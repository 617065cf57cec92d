using Microsoft.Extensions.Logging;
using SinGateway.Operations;

namespace SinGateway;

/// <summary>What the parts of a process tell their state to. Owned by who made it; any thread.</summary>
/// <param name="Loggers">The log.</param>
/// <param name="Board">What is served over HTTP, where the configuration says so.</param>
/// <param name="Notifier">The service manager: when the gateway begins, and that it is alive.</param>
/// <param name="Watchdog">Sees whether the loop turns.</param>
internal sealed record ProcessServices(ILoggerFactory Loggers, StatusBoard Board, ServiceNotifier Notifier, LoopWatchdog Watchdog);
