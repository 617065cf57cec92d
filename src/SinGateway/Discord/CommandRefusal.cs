namespace SinGateway.Discord;

/// <summary>Why a command is not sent.</summary>
/// <param name="Result">What it is counted as.</param>
/// <param name="Reason">For a log line; repeats nothing that the worker wrote.</param>
internal readonly record struct CommandRefusal(CommandResult Result, string Reason);
