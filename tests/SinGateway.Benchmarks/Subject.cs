namespace SinGateway.Benchmarks;

/// <summary>A program under measurement: something that takes the sandbox's events to the sandbox's 신경.</summary>
/// <param name="Name">The heading of its column.</param>
/// <param name="SpeaksTls">Whether it can be measured with TLS.</param>
/// <param name="Start">Starts it against a sandbox, with a scratch directory of this run and the number of shards.</param>
internal sealed record Subject(string Name, bool SpeaksTls, Func<SandboxProcess, string, int, ChildProcess> Start);
