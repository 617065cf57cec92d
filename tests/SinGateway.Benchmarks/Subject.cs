namespace SinGateway.Benchmarks;

/// <summary>A program under measurement: something that takes the sandbox's events to the sandbox's 신경.</summary>
/// <param name="Name">The heading of its column.</param>
/// <param name="SpeaksTls">Whether it can be measured with TLS.</param>
/// <param name="Start">
/// Starts it against a sandbox, with a scratch directory of this run, the number of shards, and the words of a command line that stand before
/// its own, if another program is to run it.
/// </param>
internal sealed record Subject(string Name, bool SpeaksTls, Func<SandboxProcess, string, int, string[], ChildProcess> Start);
