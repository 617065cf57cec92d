namespace SinGateway.Discord;

/// <summary>Why a command is not sent.</summary>
/// <param name="Result">What it is counted as.</param>
/// <param name="Reason">For a log line; repeats numbers at most of what the worker wrote, no text.</param>
internal readonly record struct CommandRefusal(CommandResult Result, string Reason);
