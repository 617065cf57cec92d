namespace SinGateway;

/// <summary>The exit codes of the contract.</summary>
internal enum ExitCode
{
    Stopped = 0,
    Unexpected = 1,
    BadConfiguration = 2,
    DiscordRefused = 3,
    BrokerRefused = 4,
    HeldElsewhere = 5,
}

/// <summary>How a run ended.</summary>
/// <param name="Code">The process' exit code.</param>
/// <param name="Message">The last line on stderr: what was wrong and what to change. Empty when it was stopped as asked.</param>
internal readonly record struct Outcome(ExitCode Code, string Message = "");
