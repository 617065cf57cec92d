using System.Reflection;
using System.Runtime.InteropServices;

namespace SinGateway.Operations;

/// <summary>What does not change while a process lives.</summary>
/// <param name="StartedAt">ms since the epoch.</param>
/// <param name="Singyeong">Where 신경 is, host:port.</param>
internal sealed record StatusProcess(long StartedAt, string Singyeong)
{
    public string Version { get; } = typeof(StatusProcess).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>What the executable is built for, such as linux-x64.</summary>
    public string Rid { get; } = RuntimeInformation.RuntimeIdentifier;
}
